import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  Fault,
  Secret,
  type CredentialSource,
  type Resource,
  type SessionId,
  type UpstreamCredential,
} from '@sallyport/core'
import { alice, postgresResource } from '@sallyport/core/testing'
import { checkCertificate, parsePrivateKey, permitAll, privateKeyFromSeed } from '@sallyport/openssh'
import { SealedBox } from '../sealed-box.ts'
import { identityFixture, type Fixture } from '../testing/fixtures.ts'
import type { AskAgent } from './agent.ts'
import { Credentials } from './credentials.ts'
import { createAuthority, loadAuthority } from '../authority/x509.ts'
import { credentialKinds, type Certifier } from './kinds.ts'
import { CredentialStores } from './stores/credential-stores.ts'
import { TargetAuthority } from '../authority/ssh.ts'
import { contextOf } from './sealed.ts'

const authority = privateKeyFromSeed(Buffer.alloc(32, 3))
const box = new SealedBox(Buffer.alloc(32, 7))
const resource = postgresResource({}) as Resource
const fromAgents: AskAgent = ({ pool, name, resource: of, session }) =>
  Promise.resolve({ user: '', password: new Secret([pool, name, of, session].join('/')) })

describe('a target’s credential', () => {
  let it: Fixture
  let directory: string
  beforeEach(async () => {
    it = await identityFixture()
    directory = await mkdtemp(join(tmpdir(), 'sallyport-credentials-'))
    const sealed = box.sealText(contextOf('orders'), new Secret('from the store'))
    await it.store.write('system', 'x', async (tx) => {
      await tx.credentials.put('orders', sealed)
      await tx.credentials.put('moved', sealed)
    })
  })
  afterEach(async () => {
    await it[Symbol.asyncDispose]()
    await rm(directory, { recursive: true })
  })

  const get = async (
    credential: CredentialSource,
    askAgent: AskAgent = fromAgents,
    name = 'app',
    certifier: Certifier = new TargetAuthority(authority, it.clock),
    on: Resource = resource,
  ): Promise<UpstreamCredential> => {
    await using all = new Credentials({
      ledger: it.store.leases,
      box,
      clock: it.clock,
      onProblem: () => undefined,
      kinds: credentialKinds({
        credentials: it.store.read.credentials,
        box,
        askAgent,
        protocols: [],
        resources: it.store.read.resources,
        dial: () => Promise.reject(new Error('nothing is dialled here')),
        rolePrefix: 'sp_',
        onRoleLeft: () => undefined,
        certifiers: new Map([[resource.protocol, certifier]]),
        environment: { SET: 'from the environment', EMPTY: '', KEY: 'hunter2' },
        withheldVariables: ['KEY'],
        withheldPaths: [join(directory, 'private')],
        stores: new CredentialStores({ vaults: [], aws: [] }, it.clock),
      }),
    })
    const found = await all.find({
      resource: on,
      account: { name, credential },
      session: 'ses_1' as SessionId,
      subject: alice,
      signal: AbortSignal.timeout(5000),
    })
    expect(found.lease).toBeUndefined()
    return found.credential
  }

  const file = async (name: string, text: string | Uint8Array): Promise<CredentialSource> => {
    await writeFile(join(directory, name), text)
    return { from: 'file', path: join(directory, name) }
  }

  test('comes from where its account says', async () => {
    const password = async (source: CredentialSource) => (await get(source)).password?.reveal()
    expect(await password({ from: 'sealed', name: 'orders' })).toBe('from the store')
    expect(await password({ from: 'environment', variable: 'SET' })).toBe('from the environment')
    expect(await password(await file('a', 'from a file\n'))).toBe('from a file')
    expect(await password(await file('b', ' two\nlines \r\n'))).toBe(' two\nlines ')
    expect(await password({ from: 'agent', name: 'pw' })).toBe('local/pw/orders-db/ses_1')
    expect(await get({ from: 'none' })).toEqual({ user: 'app' })
  })

  test.each(['toOpenSsh', 'toPkcs8'] as const)(
    'that is a private key (%s) is one, from wherever it comes',
    async (form) => {
      const key = privateKeyFromSeed(Buffer.alloc(32, 9))
      const text = key[form]()
      await it.store.write('system', 'x', (tx) =>
        tx.credentials.put('key', box.sealText(contextOf('key'), text)),
      )
      const released: AskAgent = () => Promise.resolve({ user: '', password: text })
      for (const source of [
        { from: 'sealed', name: 'key' },
        { from: 'agent', name: 'key' },
        await file('key', text.reveal()),
      ] as const) {
        const { user, password, privateKey } = await get(source, released)
        expect([user, password]).toEqual(['app', undefined])
        expect(parsePrivateKey(privateKey!).publicKey.blob).toEqual(key.publicKey.blob)
        expect(privateKey?.reveal()).toContain('BEGIN OPENSSH PRIVATE KEY')
      }
    },
  )

  test('that is a private key which cannot be used is a fault, without a word of it', async () => {
    const lines = privateKeyFromSeed(Buffer.alloc(32, 9)).toOpenSsh().reveal().trim().split('\n')
    const cut = [lines[0], lines[1], lines.at(-1)].join('\n')
    const thrown = await get(await file('cut', cut)).catch((error: unknown) => error)
    expect(thrown).toMatchObject({ code: 'gateway/no-credential' })
    expect(inspect(thrown, { depth: 9 })).not.toContain(lines[1])
  })

  test('may be a key of this session alone, certified for its account, and for a log-in’s time', async () => {
    const { user, password, privateKey, certificate } = await get({ from: 'certificate' })
    expect([user, password]).toEqual(['app', undefined])
    const now = it.clock.now()
    const check = (nowMs: number, principal = 'app') =>
      checkCertificate(certificate!, {
        kind: 'user',
        authorities: [authority.publicKey],
        principal,
        nowMs,
        isRevoked: () => false,
      })
    expect(check(now)).toMatchObject({ kind: 'good', certificate: { keyId: 'ses_1', principals: ['app'] } })
    expect(check(now)).toHaveProperty('certificate.key.blob', parsePrivateKey(privateKey!).publicKey.blob)
    expect(check(now)).toHaveProperty('certificate.extensions', new Map(Object.entries(permitAll)))
    expect(check(now - 59_000).kind).toBe('good')
    expect(check(now - 61_000)).toMatchObject({ flaw: 'not-yet-valid' })
    expect(check(now + 5 * 60_000)).toMatchObject({ flaw: 'expired' })
    expect(check(now, 'root')).toMatchObject({ flaw: 'other-principal' })
    const again = await get({ from: 'certificate' })
    expect(again.privateKey?.reveal()).not.toBe(privateKey?.reveal())
  })

  test('is certified as its protocol’s targets have it, and by nobody where they have no certificates', async () => {
    const certifier = { issue: (account: string, session: string) => ({ user: `${account} ${session}` }) }
    expect(await get({ from: 'certificate' }, fromAgents, 'app', certifier)).toEqual({ user: 'app ses_1' })
    const other = { ...resource, protocol: 'other' }
    await expect(get({ from: 'certificate' }, fromAgents, 'app', certifier, other)).rejects.toMatchObject({
      code: 'gateway/no-credential',
    })
  })

  test('that is a certificate with its key is one, in whatever order and form they stand', async () => {
    const { certificate: ca, privateKey: caKey } = await createAuthority({ name: 'of the company' })
    const company = await loadAuthority({ certificate: ca, privateKey: caKey })
    const request = { commonName: 'app', uri: 'spiffe://company/app', lifetimeMs: 3_600_000 }
    const { chain, privateKey } = await company.issueClientCertificate(request)
    const key = createPrivateKey(privateKey.reveal())
    const sec1 = key.export({ type: 'sec1', format: 'pem' }).toString()
    for (const text of [`${privateKey.reveal()}\n${chain}\n${ca}`, `${ca}\nsome words\n${chain}\n${sec1}`]) {
      const { password, privateKey: ofSsh, clientCertificate } = await get(await file('pem', text))
      expect([password, ofSsh]).toEqual([undefined, undefined])
      const [own, next] = clientCertificate!.chain.split(/(?<=-----END CERTIFICATE-----\n)/)
      expect(new X509Certificate(own!).subject).toBe('CN=app')
      expect(new X509Certificate(next!).subject).toBe('CN=of the company')
      expect(createPrivateKey(clientCertificate!.privateKey.reveal()).equals(key)).toBe(true)
    }
  })

  test('that is a certificate which cannot be used is a fault, without a word of its key', async () => {
    const parts = await createAuthority({ name: 'of the company' })
    const company = await loadAuthority(parts)
    const request = { commonName: 'app', uri: 'spiffe://company/app', lifetimeMs: 3_600_000 }
    const { chain, privateKey } = await company.issueClientCertificate(request)
    const text = privateKey.reveal()
    const sealed = createPrivateKey(text).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    })
    for (const wrong of [
      chain,
      `${chain}\n${parts.privateKey.reveal()}`,
      `${chain}\n${text}\n${text}`,
      `${chain}\n${sealed.toString()}`,
      `${chain.replace('MII', 'MIX')}\n${text}`,
      `${chain}\n${text.replace('MIG', 'MIX')}`,
    ]) {
      const thrown = await get(await file('pem', wrong)).catch((error: unknown) => error)
      expect(thrown).toMatchObject({ code: 'gateway/no-credential' })
      expect(inspect(thrown, { depth: 9 })).not.toContain(text.split('\n')[1])
    }
  })

  test('is not certified for an account whose name would be two', async () => {
    await expect(get({ from: 'certificate' }, fromAgents, 'app,root')).rejects.toMatchObject({
      code: 'gateway/no-credential',
    })
  })

  test('is always for the account that was asked for', async () => {
    const as =
      (user: string): AskAgent =>
      () =>
        Promise.resolve({ user, password: new Secret('p') })
    expect((await get({ from: 'agent', name: 'pw' }, as('app'))).user).toBe('app')
    expect((await get({ from: 'agent', name: 'pw' }, as(''))).user).toBe('app')
    await expect(get({ from: 'agent', name: 'pw' }, as('postgres'))).rejects.toMatchObject({
      code: 'gateway/no-credential',
    })
  })

  test('that cannot be had is a fault that shows neither it nor where it is', async () => {
    const sources: CredentialSource[] = [
      { from: 'sealed', name: 'missing' },
      { from: 'sealed', name: 'moved' },
      { from: 'environment', variable: 'UNSET' },
      { from: 'environment', variable: 'EMPTY' },
      { from: 'environment', variable: 'KEY' },
      { from: 'environment', variable: 'toString' },
      { from: 'vault', store: 'vault', mount: 'secret', path: 'a', field: 'password' },
      { from: 'rds-iam', store: 'aws' },
      { from: 'file', path: join(directory, 'missing') },
      { from: 'file', path: directory },
      await file('empty', '\n'),
      await file('large', 'x'.repeat(65_537)),
    ]
    for (const source of sources) {
      const thrown = await get(source).catch((error: unknown) => error)
      expect(thrown).toMatchObject({
        code: 'gateway/no-credential',
        shown: 'the credential of account app on orders-db is not available',
      })
      expect(inspect(thrown, { depth: 9 })).not.toMatch(/hunter2|from the store|xxx/)
    }
  })

  test('is never read from where the gateway keeps its own secrets, by whatever way', async () => {
    const inside = await file('private', 'hunter2')
    await symlink(join(directory, 'private'), join(directory, 'link'))
    for (const path of [
      join(directory, 'private'),
      join(directory, 'link'),
      `${directory}/x/../private`,
      `${directory}//private`,
    ])
      await expect(get({ ...inside, path } as CredentialSource)).rejects.toMatchObject({
        code: 'gateway/no-credential',
      })
    expect((await get(await file('private-not', 'fine'))).password?.reveal()).toBe('fine')
  })

  test('passes on an agent’s own fault', async () => {
    const lost = new Fault('gateway/agent-lost', 'the agent went away')
    await expect(get({ from: 'agent', name: 'pw' }, () => Promise.reject(lost))).rejects.toBe(lost)
  })
})
