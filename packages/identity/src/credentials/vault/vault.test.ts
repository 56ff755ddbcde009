import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  Secret,
  systemClock,
  type CredentialRequest,
  type CredentialSource,
  type Resource,
  type SessionId,
} from '@sallyport/core'
import { alice, postgresResource } from '@sallyport/core/testing'
import { createAuthority, loadAuthority } from '../../authority/x509.ts'
import { VaultServer, type VaultServerOptions } from '../../testing/vault-server.ts'
import type { Undertake } from '../kind.ts'
import type { VaultAuth, VaultSettings } from './settings.ts'
import { VaultClient } from './vault-client.ts'
import { vaultDatabaseKind, vaultKind } from './vault-kinds.ts'

const secret = (text: string) => () => Promise.resolve(new Secret(text))
const approle: VaultAuth = {
  method: 'approle',
  mount: 'approle',
  roleId: 'gateway',
  secretId: secret('right'),
}
const request = (credential: CredentialSource, signal = AbortSignal.timeout(20_000)): CredentialRequest => ({
  resource: postgresResource({}) as Resource,
  account: { name: 'app', credential },
  session: 'ses_1' as SessionId,
  subject: alice,
  signal,
})
const noLease: Undertake = () => Promise.reject(new Error('nothing is undertaken'))

