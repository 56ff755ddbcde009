import type { Client } from '@sallyport/api'
import {
  checkCertificate,
  fingerprint,
  generatePrivateKey,
  keyLine,
  parseKeyLine,
  parseKeyText,
} from '@sallyport/openssh'
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

  const fresh = (comment = ''): string => keyLine(generatePrivateKey().publicKey.blob, comment)
  const secondsOf = ({ createdAt, expiresAt }: { createdAt: string; expiresAt: string }): number =>
    Math.round((Date.parse(expiresAt) - Date.parse(createdAt)) / 1000)
  const lastChanges = async (): Promise<readonly string[]> =>
    (await root.audit.list({ limit: 1 })).items[0]?.changes ?? []

  test('are registered for 90 days, listed and removed by whoever they are of, and audited', async () => {
    const publicKey = fresh('alice@laptop')
    const added = await alice.keys.add({ publicKey })
    expect(added).toMatchObject({
      user: 'alice',
      label: 'alice@laptop',
      type: 'ssh-ed25519',
      fingerprint: fingerprint(parseKeyText(publicKey).key.blob),
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
    const added = await alice.keys.add({ publicKey: fresh('c'), label: 'build', ttlSeconds: 3600 })
    expect(added.label).toBe('build')
    expect(secondsOf(added)).toBe(3600)
  })

  test('of others are seen and removed by administrators alone', async () => {
    const { id } = await root.keys.add({ publicKey: fresh() })
    expect(await failure(alice.keys.list({ all: true }))).toMatchObject({ code: 'forbidden' })
    expect(await failure(alice.keys.remove({ id }))).toMatchObject({ code: 'not-found' })
    const its = await alice.keys.add({ publicKey: fresh() })
    await root.keys.remove({ id: its.id })
    expect(await failure(alice.keys.remove({ id: its.id }))).toMatchObject({ code: 'not-found' })
  })

  test('are registered once, whosever they are', async () => {
    const publicKey = fresh()
    await alice.keys.add({ publicKey })
    for (const client of [alice, root])
      expect(await failure(client.keys.add({ publicKey }))).toMatchObject({ code: 'conflict' })
  })

  test.each([
    ['nothing', 'no key at all'],
    ['a private key', generatePrivateKey().toOpenSsh().reveal()],
    ['a key with options', `restrict ${keyLine(generatePrivateKey().publicKey.blob)}`],
    ['a DSA key', 'ssh-dss AAAAB3NzaC1kc3M='],
  ])('that are %s are refused, and not repeated', async (_, publicKey) => {
    for (const verb of ['add', 'certify'] as const) {
      const refused = await failure(alice.keys[verb]({ publicKey }))
      expect(refused).toMatchObject({ code: 'invalid-request' })
      expect(JSON.stringify(refused)).not.toContain(publicKey.slice(0, 40))
    }
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
