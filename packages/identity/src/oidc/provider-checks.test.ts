import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRefusal, principalId, Secret, type Refusal, type Subject } from '@sallyport/core'
import { privateKeyFromSeed } from '@sallyport/openssh'
import { ProviderSignIn } from '../provider-sign-in.ts'
import { doubtPerson } from '../provider-users.ts'
import { SealedBox } from '../sealed-box.ts'
import { SignInProblem, type SignedInPerson } from '../sign-in-provider.ts'
import { identityFixture, type Fixture } from '../testing/fixtures.ts'
import { StepUps } from '../step-ups.ts'
import { ProviderChecks } from './provider-checks.ts'
import type { Flow } from './provider.ts'
import { RegisteredKeys } from '../ssh/registered-keys.ts'

const issuer = 'https://idp.example'
const back = 'https://gateway.example/sign-in/callback'

describe('whoever a provider has signed in', () => {
  let it: Fixture
  let signIn: ProviderSignIn<Flow>
  let checks: ProviderChecks
  let problems: SignInProblem[]
  /** What the provider says of somebody when it is asked again; each time it gives another refresh token. */
  let says: (subject: string) => SignedInPerson | undefined | 'nothing'
  let asked: string[]
  const flow: Flow = { state: 's', nonce: 'n', verifier: 'v' }
  const person = (
    subject: string,
    groups: readonly string[] = ['dba'],
    refresh = `refresh-${subject}`,
  ): SignedInPerson => ({
    issuer,
    subject,
    called: subject,
    groups,
    claimedAtMs: it.clock.now(),
    sid: `session of ${subject}`,
    signedIn: { acr: ['pwd'], amr: ['pwd'], atMs: 1000 },
    ...(refresh !== '' && { refresh: new Secret(refresh) }),
  })

  beforeEach(async () => {
    it = await identityFixture()
    problems = []
    asked = []
    says = (subject) => person(subject)
    const box = new SealedBox(randomBytes(32))
    const provider = {
      issuer,
      begin: () => Promise.resolve({ url: new URL(issuer), flow }),
      complete: (answer: URLSearchParams) => {
        const subject = answer.get('as') ?? ''
        return Promise.resolve(person(subject, ['dba'], answer.get('refresh') ?? undefined))
      },
      refresh: (token: Secret, subject: string) => {
        asked.push(token.reveal())
        const said = says(subject)
        return said === 'nothing'
          ? Promise.reject(new SignInProblem('unavailable', 'it is down'))
          : Promise.resolve(said)
      },
    }
    const stepUps = new StepUps({ ...it, box })
    signIn = new ProviderSignIn({
      stepUps,
      ...it,
      kind: 'oidc',
      provider,
      box,
      onProblem: (problem) => void problems.push(problem),
    })
    checks = new ProviderChecks({
      ...it,
      provider,
      box,
      onUnavailable: (problem) => void problems.push(problem),
    })
  })
  afterEach(() => it[Symbol.asyncDispose]())

  /** Signs somebody in, and lets a program of theirs in. */
  const live = async (query: string) => {
    const begun = await signIn.begin(back, '/device', '10.0.0.1')
    if (isRefusal(begun)) throw new Error(begun.reason)
    const done = await signIn.complete(new URLSearchParams(query), begun.sealed, '10.0.0.1')
    if (isRefusal(done) || done.kind !== 'signed-in') throw new Error('not signed in')
    const minted = await it.mint(done.user, { signedInBy: done.token.id })
    const who = await it.tokens.authenticate(minted.token)
    if (isRefusal(who)) throw new Error(who.reason)
    const told: (Refusal | Subject)[] = []
    it.tokens.watch(who, (now) => void told.push(now))
    return { told, token: minted.token, user: done.user, session: done.token }
  }

  test('is asked about by their own refresh token, the newest, as long as something stands by it', async () => {
    const { told } = await live('as=dora')
    says = (subject) => person(subject, ['dba'], `newer-${asked.length}`)
    await checks.check()
    await checks.check()
    expect(asked).toEqual(['refresh-dora', 'newer-1'])
    expect(told).toEqual([])
    it.clock.advance(3_600_000)
    await checks.check()
    expect(asked).toHaveLength(2)
    expect(await it.store.read.signIns.refreshable()).toEqual([])
  })

  test('is in the groups that it says then', async () => {
    const { told } = await live('as=dora')
    it.clock.advance(60_000)
    says = (subject) => person(subject, ['interns'])
    await checks.check()
    await expect.poll(() => told).toMatchObject([{ principal: { groups: ['interns'] } }])
  })

  test('is not vouched for by an answer that was on its way when it said that they have left', async () => {
    const { user } = await live('as=dora')
    let left: Promise<void> | undefined
    says = (subject) => {
      left = it.store.write('system', 'back-channel logout', async (tx) => {
        for (const { id } of await tx.signIns.of(issuer, { userName: user })) await tx.signIns.delete(id)
        await doubtPerson(tx, user, it.clock.now())
      })
      return person(subject)
    }
    await checks.check()
    await left
    const { vouchedUntil = 0 } = (await it.store.read.users.get(user))?.provider ?? {}
    expect(vouchedUntil).toBeLessThanOrEqual(it.clock.now())
  })

  test('loses all that they opened once it does not know them, and nobody else does', async () => {
    const dora = await live('as=dora')
    const emil = await live('as=emil')
    says = (subject) => (subject === 'dora' ? undefined : person(subject))
    await checks.check()
    expect(dora.told).toMatchObject([{ code: 'access-revoked' }])
    expect(isRefusal(await it.tokens.authenticate(dora.token))).toBe(true)
    expect(isRefusal(await it.tokens.browser(dora.session.token))).toBe(true)
    expect(emil.told).toEqual([])
  })

  test('goes on while it cannot be asked, and nobody else is asked about then', async () => {
    const people = [await live('as=dora'), await live('as=emil')]
    says = () => 'nothing'
    await checks.check()
    for (const { told, token } of people) {
      expect(told).toEqual([])
      expect(isRefusal(await it.tokens.authenticate(token))).toBe(false)
    }
    expect(problems.map(({ message }) => message)).toContain('it is down')
  })

  test('is left alone where it gave nothing to ask by', async () => {
    await live('as=dora&refresh=')
    await checks.check()
    expect(asked).toEqual([])
  })

  test('is known by how they signed in, whatever stands by it, and by how they do anew', async () => {
    const { told, token } = await live('as=dora&refresh=')
    const who = await it.tokens.authenticate(token)
    if (isRefusal(who)) throw new Error(who.reason)
    expect(who.subject.signedIn).toEqual({ acr: ['pwd'], amr: ['pwd'], atMs: 1000 })
    const id = who.token.signIn?.id ?? ''
    expect(who.token.signIn?.issuer).toBe(issuer)
    const signedIn = { acr: ['phr'], amr: ['pwd', 'hwk'], atMs: 2000 }
    await it.store.write('system', 'x', (tx) => tx.signIns.renew(id, { signedIn, sid: null, refresh: null }))
    await expect.poll(() => told).toMatchObject([{ principal: { id: 'user:dora' }, signedIn }])
    expect(await it.tokens.authenticate(token)).toMatchObject({ subject: { signedIn } })
  })

  describe('and has a registered key', () => {
    const { publicKey } = privateKeyFromSeed(Buffer.alloc(32, 3))
    const hourMs = 3_600_000
    let keys: RegisteredKeys
    beforeEach(() => {
      keys = new RegisteredKeys({ ...it, providers: [issuer] })
    })
    const offered = { kind: 'public-key', blob: publicKey.blob } as const
    const accepts = () => keys.accepts(offered)
    /** Signs somebody in, and registers the key for them. */
    const add = async (query: string) => {
      const person = await live(query)
      const who = await it.tokens.authenticate(person.token)
      if (isRefusal(who)) throw new Error(who.reason)
      const added = await keys.add(who.subject, {
        principalId: principalId('user', person.user),
        key: publicKey,
        label: '',
      })
      if (isRefusal(added)) throw new Error(added.reason)
      return person
    }
    const logIn = async () => {
      const who = await keys.holder(offered, undefined)
      if (typeof who === 'string') throw new Error(who)
      const told: (Refusal | Subject)[] = []
      it.tokens.watch(who, (now) => void told.push(now))
      return { told, who }
    }
    const pass = async (minutes: number) => {
      for (let minute = 0; minute < minutes; minute++) {
        it.clock.advance(60_000)
        await checks.check()
      }
    }

    test('comes in by it while the provider is asked and says yes: once a minute while they are in, else once in 15', async () => {
      await add('as=dora')
      await pass(60)
      const before = asked.length
      await pass(45)
      expect(asked.length - before).toBe(3)
      await pass(12 * 60)
      expect(await accepts()).toBe(true)
      const { told, who } = await logIn()
      expect(who.token.expiresAtMs).toBe(it.clock.now() + 12 * hourMs)
      const during = asked.length
      await pass(5)
      expect(asked.length - during).toBe(5)
      expect(told).toEqual([])
    })

    test('is out, with what they opened, once it says no, until they have signed in anew', async () => {
      await add('as=dora')
      const { told } = await logIn()
      says = () => undefined
      await pass(1)
      expect(told).toMatchObject([{ code: 'access-revoked' }])
      expect(await accepts()).toBe(false)
      expect(await keys.holder(offered, undefined)).toBe('not-vouched-for')
      await live('as=dora')
      expect(await accepts()).toBe(true)
    })

    test('stays in where another sign-in of theirs stands', async () => {
      await add('as=dora')
      it.clock.advance(1000)
      await live('as=dora')
      let answers = 0
      says = (subject) => (answers++ === 0 ? undefined : person(subject))
      await checks.check()
      expect(answers).toBe(2)
      expect(await accepts()).toBe(true)
    })

    test('comes in for an hour after the last yes while the provider is down', async () => {
      await add('as=dora')
      await pass(30)
      const { told } = await logIn()
      says = () => 'nothing'
      await pass(59)
      expect(await accepts()).toBe(true)
      await pass(1)
      expect(await accepts()).toBe(false)
      expect(told).toEqual([])
      says = (subject) => person(subject)
      await pass(1)
      expect(await accepts()).toBe(true)
    })

    test('comes in for 12 hours after a sign-in where the provider cannot be asked, and their sessions end then', async () => {
      await add('as=dora&refresh=')
      const signedInAt = it.clock.now()
      await pass(11 * 60)
      expect((await logIn()).who.token.expiresAtMs).toBe(signedInAt + 12 * hourMs)
      await pass(60)
      expect(await accepts()).toBe(false)
      await live('as=dora&refresh=')
      expect(await accepts()).toBe(true)
    })

    test('has not signed in by it, whatever they did before', async () => {
      await add('as=dora')
      expect((await logIn()).who.subject.signedIn).toBeUndefined()
    })

    test('is out where the gateway is configured for another provider', async () => {
      await add('as=dora')
      keys = new RegisteredKeys({ ...it, providers: ['https://other.example'] })
      expect(await accepts()).toBe(false)
      keys = new RegisteredKeys({ ...it })
      expect(await accepts()).toBe(false)
    })
  })

  test('stands in the store with a refresh token that is sealed', async () => {
    await live('as=dora')
    const [row] = await it.store.read.signIns.refreshable()
    expect(Buffer.from(row?.refresh ?? []).toString('latin1')).not.toContain('refresh-dora')
    expect(JSON.stringify(await it.store.read.audit.list(50))).not.toContain('refresh-dora')
  })

  test('is not signed in by what another browser has begun, nor later than ten minutes after', async () => {
    const begun = await signIn.begin(back, '/device', '10.0.0.1')
    if (isRefusal(begun)) throw new Error(begun.reason)
    const query = new URLSearchParams('as=dora')
    it.clock.advance(600_000)
    for (const sealed of [undefined, '', 'AAAA', begun.sealed])
      expect(await signIn.complete(query, sealed, '10.0.0.1')).toMatchObject({ code: 'invalid-credential' })
    expect(problems.map(({ message }) => message)).toEqual(
      Array.from({ length: 4 }, () => 'no sign-in was begun by this browser'),
    )
  })
})
