import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DocumentInput } from '@sallyport/api'
import { createTestAuthority } from '../world/certificates.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { cancelRequest, query } from '../world/raw-messages.ts'
import { openStream, RawPostgres } from '../world/raw-postgres.ts'
import {
  declarePostgres,
  startSallyport,
  unrestricted,
  type Person,
  type Sallyport,
} from '../world/sallyport.ts'

const account = (name: string) => ({ name, credential: { from: 'certificate' } }) as const

describe('a PostgreSQL target that lets in by certificates alone', () => {
  let server: Postgres
  let sallyport: Sallyport
  let alice: Person

  beforeAll(async () => {
    server = await startPostgres({
      databases: ['shop'],
      asksForCertificates: true,
      settings: { log_connections: 'on' },
      rules: [
        'hostssl all app_ro,app_rw,app_side all cert clientcert=verify-full',
        'hostssl all mapped,unmapped all cert map=gateway',
        'hostssl all kept all cert',
        'host all app_ro,app_rw,app_side,mapped,unmapped,kept all reject',
      ],
      maps: ['gateway /^(map.*)$ \\1'],
    })
    await server.query('create role app_ro login; create role app_rw login; create role mapped login')
    await server.query('create role unmapped login; create role kept login; create role app_side login')
    await server.query('create table sold (id int, email text); grant select on sold to public', 'shop')
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`] })
    await sallyport.apply(unrestricted)
    alice = await sallyport.person('alice', ['unrestricted'])
    await server.trustClients(await certificates())
    await declarePostgres(sallyport, server, {
      accounts: ['app_ro', 'app_rw', 'app_side', 'mapped', 'unmapped', 'postgres'].map(account),
    })
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  /** As `sallyport authorities print` has them. */
  const certificates = async (): Promise<string> => {
    const { items } = await alice.client.authorities.list()
    return items.map(({ certificate }) => certificate).join('\n')
  }

  const connect = (to: string): Promise<RawPostgres> =>
    RawPostgres.connect(sallyport.endpoint(alice, to, 'shop'))

  async function userOf(to: string): Promise<string> {
    await using client = await connect(to)
    client.send(query('select current_user'))
    const row = (await client.untilReady()).find(({ tag }) => tag === 'D')
    return row!.body.toString('utf8', 6)
  }

  const refusal = (to: string): Promise<string> =>
    connect(to).then(
      () => 'let in',
      (thrown: Error) => thrown.message,
    )

  test('is logged in to with one of this session alone, its account in it, and nothing kept', async () => {
    expect(await userOf('orders-db+app_ro')).toBe('app_ro')
    expect(await userOf('orders-db+app_rw')).toBe('app_rw')
    expect(server.log).toMatch(/connection authenticated: identity="CN=app_ro" method=cert/)
  })

  test('lets in through a map of names what the map has, and nobody else', async () => {
    expect(await userOf('orders-db+mapped')).toBe('mapped')
    expect(await refusal('orders-db+unmapped')).toMatch(/^08004 .*refused the log-in of this account/)
    await expect.poll(() => server.log).toMatch(/no match in usermap "gateway" for user "unmapped"/)
  })

  test('is asked about its catalogue, and told to cancel, with one as well', async () => {
    await using client = await connect('orders-db+app_side')
    // A star is known by the catalogue alone, which is read on another connection.
    client.send(query('select * from sold'))
    expect((await client.untilReady()).map(({ tag }) => tag)).toEqual(['T', 'C', 'Z'])
    expect(server.log.match(/identity="CN=app_side" method=cert/g)).toHaveLength(2)
    client.send(query('select pg_sleep(50)'))
    await new Promise((resolve) => setTimeout(resolve, 300))
    const stream = await openStream(sallyport.endpoint(alice, 'orders-db', 'shop'))
    stream.resume().end(cancelRequest(client.cancelKey))
    expect((await client.untilReady()).map(({ tag }) => tag)).toContain('E')
  })

  test('lets nobody in by a certificate of another account', async () => {
    // What the server does with a name that is not its certificate's: the superuser has a password, and no rule for certificates.
    expect(await refusal('orders-db+postgres')).toMatch(/^08004 /)
    const { items } = await alice.client.authorities.list()
    expect(items).toHaveLength(1)
    expect(new X509Certificate(items[0]!.certificate).ca).toBe(true)
    const gateway = await alice.client.gateway.authority()
    expect(gateway.certificate).not.toBe(items[0]!.certificate)
  })

  test('is shown none unless it is verified itself', async () => {
    const unverified = { tls: { mode: 'require' } }
    await expect(
      declarePostgres(sallyport, server, { accounts: [account('app_ro')], options: unverified }),
    ).rejects.toMatchObject({ code: 'invalid-request' })
    const { certificate: ca } = await createTestAuthority('somebody else')
    const options = { tls: { mode: 'verify-full', ca, servername: 'localhost' } } as const
    await declarePostgres(sallyport, server, { name: 'impostor', accounts: [account('app_ro')], options })
    expect(await refusal('impostor')).toMatch(/^08001 .*certificate was not accepted/)
  })

  test('may be logged in to with a certificate that is kept, with its key, as a credential', async () => {
    const authority = await createTestAuthority('of the company')
    const refused = 'the target does not accept the certificate of this account'
    const kept = await authority.issue(['kept'], { isClient: true })
    const document: DocumentInput = {
      kind: 'Credential',
      name: 'kept',
      password: `${kept.key}${kept.certificate}`,
    }
    await sallyport.apply(document)
    await declarePostgres(sallyport, server, {
      name: 'kept',
      accounts: [
        { name: 'kept', credential: { from: 'sealed', name: 'kept' } },
        { name: 'app_ro', credential: { from: 'sealed', name: 'kept' } },
      ],
    })
    expect(await refusal('kept')).toContain(refused)
    await server.trustClients(`${await certificates()}\n${authority.certificate}`)
    await expect.poll(() => refusal('kept')).toBe('let in')
    expect(await userOf('kept')).toBe('kept')
    for (const [name, mode] of [
      ['unverified', 'require'],
      ['in-clear', 'disable'],
    ] as const) {
      const accounts = [{ name: 'kept', credential: { from: 'sealed', name: 'kept' } }] as const
      await declarePostgres(sallyport, server, { name, accounts: [...accounts], options: { tls: { mode } } })
      expect(await refusal(name)).toMatch(/^08004 .*options\.tls\.mode of the resource to verify-full/)
    }
    // The server holds name and certificate against each other.
    expect(await refusal('kept+app_ro')).toMatch(/^08004 /)
  })

  test('goes on being logged in to while one authority takes the place of another', async () => {
    const { authorities } = sallyport.admin.client
    const bob = await sallyport.person('bob', [])
    await expect(bob.client.authorities.prepare()).rejects.toMatchObject({ code: 'forbidden' })
    await expect(authorities.switch()).rejects.toMatchObject({ code: 'conflict' })
    await authorities.prepare()
    await server.trustClients(await certificates())
    expect(await userOf('orders-db+app_ro')).toBe('app_ro')
    await authorities.switch()
    await expect.poll(() => refusal('orders-db+app_ro')).toBe('let in')
    await authorities.retire()
    await server.trustClients(await certificates())
    await expect.poll(() => refusal('orders-db+app_ro')).toBe('let in')
    expect((await authorities.list()).items).toMatchObject([{ state: 'signs' }])
  })
})