describe('HashiCorp Vault', () => {
  let disposals: AsyncDisposable[] = []
  beforeEach(() => (disposals = []))
  afterEach(async () => {
    for (const one of disposals.toReversed()) await one[Symbol.asyncDispose]()
  })

  const start = async (options: VaultServerOptions = {}): Promise<VaultServer> => {
    const server = await VaultServer.start(options)
    disposals.push(server)
    server.secrets.set('secret/data/orders/app', [{ password: 'first' }, { password: 'second', n: 7 }])
    return server
  }
  const client = (server: Pick<VaultServer, 'address'>, over: Partial<VaultSettings> = {}): VaultClient => {
    const one = new VaultClient(
      {
        name: 'vault',
        address: server.address,
        certificateAuthority: undefined,
        namespace: undefined,
        auth: approle,
        ...over,
      },
      systemClock,
    )
    disposals.push(one)
    return one
  }
  const source = {
    from: 'vault',
    store: 'vault',
    mount: 'secret',
    path: 'orders/app',
    field: 'password',
  } as const
  const read = async (of: VaultClient, over: object = {}): Promise<string | undefined> => {
    const asked = { ...source, ...over }
    return (await vaultKind(() => of).fetch(asked, request(asked), noLease)).password?.reveal()
  }

  describe('as a store of keys and values', () => {
    test('gives the newest version of a secret’s field, or the one that is named', async () => {
      const vault = client(await start())
      expect(await read(vault)).toBe('second')
      expect(await read(vault, { version: 1 })).toBe('first')
    })

    test('is logged in to once, for all that ask', async () => {
      const server = await start()
      const vault = client(server)
      await Promise.all([read(vault), read(vault), read(vault)])
      expect(server.logIns).toEqual([{ mount: 'approle', role_id: 'gateway', secret_id: 'right' }])
    })

    test.each([
      ['a path that is not there', { path: 'orders/other' }, 'there is nothing (404)'],
      ['a version that is not there', { version: 9 }, 'there is nothing (404)'],
      ['a field that is not there', { field: 'pass' }, 'there is no text in its field pass'],
      ['a field that is no text', { field: 'n' }, 'there is no text in its field n'],
      ['a field of every object', { field: 'toString' }, 'there is no text in its field toString'],
    ])('says so of %s', async (_, over, words) => {
      await expect(read(client(await start()), over)).rejects.toThrow(words)
    })

    test('has deleted a version, and says no word of it', async () => {
      const server = await start()
      server.secrets.set('secret/data/orders/app', [null])
      await expect(read(client(server))).rejects.toThrow('there is nothing (404)')
    })
  })

  describe('is logged in to', () => {
    test.each([
      [{ method: 'kubernetes', mount: 'kubernetes', role: 'gateway', jwt: secret('right') }],
      [{ method: 'jwt', mount: 'ci/jwt', role: 'gateway', jwt: secret('right') }],
    ] as const)('with a token of the platform: %j', async (auth) => {
      const server = await start()
      expect(await read(client(server, { auth }))).toBe('second')
      expect(server.logIns).toEqual([{ mount: auth.mount, role: 'gateway', jwt: 'right' }])
    })

    test('with a token that an operator made, which is not revoked when the gateway ends', async () => {
      const server = await start()
      const token = server.issue(0)
      const vault = client(server, { auth: { method: 'token', token: secret(token) } })
      expect(await read(vault)).toBe('second')
      await vault[Symbol.asyncDispose]()
      expect(server.tokens.has(token)).toBe(true)
    })

    test('again where Vault has forgotten the token', async () => {
      const server = await start()
      const clock = { now: () => Date.now(), elapsed: vi.fn<() => number>(() => 0) }
      const settings = {
        name: 'v',
        address: server.address,
        certificateAuthority: undefined,
        namespace: undefined,
      }
      const vault = new VaultClient({ ...settings, auth: approle }, clock)
      disposals.push(vault)
      await read(vault)
      for (const token of server.tokens.keys()) await server.revokeToken(token)
      clock.elapsed.mockReturnValue(10_000)
      expect(await read(vault)).toBe('second')
      expect(server.logIns).toHaveLength(2)
    })

    test('and is told no more than it has to be where it says no', async () => {
      const auth: VaultAuth = { ...approle, secretId: secret('hunter2') }
      const thrown = await read(client(await start(), { auth })).catch((error: unknown) => error)
      expect(thrown).toMatchObject({
        kind: 'refused',
        message: 'Vault vault refuses our log-in by approle (400)',
      })
      expect(inspect(thrown, { depth: 9 })).not.toContain('hunter2')
    })

    test('and not stormed where it permits something for nobody', async () => {
      const server = await start()
      server.forbidden.add('secret/data/orders/app')
      const vault = client(server)
      for (let i = 0; i < 5; i++) await expect(read(vault)).rejects.toThrow('permission denied (403)')
      expect(server.logIns).toHaveLength(1)
    })

    test('with a token that is renewed at two thirds of its time, and revoked at the gateway’s end', async () => {
      const server = await start({ tokenTtl: 3 })
      const vault = client(server)
      await read(vault)
      await vi.waitFor(() => expect(server.asked).toContain('POST auth/token/renew-self'), 4000)
      await new Promise((passed) => setTimeout(passed, 1500))
      expect(await read(vault)).toBe('second')
      expect(server.logIns).toHaveLength(1)
      await vault[Symbol.asyncDispose]()
      expect(server.tokens.size).toBe(0)
    })
  })

  describe('over TLS', () => {
    const certified = async (names: readonly string[]) => {
      const { certificate: ca, privateKey } = await createAuthority({ name: 'test', clock: systemClock })
      const authority = await loadAuthority({ certificate: ca, privateKey }, systemClock)
      const { certificate, privateKey: key } = await authority.issueServerCertificate({ names })
      return { ca, tls: { cert: certificate, key: key.reveal() } }
    }

    test('is asked where its certificate is good, and not where it is another’s or nobody’s', async () => {
      const { ca, tls } = await certified(['localhost'])
      const server = await start({ tls })
      expect(await read(client(server, { certificateAuthority: ca }))).toBe('second')
      await expect(read(client(server))).rejects.toThrow(/cannot be reached: [A-Z_]*(CERT|ISSUER)/)
      const other = await certified(['vault.example'])
      const misnamed = await start({ tls: other.tls })
      await expect(read(client(misnamed, { certificateAuthority: other.ca }))).rejects.toThrow(
        'ERR_TLS_CERT_ALTNAME_INVALID',
      )
      expect(misnamed.asked).toEqual([])
    })
  })

  describe('that fails', () => {
    test('for a moment is asked again, and heeded where it says when', async () => {
      const server = await start()
      const vault = client(server)
      await read(vault)
      server.failures.push({ status: 429, headers: { 'retry-after': '1' } }, { status: 503 })
      const began = performance.now()
      expect(await read(vault)).toBe('second')
      expect(performance.now() - began).toBeGreaterThan(1000)
    })

    test('because it is sealed says so, and after three times nobody waits for it', async () => {
      const server = await start()
      const vault = client(server)
      server.isSealed = true
      for (let i = 0; i < 3; i++) await expect(read(vault)).rejects.toThrow('it is sealed')
      const asked = server.asked.length
      await expect(read(vault)).rejects.toThrow('Vault vault does not answer, and is asked again in 5 s')
      expect(server.asked).toHaveLength(asked)
      await expect(vault.check(AbortSignal.timeout(5000))).rejects.toThrow('Vault vault is sealed')
    })

    test('to answer holds up a log-in for seconds, and not for ever', async () => {
      const server = await start()
      server.isSilent = true
      const began = performance.now()
      await expect(read(client(server))).rejects.toThrow('does not answer within 5 s')
      expect(performance.now() - began).toBeLessThan(7_000)
    })

    test('is no failure where whoever asked has left', async () => {
      const server = await start()
      const vault = client(server)
      await read(vault)
      server.isSilent = true
      for (let i = 0; i < 5; i++) {
        const leave = new AbortController()
        const asked = vaultKind(() => vault).fetch(source, request(source, leave.signal), noLease)
        leave.abort(new Error('left'))
        await expect(asked).rejects.toThrow('left')
      }
      server.isSilent = false
      expect(await read(vault)).toBe('second')
    })

    test('as a standby that sends us elsewhere is not followed: our token stays here', async () => {
      const elsewhere = await start()
      const server = await start()
      const vault = client(server)
      await read(vault)
      const location = `${elsewhere.address}/v1/secret/data/orders/app`
      server.failures.push({ status: 307, headers: { location } })
      await expect(read(vault)).rejects.toThrow('a redirect, which is not followed')
      expect(elsewhere.asked).toEqual([])
    })

    test('with words that quote a secret is not quoted', async () => {
      const server = await start()
      const vault = client(server)
      await read(vault)
      server.failures.push(
        { status: 500, body: { errors: ['hunter2'] } },
        { status: 400, body: { errors: ['hunter2'] } },
      )
      for (let i = 0; i < 2; i++) {
        const thrown = await read(vault).catch((error: unknown) => error)
        expect(inspect(thrown, { depth: 9 })).not.toContain('hunter2')
      }
    })
  })

  test('is checked for the doctor, in a few words', async () => {
    const server = await start({ tokenTtl: 600 })
    const vault = client(server)
    expect((await vault.check(AbortSignal.timeout(5000))).tokenLastsMs).toBeGreaterThan(590_000)
    const wrong = client(server, { auth: { ...approle, secretId: secret('wrong') } })
    await expect(wrong.check(AbortSignal.timeout(5000))).rejects.toThrow('refuses our log-in by approle')
    const away = client({ address: 'http://127.0.0.1:1' })
    await expect(away.check(AbortSignal.timeout(5000))).rejects.toThrow('cannot be reached: ECONNREFUSED')
  })

  describe('as an engine of databases', () => {
    const database = { from: 'vault-database', store: 'vault', mount: 'database', role: 'orders' } as const

    test('makes a user for a session, which is undertaken before it is used', async () => {
      const server = await start({ leaseTtl: 600 })
      const vault = client(server)
      const undertake = vi.fn<Undertake>(() => Promise.resolve())
      const kind = vaultDatabaseKind(() => vault)
      const { user, password } = await kind.fetch(database, request(database), undertake)
      const [[id, lease]] = [...server.leases] as unknown as [[string, { user: string }]]
      expect([user, password?.reveal()]).toEqual([lease.user, expect.stringMatching(/^A1a-/)])
      const [what, terms] = undertake.mock.calls[0]!
      expect(what).toEqual({ store: 'vault', lease: id })
      expect(terms?.lastsMs).toBe(600_000)
      expect(await terms?.renew?.(AbortSignal.timeout(5000))).toBe(600_000)
      await kind.release!(what, AbortSignal.timeout(5000))
      await kind.release!(what, AbortSignal.timeout(5000))
      expect(server.leases.size).toBe(0)
      await expect(terms?.renew?.(AbortSignal.timeout(5000))).rejects.toMatchObject({ name: 'LeaseLost' })
    })

    test('makes nothing that nobody would undo', async () => {
      const server = await start()
      const kind = vaultDatabaseKind(() => client(server))
      const undertake: Undertake = () => Promise.reject(new Error('the disk is full'))
      await expect(kind.fetch(database, request(database), undertake)).rejects.toThrow('the disk is full')
      expect(server.leases.size).toBe(0)
    })

    test('makes users that live no longer than our own token', async () => {
      const server = await start({ tokenTtl: 120, tokenMaxTtl: 120, leaseTtl: 3600 })
      const undertake = vi.fn<Undertake>(() => Promise.resolve())
      await vaultDatabaseKind(() => client(server)).fetch(database, request(database), undertake)
      expect(undertake.mock.calls[0]![1]?.lastsMs).toBeLessThanOrEqual(120_000)
    })

    test.each(['', 'u\0database\0other', 'a\nb', 7])('does not log in as %j', async (username) => {
      const body = { lease_id: 'l', lease_duration: 60, data: { username, password: 'p' } }
      const ask = () => Promise.resolve({ body, login: { leftMs: 60_000 } })
      const kind = vaultDatabaseKind(() => ({ ask }) as unknown as VaultClient)
      const made = kind.fetch(database, request(database), () => Promise.resolve())
      await expect(made).rejects.toThrow('gives no user name and password')
    })

    test('is asked once where a second time would make a second user', async () => {
      const server = await start()
      const vault = client(server)
      await read(vault)
      server.failures.push({ status: 502 })
      const kind = vaultDatabaseKind(() => vault)
      await expect(kind.fetch(database, request(database), noLease)).rejects.toThrow('it failed (502)')
      server.failures.push({ status: 503 })
      await kind.fetch(database, request(database), () => Promise.resolve())
      expect(server.leases.size).toBe(1)
    })
  })
})
