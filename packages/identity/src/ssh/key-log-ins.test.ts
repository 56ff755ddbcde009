import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  isRefusal,
  onOwnBehalf,
  principalId,
  type ProvenKey,
  type Refusal,
  type Subject,
} from '@sallyport/core'
import {
  generatePrivateKey,
  mintCertificate,
  parseCertificate,
  privateKeyFromSeed,
  type CertificateRequest,
  type PublicKey,
} from '@sallyport/openssh'
import type { SshKeyRow } from '@sallyport/store'
import { invalidCredential, type Authenticated } from '../authenticator.ts'
import { currentPrincipal } from '../principals.ts'
import { identityFixture, password, userAuthority, type Fixture } from '../testing/fixtures.ts'
import { ci } from '../testing/issuer.ts'
import type { MintedToken } from '../tokens.ts'

const key = privateKeyFromSeed(Buffer.alloc(32, 1)).publicKey
const dayMs = 24 * 3_600_000
const from = '10.0.0.9:5000'

let it: Fixture
let alice: Subject
beforeEach(async () => {
  it = await identityFixture()
  await it.create('alice', ['dev'])
  const principal = await currentPrincipal(it.store.read, principalId('user', 'alice'))
  alice = onOwnBehalf(principal!)
})
afterEach(() => it[Symbol.asyncDispose]())

const shown = (blob: Uint8Array, kind: ProvenKey['kind'] = 'public-key'): ProvenKey => ({
  kind,
  blob,
  isProven: true,
})

async function proven(credential: ProvenKey): Promise<Authenticated> {
  const who = await it.keys.authenticate(credential, from)
  if (isRefusal(who)) throw new Error(`refused: ${it.refusedKeys.at(-1)?.why}`)
  return who
}

