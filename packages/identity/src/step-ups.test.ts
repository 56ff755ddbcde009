import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRefusal, type SignedIn, type SignInTerms } from '@sallyport/core'
import { ProviderSignIn, type WantedSignIn } from './provider-sign-in.ts'
import { SealedBox } from './sealed-box.ts'
import type { SignInProblem } from './sign-in-provider.ts'
import { StepUps } from './step-ups.ts'
import { identityFixture, type Fixture } from './testing/fixtures.ts'

const issuer = 'https://idp.example'
const back = 'https://gateway.example/sign-in/callback'

describe('somebody who signs in anew', () => {
  let it: Fixture
  let signIn: ProviderSignIn
  let stepUps: StepUps
  let problems: SignInProblem[]
  let asked: (SignInTerms | undefined)[]
  /** How the provider says that they have signed in. */
  let how: SignedIn
  beforeEach(async () => {
    it = await identityFixture()
    problems = []
    asked = []
    how = { acr: ['pwd'], amr: [] }
    const box = new SealedBox(randomBytes(32))
    stepUps = new StepUps({ ...it, box })
    const provider = {
      issuer,
      begin: (_back: string, terms?: SignInTerms) => {
        asked.push(terms)
        return Promise.resolve({ url: new URL(issuer), flow: 'f' })
      },
      complete: (answer: URLSearchParams) => {
        const subject = answer.get('as') ?? ''
        const person = { issuer, subject, called: subject, groups: [], claimedAtMs: it.clock.now(), sid: 's' }
        return Promise.resolve({ ...person, signedIn: how })
      },
    }
    const onProblem = (problem: SignInProblem): void => void problems.push(problem)
    signIn = new ProviderSignIn<unknown>({ ...it, kind: 'oidc', provider, box, stepUps, onProblem })
  })
  afterEach(() => it[Symbol.asyncDispose]())

  const go = async (name: string, wanted?: WantedSignIn) => {
    const begun = await signIn.begin(back, '/device', '10.0.0.1', undefined, wanted)
    if (isRefusal(begun)) throw new Error(begun.reason)
    return signIn.complete(new URLSearchParams({ as: name }), begun.sealed, '10.0.0.1')
  }
  const signedIn = async (name: string) => {
    const done = await go(name)
    if (isRefusal(done) || done.kind !== 'signed-in') throw new Error('not signed in')
    const { id, token } = await it.mint(done.user, { signedInBy: done.token.id, label: 'sallyport login' })
    const now = async () => {
      const who = await it.tokens.authenticate(token)
      return isRefusal(who) ? who : { id: who.token.signIn?.id ?? '', ...who.subject.signedIn }
    }
    const at = await now()
    return { token: id, renews: 'id' in at ? at.id : '', now }
  }
  const phr: SignInTerms = { acr: ['phr'], maxAgeMs: 60_000 }
  const strongly = (): SignedIn => ({ acr: ['phr'], amr: ['hwk'], atMs: it.clock.now() })

  test('is asked for what policy asks for, and what stands by their sign-in then stands by that', async () => {
    const { token, renews, now } = await signedIn('dora')
    how = strongly()
    const proposed = await go('dora', { terms: phr, renews })
    expect(asked.at(-1)).toEqual(phr)
    if (isRefusal(proposed) || proposed.kind !== 'step-up') throw new Error('not proposed')
    expect(proposed.tokens.map(({ id }) => id)).toContain(token)
    expect(await now()).toMatchObject({ acr: ['pwd'] })
    expect(await stepUps.confirm(proposed.sealed, renews, '10.0.0.1')).toBe('dora')
    expect(await now()).toEqual({ id: renews, ...how })
    const [entry] = await it.store.read.audit.list(1)
    expect(entry).toMatchObject({ kind: 'log-in', principal: 'user:dora', address: '10.0.0.1' })
    expect(entry?.changes.join()).toContain('user dora signed in anew from 10.0.0.1')
  })

  test('is not taken for somebody else, nor for a sign-in that is none or over', async () => {
    const { renews, now } = await signedIn('dora')
    await signedIn('emil')
    how = strongly()
    for (const [name, id] of [
      ['emil', renews],
      ['nobody', renews],
      ['dora', 'sgn_none'],
      ['dora', ''],
    ] as const)
      expect(await go(name, { terms: phr, renews: id })).toMatchObject({
        reason: 'this is for somebody else, or is over',
      })
    expect(await now()).toMatchObject({ acr: ['pwd'] })
    const local = await it.store.write('system', 'x', async (tx) => {
      const row = { userName: 'dora', issuer: null, sid: null, refresh: null, signedIn: how }
      await tx.signIns.add({ ...row, id: 'sgn_local' })
      return 'sgn_local'
    })
    await it.mint('dora', { signIn: local })
    expect(isRefusal(await go('dora', { terms: phr, renews: local }))).toBe(true)
    it.clock.advance(3_600_000)
    expect(isRefusal(await go('dora', { terms: { acr: ['phr'] }, renews }))).toBe(true)
  })

  test('is refused where they were signed in otherwise than was asked for, to renew and to begin with', async () => {
    const { renews, now } = await signedIn('dora')
    const others: SignedIn[] = [
      { acr: [], amr: [] },
      { acr: ['pwd'], amr: ['phr'], atMs: it.clock.now() },
      { acr: ['PHR'], amr: [], atMs: it.clock.now() },
      { acr: ['phr'], amr: [] },
      { acr: ['phr'], amr: [], atMs: it.clock.now() - 60_000 },
    ]
    for (const other of others) {
      how = other
      for (const wanted of [{ terms: phr, renews }, { terms: phr }])
        expect(await go('dora', wanted)).toMatchObject({
          reason: 'you were signed in, but not as strongly or as lately as is asked for',
        })
    }
    expect(await now()).toMatchObject({ acr: ['pwd'] })
    expect(problems[0]?.message).toBe(
      'it was asked for a sign-in by phr, at most 1 min ago, and says no class of sign-in',
    )
  })

  test('says it of what they have seen, and not of what another page has had them sign in for since', async () => {
    const [own, stolen] = [await signedIn('dora'), await signedIn('dora')]
    how = strongly()
    const shown = await go('dora', { terms: phr, renews: own.renews })
    const since = await go('dora', { terms: phr, renews: stolen.renews })
    if (isRefusal(shown) || isRefusal(since) || since.kind !== 'step-up' || shown.kind !== 'step-up')
      throw new Error('not proposed')
    expect(shown.id).toBe(own.renews)
    for (const id of [shown.id, undefined, ''])
      expect(isRefusal(await stepUps.confirm(since.sealed, id, '10.0.0.1'))).toBe(true)
    expect(await stolen.now()).toMatchObject({ acr: ['pwd'] })
  })

  test('says what for with the very answer that this browser has kept, within ten minutes, and while they may', async () => {
    const { renews, now } = await signedIn('dora')
    how = strongly()
    const proposed = await go('dora', { terms: phr, renews })
    if (isRefusal(proposed) || proposed.kind !== 'step-up') throw new Error('not proposed')
    const flipped = `${proposed.sealed.slice(0, -2)}AA`
    for (const sealed of [undefined, '', 'AAAA', flipped])
      expect(isRefusal(await stepUps.confirm(sealed, renews, '10.0.0.1'))).toBe(true)
    await it.disable('dora')
    expect(isRefusal(await stepUps.confirm(proposed.sealed, renews, '10.0.0.1'))).toBe(true)
    await it.enable('dora')
    it.clock.advance(600_000)
    expect(isRefusal(await stepUps.confirm(proposed.sealed, renews, '10.0.0.1'))).toBe(true)
    expect(await now()).not.toMatchObject({ acr: ['phr'] })
  })
})
