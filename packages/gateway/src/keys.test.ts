import type { Client } from '@sallyport/api'
import {
  checkCertificate,
  fingerprint,
  generatePrivateKey,
  keyLine,
  parseKeyLine,
  parseKeyText,
  type PrivateKey,
} from '@sallyport/openssh'
import { signedBy } from '@sallyport/openssh/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { failure, password, setUp, startWorld, type World } from './testing/world.ts'

describe('SSH keys, over the API', () => {
  let world: World
  let root: Client
  let alice: Client
  beforeAll(async () => {
    world = await startWorld()
    root = await setUp(world)
    const { setupLink } = await root.users.create({ name: 'alice', groups: [] })
    const code = new URL(setupLink.url).hash.slice(1)
    const { token } = await world.client().setup.consume({ code, password })
    alice = world.client(token)
  }, 60_000)
  afterAll(() => world[Symbol.asyncDispose]())

  /** Has the key sign a challenge, and registers it. */
  const add = async (client: Client, key: PrivateKey, more: { label?: string; ttlSeconds?: number } = {}) => {
    const { challenge, message, namespace } = await client.keys.challenge()
    const signature = signedBy(key, namespace, message)
    const publicKey = keyLine(key.publicKey.blob, key.comment)
    return client.keys.add({ publicKey, challenge, signature, ...more })
  }
  const fresh = (comment = ''): string => keyLine(generatePrivateKey().publicKey.blob, comment)
  const secondsOf = ({ createdAt, expiresAt }: { createdAt: string; expiresAt: string }): number =>
    Math.round((Date.parse(expiresAt) - Date.parse(createdAt)) / 1000)
  const lastChanges = async (): Promise<readonly string[]> =>
    (await root.audit.list({ limit: 1 })).items[0]?.changes ?? []

  test('are registered for 90 days, listed and removed by whoever they are of, and audited', async () => {
    const key = generatePrivateKey('alice@laptop')
    const added = await add(alice, key)
    expect(added).toMatchObject({
      user: 'alice',
      label: 'alice@laptop',
      type: 'ssh-ed25519',
      fingerprint: fingerprint(key.publicKey.blob),
      state: 'living',
    })
    expect(secondsOf(added)).toBe(90 * 86_400)
    expect(await lastChanges()).toEqual([
      `SSH key ${added.id} (${added.fingerprint}) added for user:alice until ${added.expiresAt}`,
    ])
    expect((await alice.keys.list({})).items).toEqual([added])
    expect((await root.keys.list({})).items).toEqual([])
    expect((await root.keys.list({ all: true })).items).toEqual([added])
    await alice.keys.remove({ id: added.id })
    expect(await lastChanges()).toEqual([`SSH key ${added.id} (${added.fingerprint}) of user:alice removed`])
    expect((await alice.keys.list({})).items).toEqual([])
  })

  test('may have a label and an end of their own', async () => {
    const added = await add(alice, generatePrivateKey('c'), { label: 'build', ttlSeconds: 3600 })
    expect(added.label).toBe('build')
    expect(secondsOf(added)).toBe(3600)
  })

  test('of others are seen and removed by administrators alone', async () => {
    const { id } = await add(root, generatePrivateKey())
    expect(await failure(alice.keys.list({ all: true }))).toMatchObject({ code: 'forbidden' })
    expect(await failure(alice.keys.remove({ id }))).toMatchObject({ code: 'not-found' })
    const its = await add(alice, generatePrivateKey())
    await root.keys.remove({ id: its.id })
    expect(await failure(alice.keys.remove({ id: its.id }))).toMatchObject({ code: 'not-found' })
  })

  test('are registered once, whosever they are', async () => {
    const key = generatePrivateKey()
    await add(alice, key)
    for (const client of [alice, root])
      expect(await failure(add(client, key))).toMatchObject({ code: 'conflict' })
  })

  test.each([
    ['nothing', 'no key at all'],
    ['a private key', generatePrivateKey().toOpenSsh().reveal()],
    ['a key with options', `restrict ${keyLine(generatePrivateKey().publicKey.blob)}`],
    ['a DSA key', 'ssh-dss AAAAB3NzaC1kc3M='],
  ])('that are %s are refused, and not repeated', async (_, publicKey) => {
    const { challenge, message, namespace } = await alice.keys.challenge()
    const signature = signedBy(generatePrivateKey(), namespace, message)
    for (const call of [
      () => alice.keys.add({ publicKey, challenge, signature }),
      () => alice.keys.certify({ publicKey }),
    ]) {
      const refused = await failure(call())
      expect(refused).toMatchObject({ code: 'invalid-request' })
      expect(JSON.stringify(refused)).not.toContain(publicKey.slice(0, 40))
    }
  })

  test('are registered by whoever proves to have them, by signing a text for this gateway and this person', async () => {
    const key = generatePrivateKey()
    const publicKey = keyLine(key.publicKey.blob)
    const { challenge, message, namespace, expiresAt } = await alice.keys.challenge()
    expect(message).toBe(
      `Sallyport: let this key log in over SSH\ngateway: ${world.gateway.baseUrl}\nuser: alice\nchallenge: ${challenge}`,
    )
    expect(namespace).toBe('register-key@sallyport')
    expect(Math.round((Date.parse(expiresAt) - Date.now()) / 10_000)).toBe(60)
    const signature = signedBy(key, namespace, message)
    expect(await failure(root.keys.add({ publicKey, challenge, signature }))).toMatchObject({ status: 400 })
    await alice.keys.add({ publicKey, challenge, signature })
  })

  test.each<[string, (key: PrivateKey, namespace: string, message: string) => string]>([
    ['another key signed', (_key, ...signed) => signedBy(generatePrivateKey(), ...signed)],
    ['was signed for another use', (key, _use, message) => signedBy(key, 'file', message)],
    ['is over another text', (key, use, message) => signedBy(key, use, `${message} `)],
    ['is no signature', () => 'AAAA'],
  ])('are not registered by what %s; and no challenge is good twice', async (_, sign) => {
    const key = generatePrivateKey()
    const publicKey = keyLine(key.publicKey.blob)
    const { challenge, message, namespace } = await alice.keys.challenge()
    const refused = (signature: string) =>
      failure(alice.keys.add({ publicKey, challenge, signature })).then((problem) => problem?.detail)
    const words = 'the signature is not by this key over this challenge, or the challenge is over'
    expect(await refused(sign(key, namespace, message))).toBe(words)
    expect(await refused(signedBy(key, namespace, message))).toBe(words)
  })

  test('are certified for whoever asks, until their token ends', async () => {
    const publicKey = fresh('c')
    const { token } = await alice.whoami.get()
    const { certificate, expiresAt } = await alice.keys.certify({ publicKey })
    const line = parseKeyLine(certificate)
    expect(line).toMatchObject({ type: 'ssh-ed25519-cert-v01@openssh.com', comment: 'c' })
    const { users, targets } = await alice.gateway.sshAuthorities()
    expect(users.publicKey).not.toBe(targets.publicKey)
    const verdict = checkCertificate(line!.blob, {
      kind: 'user',
      authorities: [parseKeyText(users.publicKey).key],
      principal: 'user:alice',
      nowMs: Date.now(),
      isRevoked: () => false,
    })
    expect(verdict).toMatchObject({ kind: 'good', certificate: { keyId: token.id } })
    expect(Date.parse(expiresAt)).toBeLessThanOrEqual(Date.parse(token.expiresAt))
    expect(verdict).toHaveProperty('certificate.validBefore', BigInt(Date.parse(expiresAt) / 1000))
    expect((await lastChanges())[0]).toMatch(/^SSH certificate \d+ for SHA256:.* issued under token tok_/)
  })
})