describe('a registered key', () => {
  const add = async (changes: { key?: PublicKey; lifetimeMs?: number } = {}): Promise<SshKeyRow> => {
    const request = { principalId: alice.principal.id, key, label: 'laptop', ...changes }
    const row = await it.registeredKeys.add(alice, request)
    if (isRefusal(row)) throw new Error(row.reason)
    return row
  }
  const refused = async (of = key): Promise<Refusal | undefined> => {
    const who = await it.keys.authenticate(shown(of.blob), from)
    return isRefusal(who) ? who : undefined
  }

  test('lets its owner in, by a token that is labelled with its fingerprint', async () => {
    const row = await add()
    expect(await it.keys.accepts(shown(key.blob))).toBe(true)
    const { subject, token } = await proven(shown(key.blob))
    expect(subject).toEqual(alice)
    expect(token).toMatchObject({ label: row.fingerprint, expiresAtMs: it.clock.now() + dayMs / 2 })
    const [entry] = await it.store.read.audit.list(1)
    expect(entry?.changes).toEqual([
      `user:alice logged in with SSH key ${row.id} from ${from}`,
      `token ${token.id} made for user:alice, by SSH key ${row.id}`,
    ])
  })

  test('is known to have been used last when it was', async () => {
    const { id } = await add()
    expect(await it.store.read.sshKeys.get(id)).toMatchObject({ lastUsedAt: null })
    it.clock.advance(1000)
    await it.keys.accepts(shown(key.blob))
    expect(await it.store.read.sshKeys.get(id)).toMatchObject({ lastUsedAt: null })
    await proven(shown(key.blob))
    expect(await it.store.read.sshKeys.get(id)).toMatchObject({ lastUsedAt: it.clock.now() })
  })

  test('that is removed lets nobody in, and ends what it opened', async () => {
    const { id } = await add()
    const [first, second] = [await proven(shown(key.blob)), await proven(shown(key.blob))]
    expect(first.token.id).not.toBe(second.token.id)
    const ends: unknown[] = []
    using _first = it.tokens.watch(first, (now) => void ends.push(now))
    using _second = it.tokens.watch(second, (now) => void ends.push(now))
    expect(await it.registeredKeys.remove(alice, id)).toBe(true)
    expect(ends).toEqual([
      expect.objectContaining({ code: 'access-revoked' }),
      expect.objectContaining({ code: 'access-revoked' }),
    ])
    expect(await it.keys.accepts(shown(key.blob))).toBe(false)
    expect(await refused()).toEqual(invalidCredential())
    expect(await it.registeredKeys.remove(alice, id)).toBe(false)
  })

  test('that is removed while somebody logs in by it opens nothing that lasts', async () => {
    const { id } = await add()
    const [who] = await Promise.all([
      it.keys.authenticate(shown(key.blob), from),
      it.registeredKeys.remove(alice, id),
    ])
    const ends: unknown[] = []
    using watch = isRefusal(who) ? undefined : it.tokens.watch(who, (now) => void ends.push(now))
    await new Promise(setImmediate)
    const isLeft = watch !== undefined && ends.length === 0
    expect(isLeft).toBe(false)
  })

  test('is good for 90 days, and no session by it lasts longer', async () => {
    const { expiresAt } = await add()
    expect(expiresAt).toBe(it.clock.now() + 90 * dayMs)
    it.clock.advance(90 * dayMs - 1000)
    expect((await proven(shown(key.blob))).token.expiresAtMs).toBe(expiresAt)
    it.clock.advance(1000)
    expect(await it.keys.accepts(shown(key.blob))).toBe(false)
    expect(await refused()).toEqual(invalidCredential())
  })

  test('is good for as long as was asked, up to 366 days', async () => {
    expect((await add({ lifetimeMs: 366 * dayMs })).expiresAt).toBe(it.clock.now() + 366 * dayMs)
    const other = { key: generatePrivateKey().publicKey }
    await expect(add({ ...other, lifetimeMs: 366 * dayMs + 1 })).rejects.toThrow(RangeError)
    await expect(add({ ...other, lifetimeMs: 0 })).rejects.toThrow(RangeError)
  })

  test('is one person’s, and may be added anew by anybody once it is over', async () => {
    await it.create('bob')
    const bob = onOwnBehalf((await currentPrincipal(it.store.read, principalId('user', 'bob')))!)
    await add({ lifetimeMs: 1000 })
    const request = { principalId: bob.principal.id, key, label: '' }
    expect(await it.registeredKeys.add(bob, request)).toMatchObject({ code: 'denied' })
    expect(await it.registeredKeys.add(alice, { ...request, principalId: alice.principal.id })).toMatchObject(
      { code: 'denied' },
    )
    it.clock.advance(1000)
    expect(await it.registeredKeys.add(bob, request)).toMatchObject({ principalId: 'user:bob' })
    expect((await proven(shown(key.blob))).subject.principal.id).toBe('user:bob')
  })

  test('has at most 24 others beside it', async () => {
    for (let n = 0; n < 25; n++) await add({ key: generatePrivateKey().publicKey })
    await expect(add({ key: generatePrivateKey().publicKey })).rejects.toThrow('more than 25 keys')
  })

  test('of a user who is shut out lets nobody in, and none is left when they come back', async () => {
    await add()
    const who = await proven(shown(key.blob))
    const ends: unknown[] = []
    using _watch = it.tokens.watch(who, (now) => void ends.push(now))
    await it.disable('alice')
    expect(ends).toHaveLength(1)
    expect(await it.keys.accepts(shown(key.blob))).toBe(false)
    expect(await refused()).toEqual(invalidCredential())
    await it.enable('alice')
    expect(await it.keys.accepts(shown(key.blob))).toBe(false)
  })

  test('does not outlive the password under which it was added', async () => {
    await add()
    await it.setPassword('alice', password)
    expect(await it.store.read.sshKeys.list(undefined, 9)).toEqual([])
  })

  test('of whom a provider knows is good while that is declared, and what it opened ends with that', async () => {
    const provider = {
      issuer: ci.issuer,
      subject: '42',
      claimedAt: it.clock.now(),
      vouchedUntil: it.clock.now() + 1000,
    }
    await it.store.write('system', 'x', async (tx) => {
      await tx.issuers.put(ci)
      await tx.users.create({ name: 'dora', displayName: '', groups: [], provider })
    })
    const dora = onOwnBehalf((await currentPrincipal(it.store.read, principalId('user', 'dora')))!)
    await it.registeredKeys.add(dora, { principalId: dora.principal.id, key, label: '' })
    const who = await proven(shown(key.blob))
    const ends: unknown[] = []
    using _watch = it.tokens.watch(who, (now) => void ends.push(now))
    await it.store.write('system', 'x', (tx) => tx.issuers.delete(ci.name))
    expect(ends).toEqual([expect.objectContaining({ code: 'access-revoked' })])
    expect(await it.keys.accepts(shown(key.blob))).toBe(false)
    expect(await refused()).toEqual(invalidCredential())
  })

  test('is no workload’s', async () => {
    await it.store.write('system', 'x', (tx) => tx.issuers.put(ci))
    const principal = {
      kind: 'workload',
      id: principalId('workload', 'ci-shop'),
      name: '',
      groups: [],
    } as const
    const request = { principalId: principal.id, key, label: '' }
    expect(await currentPrincipal(it.store.read, principal.id)).toBeDefined()
    expect(await it.registeredKeys.add(onOwnBehalf(principal), request)).toEqual(invalidCredential())
  })

  test('is not somebody’s who is unknown', async () => {
    const request = { principalId: principalId('user', 'nobody'), key, label: '' }
    expect(await it.registeredKeys.add(alice, request)).toEqual(invalidCredential())
  })

  test('that nobody registered is refused as every bad credential is, and the log says which', async () => {
    await add()
    const other = generatePrivateKey().publicKey
    expect(await it.keys.accepts(shown(other.blob))).toBe(false)
    expect(await refused(other)).toEqual(invalidCredential())
    expect(it.refusedKeys).toEqual([
      { kind: 'public-key', fingerprint: expect.stringMatching(/^SHA256:/), why: 'not-registered' },
    ])
    expect(await it.store.read.tokens.list(undefined, 9)).toEqual([])
  })

  test('is no certificate', async () => {
    await add()
    expect(await it.keys.accepts(shown(key.blob, 'certificate'))).toBe(false)
  })
})

