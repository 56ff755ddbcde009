import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isRefusal } from '@sallyport/core'
import { ProviderSignIn } from './provider-sign-in.ts'
import { SealedBox } from './sealed-box.ts'
import type { SignedInPerson } from './sign-in-provider.ts'
import { identityFixture, type Fixture } from './testing/fixtures.ts'

const back = 'https://gateway.example/sign-in/saml/acs'

let it: Fixture
let problems: string[]
let person: SignedInPerson
let signInBy: (kind: string) => ProviderSignIn<string>

beforeEach(async () => {
  it = await identityFixture()
  problems = []
  const box = new SealedBox(randomBytes(32))
  const now = it.clock.now()
  person = {
    issuer: 'https://idp.example',
    subject: 'alice',
    called: 'alice',
    groups: [],
    claimedAtMs: now,
    sid: null,
    signedIn: { acr: [], amr: [] },
    once: { id: 'a', untilMs: now + 720_000 },
  }
  signInBy = (kind) =>
    new ProviderSignIn({
      ...it,
      kind,
      box,
      provider: {
        begin: () => Promise.resolve({ url: new URL('https://idp.example'), flow: 'f' }),
        complete: () => Promise.resolve(person),
      },
      onProblem: ({ message }) => void problems.push(message),
    })
})
afterEach(() => it[Symbol.asyncDispose]())

const begun = async (kind: string, replaces?: string): Promise<string> => {
  const way = await signInBy(kind).begin(back, '/device', '10.0.0.1', replaces)
  if (isRefusal(way)) throw new Error(way.reason)
  return way.sealed
}
const complete = async (sealed: string, kind = 'saml') =>
  signInBy(kind).complete(new URLSearchParams(), sealed, '10.0.0.1')

test('an answer that is good once is taken once, by whichever way it comes, until nobody would take it any more', async () => {
  const ways = [await begun('saml'), await begun('saml'), await begun('saml')]
  expect(await complete(ways[0] ?? '')).toMatchObject({ user: 'alice', to: '/device' })
  for (const way of ways) expect(await complete(way)).toMatchObject({ code: 'invalid-credential' })
  expect(problems).toEqual(Array.from({ length: 3 }, () => 'the provider’s answer was brought before'))
  expect(await it.store.read.audit.list(1)).toMatchObject([{ kind: 'log-in-failed', address: '10.0.0.1' }])
  person = { ...person, once: { id: 'b', untilMs: it.clock.now() + 720_000 } }
  expect(await complete(ways[1] ?? '')).toMatchObject({ user: 'alice' })
})

test('of two at the same moment, one', async () => {
  const ways = [await begun('saml'), await begun('saml')]
  const done = await Promise.all(ways.map((way) => complete(way)))
  expect(done.filter((one) => isRefusal(one))).toHaveLength(1)
})

test('a session ends with the provider’s own, where that is sooner than an hour', async () => {
  person = { ...person, endsAtMs: it.clock.now() + 60_000 }
  const done = await complete(await begun('saml'))
  expect(isRefusal(done) || done.kind !== 'signed-in' || done.token.expiresAtMs - it.clock.now()).toBe(60_000)
  person = { ...person, once: { id: 'b', untilMs: 0 }, endsAtMs: it.clock.now() + 36_000_000 }
  const later = await complete(await begun('saml'))
  expect(isRefusal(later) || later.kind !== 'signed-in' || later.token.expiresAtMs - it.clock.now()).toBe(
    3_600_000,
  )
})

test('what was begun by one protocol is not completed by another', async () => {
  expect(await complete(await begun('oidc'), 'saml')).toMatchObject({ code: 'invalid-credential' })
  expect(problems).toEqual(['no sign-in was begun by this browser'])
})

test('the session that a browser had before is told with the one that it has then', async () => {
  expect(await complete(await begun('saml', 'tok_before'))).toMatchObject({ replaces: 'tok_before' })
})
