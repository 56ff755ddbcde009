import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRefusal, principalId } from '@sallyport/core'
import { generatePrivateKey } from '@sallyport/openssh'
import { signedBy } from '@sallyport/openssh/testing'
import type { Authenticated } from '../authenticator.ts'
import { signInId } from '../signed-in.ts'
import { identityFixture, password, type Fixture } from '../testing/fixtures.ts'
import { hasJustSignedIn, KeyProofs } from './key-proofs.ts'

const minuteMs = 60_000
const alice = principalId('user', 'alice')
let it: Fixture
beforeEach(async () => {
  it = await identityFixture()
  await it.create('alice')
})
afterEach(() => it[Symbol.asyncDispose]())

describe('a challenge for a key', () => {
  const gateway = 'https://gateway.example:8443'
  const key = generatePrivateKey()
  let proofs: KeyProofs
  beforeEach(() => {
    proofs = new KeyProofs(it.clock)
  })
  const begin = () => {
    const begun = proofs.begin(alice, gateway)
    if (isRefusal(begun)) throw new Error(begun.reason)
    return begun
  }
  const proves = (begun: { challenge: string; message: string }, by = key, whose = alice) =>
    proofs.isProven(whose, {
      key: key.publicKey,
      challenge: begun.challenge,
      signature: signedBy(by, 'register-key@sallyport', begun.message),
    })

  test('is proven by its signature, once', () => {
    const begun = begin()
    expect(proves(begun)).toBe(true)
    expect(proves(begun)).toBe(false)
  })

  test('is good for 10 minutes', () => {
    const [first, second] = [begin(), begin()]
    it.clock.advance(10 * minuteMs - 1)
    expect(proves(first)).toBe(true)
    it.clock.advance(1)
    expect(proves(second)).toBe(false)
  })

  test('is one person’s, and no other spoils it', () => {
    const begun = begin()
    expect(proves(begun, key, principalId('user', 'bob'))).toBe(false)
    expect(proves(begun)).toBe(true)
  })

  test('is not proven by another key', () => {
    expect(proves(begin(), generatePrivateKey())).toBe(false)
  })

  test('is one of 20 of a person at most, until those are over', () => {
    for (let n = 0; n < 20; n++) begin()
    expect(proofs.begin(alice, gateway)).toMatchObject({ code: 'throttled' })
    expect(isRefusal(proofs.begin(principalId('user', 'bob'), gateway))).toBe(false)
    it.clock.advance(10 * minuteMs)
    expect(isRefusal(proofs.begin(alice, gateway))).toBe(false)
  })
})

describe('whoever adds a key has just signed in', () => {
  const just = (who: Authenticated) => hasJustSignedIn(it.store.read, who, it.clock.now())
  const whoHas = async (token: Parameters<typeof it.tokens.authenticate>[0]): Promise<Authenticated> => {
    const who = await it.tokens.authenticate(token)
    if (isRefusal(who)) throw new Error(who.reason)
    return who
  }
  const signIn = async () => {
    await it.setPassword('alice', password)
    const minted = await it.log('alice', password)
    if (isRefusal(minted)) throw new Error(minted.reason)
    return minted
  }
  /** A token by a sign-in at a provider, so long ago. */
  const provided = async (atMs: number | undefined, more = {}): Promise<Authenticated> => {
    const id = signInId(it.clock.now())
    await it.store.write('system', 'x', (tx) =>
      tx.signIns.add({
        id,
        userName: 'alice',
        issuer: 'https://idp.example',
        sid: null,
        refresh: null,
        signedIn: { acr: [], amr: [], ...(atMs !== undefined && { atMs }) },
      }),
    )
    return whoHas((await it.mint('alice', { signIn: id, ...more })).token)
  }

  test('for 15 minutes after it, by tokens that it led to as well', async () => {
    const { token, id } = await signIn()
    const [first, second] = [await whoHas(token), await whoHas((await it.mint('alice', { by: id })).token)]
    it.clock.advance(15 * minuteMs)
    expect(await Promise.all([just(first), just(second)])).toEqual([true, true])
    it.clock.advance(1)
    expect(await Promise.all([just(first), just(second)])).toEqual([false, false])
  })

  test('when the provider says that they did, not when they came from there', async () => {
    expect(await just(await provided(it.clock.now() - 15 * minuteMs))).toBe(true)
  })

  test('not where that was earlier, or is yet to come', async () => {
    expect(await just(await provided(it.clock.now() - 15 * minuteMs - 1))).toBe(false)
  })

  test('nor where its clock is far ahead', async () => {
    expect(await just(await provided(it.clock.now() + minuteMs + 1))).toBe(false)
  })

  test('when they came from there, where it does not say', async () => {
    const who = await provided(undefined)
    expect(await just(who)).toBe(true)
    it.clock.advance(15 * minuteMs + 1)
    expect(await just(who)).toBe(false)
  })

  test('nor by a token without a sign-in, nor one that a provider gave to something else and that does not say', async () => {
    expect(await just(await whoHas((await it.mint('alice')).token))).toBe(false)
    const token = {
      id: 'tok_other',
      hash: 'h',
      principalId: alice,
      actor: null,
      label: '',
      expiresAt: it.clock.now() + 1,
    }
    await it.store.write('system', 'x', (tx) =>
      tx.tokens.add({ ...token, issuer: 'ci', sshKey: null, signIn: signInId(it.clock.now()) }),
    )
    const who = await it.tokens.holderOf('tok_other')
    expect(isRefusal(who) || (await just(who))).toBe(false)
  })
})
