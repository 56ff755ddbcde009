import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRefusal, Secret, type Refusal, type Subject } from '@sallyport/core'
import { privateKeyFromSeed } from '@sallyport/openssh'
import { keepSignIn } from '../signed-in.ts'
import { RegisteredKeys } from '../ssh/registered-keys.ts'
import { identityFixture, type Fixture } from '../testing/fixtures.ts'
import { TestIssuer, type Signing } from '../testing/issuer.ts'
import { BackChannel } from './back-channel.ts'

const issuer = 'https://idp.example'
const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }

describe('a provider that says that somebody has left', () => {
  let it: Fixture
  let idp: TestIssuer
  let backChannel: BackChannel
  let refused: string[]
  beforeEach(async () => {
    it = await identityFixture()
    idp = await TestIssuer.start(it.clock)
    refused = []
    const provider = {
      issuer,
      clientId: 'sallyport',
      subjectClaim: 'sub',
      keySet: () => idp.publishedAt(new URL(`${issuer}/jwks`)),
    }
    backChannel = new BackChannel({ ...it, provider, onRefused: (why) => void refused.push(why) })
  })
  afterEach(() => it[Symbol.asyncDispose]())

  let names = 0
  const logoutToken = (claims: Readonly<Record<string, unknown>> = {}, signing: Signing = {}) =>
    idp.token(
      {
        iss: issuer,
        aud: 'sallyport',
        sub: 'dora',
        events,
        jti: `j${++names}`,
        repository: undefined,
        ref: undefined,
        ...claims,
      },
      { ...signing, header: { typ: 'logout+jwt', ...signing.header } },
    )
  const logOut = async (claims: Readonly<Record<string, unknown>> = {}, signing: Signing = {}) =>
    backChannel.logOut(new Secret(await logoutToken(claims, signing)), '10.0.0.1')

  /** Somebody who has signed in there, in a session of theirs, and what ended of what they opened. */
  const signedIn = async (name: string, sid: string | null, by: string | null = issuer) => {
    await it.store.write('system', 'x', async (tx) => {
      const provider = { issuer, subject: name, claimedAt: 0, vouchedUntil: it.clock.now() + 1000 }
      if ((await tx.users.get(name)) === undefined)
        await tx.users.create({ name, displayName: name, groups: [], provider })
    })
    const row = { userName: name, issuer: by, sid, refresh: null, signedIn: { acr: [], amr: [] } }
    const signIn = await it.store.write('system', 'x', (tx) => keepSignIn(tx, it.clock.now(), row))
    const browser = await it.mint(name, { signIn, kind: 'spb' })
    const program = await it.mint(name, { signedInBy: browser.id })
    const delegated = await it.mint(name, { by: program.id, actor: { kind: 'agent', id: 'a', name: 'a' } })
    const told: (Refusal | Subject)[] = []
    for (const { token } of [program, delegated])
      it.tokens.watch(await proven(token), (now) => void told.push(now))
    const isIn = async () => !isRefusal(await it.tokens.browser(browser.token))
    return { told, isIn }
  }
  const revoked = { code: 'access-revoked' }
  const proven = async (token: Secret) => {
    const who = await it.tokens.authenticate(token)
    if (isRefusal(who)) throw new Error(who.reason)
    return who
  }

  test('ends all that stands by their sign-ins, and nothing of anybody else', async () => {
    const [one, other] = [await signedIn('dora', 'a'), await signedIn('dora', 'b')]
    const [emil, local] = [await signedIn('emil', 'a'), await signedIn('dora', null, null)]
    expect(await logOut()).toBe(2)
    for (const { told, isIn } of [one, other]) {
      expect(told).toMatchObject([revoked, revoked])
      expect(await isIn()).toBe(false)
    }
    for (const { told, isIn } of [emil, local]) {
      expect(told).toEqual([])
      expect(await isIn()).toBe(true)
    }
    expect(JSON.stringify(await it.store.read.audit.list(3))).toContain(
      'the provider says that user dora has left',
    )
  })

  test('leaves keys of theirs no word of the provider’s to stand by, until they sign in anew', async () => {
    const vouched = async (name: string) =>
      ((await it.store.read.users.get(name))?.provider?.vouchedUntil ?? 0) > it.clock.now()
    await signedIn('dora', 'a')
    await signedIn('emil', 'b')
    expect([await vouched('dora'), await vouched('emil')]).toEqual([true, true])
    await logOut()
    expect([await vouched('dora'), await vouched('emil')]).toEqual([false, true])
    await logOut({ sub: undefined, sid: 'b' })
    expect(await vouched('emil')).toBe(false)
  })

  test('ends what they opened by keys, too, where only that word stood behind it', async () => {
    await signedIn('dora', 'a')
    const keys = new RegisteredKeys({ ...it, providers: [issuer] })
    const { publicKey } = privateKeyFromSeed(Buffer.alloc(32, 1))
    const { subject } = await proven((await it.mint('dora')).token)
    await keys.add(subject, { principalId: subject.principal.id, key: publicKey, label: '' })
    const who = await keys.holder({ kind: 'public-key', blob: publicKey.blob }, undefined)
    if (typeof who === 'string') throw new Error(who)
    const told: (Refusal | Subject)[] = []
    it.tokens.watch(who, (now) => void told.push(now))
    await logOut()
    expect(told).toMatchObject([revoked])
  })

  test('ends one session of theirs there, and what may have been of it', async () => {
    const [one, other, unnamed] = [
      await signedIn('dora', 'a'),
      await signedIn('dora', 'b'),
      await signedIn('dora', null),
    ]
    const emil = await signedIn('emil', 'a')
    expect(await logOut({ sid: 'a' })).toBe(2)
    expect([one, other, unnamed, emil].map(({ told }) => told.length)).toEqual([2, 0, 2, 0])
    expect(await logOut({ sub: undefined, sid: 'b' })).toBe(1)
    expect(other.told).toHaveLength(2)
  })

  test('is told the same of people who are not known here', async () => {
    await signedIn('dora', 'a')
    expect(await logOut({ sub: 'nobody' })).toBe(0)
    expect(await logOut({ sub: 'nobody', sid: 'a' })).toBe(0)
    expect(await logOut({ sub: undefined, sid: 'x' })).toBe(0)
    for (const typ of ['JWT', 'application/logout+jwt', undefined])
      expect(await logOut({ sub: 'nobody' }, { header: { typ } })).toBe(0)
    expect(refused).toEqual([])
  })

  test('says so once by each token, across restarts', async () => {
    const token = new Secret(await logoutToken())
    expect(await backChannel.logOut(token, '10.0.0.1')).toBe(0)
    const { told } = await signedIn('dora', 'a')
    const provider = {
      issuer,
      clientId: 'sallyport',
      subjectClaim: 'sub',
      keySet: () => idp.publishedAt(new URL(`${issuer}/jwks`)),
    }
    const restarted = new BackChannel({ ...it, provider, onRefused: (why) => void refused.push(why) })
    expect(isRefusal(await restarted.logOut(token, '10.0.0.1'))).toBe(true)
    expect(refused).toEqual(['it was taken before'])
    expect(told).toEqual([])
    it.clock.advance(360_000)
    expect(isRefusal(await restarted.logOut(token, '10.0.0.1'))).toBe(true)
    expect(told).toEqual([])
  })

  test('by the claim by which people are known here, or by their session', async () => {
    const { told } = await signedIn('dora', 'a')
    const provider = {
      issuer,
      clientId: 'sallyport',
      subjectClaim: 'oid',
      keySet: () => idp.publishedAt(new URL(`${issuer}/jwks`)),
    }
    const byOid = new BackChannel({ ...it, provider, onRefused: (why) => void refused.push(why) })
    const say = async (claims: Readonly<Record<string, unknown>>) =>
      byOid.logOut(new Secret(await logoutToken(claims)), '10.0.0.1')
    expect(isRefusal(await say({ sub: 'dora' }))).toBe(true)
    expect(refused).toEqual(['it does not say by "oid" whom it is about'])
    expect(await say({ sub: 'pairwise', oid: 'erin' })).toBe(0)
    expect(told).toEqual([])
    expect(await say({ sub: 'pairwise', oid: 'dora' })).toBe(1)
    expect(told[0]).toMatchObject({ code: 'access-revoked' })
  })

  const now = () => Math.floor(it.clock.now() / 1000)
  test.for<[why: string, claims: () => Readonly<Record<string, unknown>>, signing?: Signing]>([
    ['it is of another issuer', () => ({ iss: 'https://evil.example' })],
    ['it is for another client', () => ({ aud: 'another' })],
    ['it is for another client', () => ({ aud: undefined })],
    ['it is for another client', () => ({ aud: ['sallyport', 7] })],
    ['it does not say that somebody has left', () => ({ events: undefined })],
    [
      'it does not say that somebody has left',
      () => ({ events: { 'http://schemas.openid.net/event/backchannel-logout': true } }),
    ],
    ['it does not say that somebody has left', () => ({ events: { other: {} } })],
    ['it has a nonce', () => ({ nonce: 'n' })],
    ['it has a nonce', () => ({ nonce: null })],
    ['it has no name of its own', () => ({ jti: undefined })],
    ['it has no name of its own', () => ({ jti: '' })],
    ['it is about nobody', () => ({ sub: undefined })],
    ['whom it is about cannot be read', () => ({ sub: ['dora'] })],
    ['its session cannot be read', () => ({ sid: 7 })],
    ['it does not say when it was issued', () => ({ iat: undefined })],
    ['it does not say when it was issued', () => ({ exp: 'never' })],
    ['it is not valid yet', () => ({ iat: now() + 120 })],
    ['it is too old', () => ({ iat: now() - 301, exp: now() + 3600 })],
    ['it is too old', () => ({ iat: now() - 200, exp: now() - 61 })],
    ['its typ is "at+jwt"', () => ({}), { header: { typ: 'at+jwt' } }],
    ['it is signed by "HS256"', () => ({}), { alg: 'HS256', key: Buffer.alloc(32, 1) }],
    ['its header has extensions', () => ({}), { header: { crit: ['b64'], b64: true } }],
  ])('is not believed where %s', async ([why, claims, signing = {}]) => {
    const { told } = await signedIn('dora', 'a')
    const answer = await logOut(claims(), signing)
    expect(answer).toMatchObject({ code: 'invalid-credential', reason: 'the logout token is not valid' })
    expect(refused).toHaveLength(1)
    expect(refused[0]).toContain(why)
    expect(told).toEqual([])
    expect(JSON.stringify(await it.store.read.audit.list(1))).toContain(
      'a logout token from 10.0.0.1 was refused',
    )
  })

  test('is not believed where somebody else has signed it, or nobody, or what is no token', async () => {
    const { told } = await signedIn('dora', 'a')
    const stranger = await TestIssuer.start(it.clock)
    const [head, body, signature] = (await logoutToken()).split('.')
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    const twice = Buffer.from('{"iss":"https://idp.example","iss":"https://idp.example"}').toString(
      'base64url',
    )
    const foreign = await stranger.token({ iss: issuer, aud: 'sallyport', sub: 'dora', events, jti: 'f' })
    for (const text of [
      foreign,
      `${none}.${body}.`,
      `${none}.${body}.${signature}`,
      `${head}.${body}.AAAA`,
      `${head}.${twice}.${signature}`,
      'no token',
      '',
      'x'.repeat(9000),
    ])
      expect(isRefusal(await backChannel.logOut(new Secret(text), '10.0.0.1'))).toBe(true)
    expect(told).toEqual([])
    expect(refused).toHaveLength(8)
    const kept = JSON.stringify([refused, await it.store.read.audit.list(50)])
    expect(kept).not.toContain(signature)
  })

  test('is not believed while its keys cannot be had, and fills no log without end', async () => {
    idp.isDown = true
    await signedIn('dora', 'a')
    for (let i = 0; i < 70; i++) expect(isRefusal(await logOut())).toBe(true)
    expect(refused).toHaveLength(70)
    const lines = (await it.store.read.audit.list(500)).filter(({ changes }) =>
      changes.join().includes('logout token'),
    )
    expect(lines).toHaveLength(60)
    idp.isDown = false
    it.clock.advance(60_000)
    expect(await logOut()).toBe(1)
  })
})