describe('a certificate', () => {
  let token: MintedToken
  beforeEach(async () => {
    token = await it.mint('alice')
  })
  const issue = async (): Promise<Buffer> => {
    const { id, expiresAtMs } = token
    return (await it.certificates.issue(alice, { id, expiresAtMs }, key))!.blob
  }
  /** As the authority would sign it, were it asked to. */
  const signed = (changes: Partial<CertificateRequest> = {}, by = userAuthority): Buffer =>
    mintCertificate(
      {
        key,
        kind: 'user',
        keyId: token.id,
        serial: 1n,
        principals: ['user:alice'],
        validAfterMs: it.clock.now(),
        validBeforeMs: token.expiresAtMs,
        ...changes,
      },
      by,
    )
  const troubleOf = async (blob: Buffer, address = from): Promise<string | undefined> => {
    const credential = shown(blob, 'certificate')
    const isAccepted = await it.keys.accepts(credential, address)
    const who = await it.keys.authenticate(credential, address)
    expect(isAccepted).toBe(!isRefusal(who))
    const answers = isRefusal(who) ? [who] : []
    for (const answer of answers) expect(answer).toEqual(invalidCredential())
    return isRefusal(who) ? it.refusedKeys.at(-1)?.why : undefined
  }

  test('logs in as the token under which it was issued, and no longer', async () => {
    const blob = await issue()
    const { subject, token: by } = await proven(shown(blob, 'certificate'))
    expect(subject).toEqual(alice)
    expect(by).toMatchObject({ id: token.id, expiresAtMs: token.expiresAtMs })
    expect(parseCertificate(blob)).toMatchObject({
      keyId: token.id,
      validBefore: BigInt(Math.floor(token.expiresAtMs / 1000)),
    })
    it.clock.advance(token.expiresAtMs - it.clock.now())
    expect(await troubleOf(blob)).toBe('expired')
  })

  test('keeps who uses the token for its principal', async () => {
    const actor = { kind: 'agent', id: 'agent:robot', name: 'robot' } as const
    token = await it.mint('alice', { actor })
    const who = await proven(shown(await issue(), 'certificate'))
    expect(who.subject).toEqual({ principal: alice.principal, actor })
  })

  test('leaves its serial in the audit log', async () => {
    const { serial } = parseCertificate(await issue())
    const [entry] = await it.store.read.audit.list(1)
    expect(entry).toMatchObject({ by: 'user:alice', why: 'SSH certificate' })
    expect(entry?.changes[0]).toMatch(`SSH certificate ${serial} for SHA256:`)
    expect(entry?.changes[0]).toMatch(`issued under token ${token.id}`)
  })

  test('is of no use once its token is revoked, and what it opened ends', async () => {
    const blob = await issue()
    const who = await proven(shown(blob, 'certificate'))
    const ends: unknown[] = []
    using _watch = it.tokens.watch(who, (now) => void ends.push(now))
    await it.tokens.revoke('system', token.id)
    expect(ends).toHaveLength(1)
    expect(await troubleOf(blob)).toBe('ended')
  })

  test('is of no use once its user is shut out', async () => {
    const blob = await issue()
    await it.disable('alice')
    expect(await troubleOf(blob)).toBe('ended')
  })

  test('is not issued in the last second of its token', async () => {
    const last = { id: token.id, expiresAtMs: it.clock.now() + 500 }
    expect(await it.certificates.issue(alice, last, key)).toBeUndefined()
  })

  test('that another authority signed is refused: that of targets, too', async () => {
    expect(await troubleOf(signed({}, generatePrivateKey()))).toBe('unknown-authority')
  })

  test('for somebody else than its token’s is refused', async () => {
    await it.create('bob')
    expect(await troubleOf(signed())).toBeUndefined()
    expect(await troubleOf(signed({ principals: ['user:bob'] }))).toBe('other-principal')
    expect(await troubleOf(signed({ principals: ['user:alice', 'user:bob'] }))).toBe('other-principal')
  })

  test('under a token that never was is refused', async () => {
    expect(await troubleOf(signed({ keyId: 'tok_none' }))).toBe('ended')
  })

  test('of a host, with a forced command, or with an option that nobody knows is refused', async () => {
    expect(await troubleOf(signed({ kind: 'host' }))).toBe('other-kind')
    expect(await troubleOf(signed({ criticalOptions: { 'force-command': 'true' } }))).toBe('forced-command')
    expect(await troubleOf(signed({ criticalOptions: { new: '' } }))).toBe('unknown-critical-option')
  })

  test.each([
    ['10.0.0.0/8', '10.0.0.9:5000', undefined],
    ['10.0.0.0/8', '[::ffff:10.0.0.9]:5000', undefined],
    ['10.0.0.0/8', '192.0.2.1:5000', 'other-source'],
    ['2001:db8::/32', '[2001:db8::1]:5000', undefined],
    ['2001:db8::/32', '10.0.0.9:5000', 'other-source'],
  ])('that is for %s, shown from %s: %s', async (networks, address, trouble) => {
    const blob = signed({ criticalOptions: { 'source-address': networks } })
    expect(await troubleOf(blob, address)).toBe(trouble)
  })

  test('is no registered key, and what is none at all is malformed', async () => {
    expect(await it.keys.accepts(shown(await issue()))).toBe(false)
    expect(await troubleOf(Buffer.from('nothing'))).toBe('malformed')
  })
})
