import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAuthority, loadAuthority } from '@sallyport/identity'
import { systemClock } from '@sallyport/core'
import { VaultServer } from '@sallyport/identity/testing'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { query } from '../world/raw-messages.ts'
import { RawPostgres, type RawFrame } from '../world/raw-postgres.ts'
import {
  declarePostgres,
  startSallyport,
  unrestricted,
  type Person,
  type Sallyport,
} from '../world/sallyport.ts'
import { soon } from '../world/soon.ts'
import { temporaryDirectory } from '../world/temporary.ts'

const life = new AsyncDisposableStack()
let server: Postgres
let vault: VaultServer
let sallyport: Sallyport
let alice: Person
/** Seconds. */
const lasting = { leaseTtl: 600, leaseMaxTtl: 3600 }

beforeAll(async () => {
  server = life.use(await startPostgres({ databases: ['shop'] }))
  await server.query('create role app nologin; create table t (x int); grant select on t to app', 'shop')
  const { certificate: ca, privateKey } = await createAuthority({ name: 'vault', clock: systemClock })
  const authority = await loadAuthority({ certificate: ca, privateKey }, systemClock)
  const { certificate, privateKey: key } = await authority.issueServerCertificate({ names: ['localhost'] })
  const quoted = (user: string): string => pg.escapeIdentifier(user)
  vault = life.use(
    await VaultServer.start(
      Object.assign(lasting, {
        tls: { cert: certificate, key: key.reveal() },
        database: {
          create: async (user: string, password: string) => {
            const literal = pg.escapeLiteral(password)
            await server.query(`create role ${quoted(user)} login password ${literal} in role app`)
          },
          revoke: async (user: string) => void (await server.query(`drop role ${quoted(user)}`)),
        },
      }),
    ),
  )
  vault.secrets.set('secret/data/orders', [{ password: server.password }])
  const { path } = life.use(await temporaryDirectory())
  await writeFile(join(path, 'ca.pem'), ca)
  await writeFile(join(path, 'secret-id'), 'right\n')
  sallyport = life.use(
    await startSallyport({
      allow: [`127.0.0.1:${server.port}`],
      gateway: {
        stores: {
          vault: {
            kind: 'vault',
            address: vault.address,
            certificateAuthority: join(path, 'ca.pem'),
            auth: { method: 'approle', roleId: 'gateway', secretId: `file:${join(path, 'secret-id')}` },
          },
        },
      },
    }),
  )
  await declarePostgres(sallyport, server, {
    accounts: [
      { name: 'app', credential: { from: 'vault-database', role: 'app' } },
      { name: server.user, credential: { from: 'vault', path: 'orders' } },
    ],
  })
  await sallyport.apply(unrestricted)
  alice = await sallyport.person('alice', ['unrestricted'])
})
afterAll(() => life.disposeAsync())

const connect = (account = 'app'): Promise<RawPostgres> =>
  RawPostgres.connect(sallyport.endpoint(alice, `orders-db+${account}`, 'shop'))

/** The one value of the one row. */
async function answer(client: RawPostgres, statement: string): Promise<string | undefined> {
  client.send(query(statement))
  const row = (await client.untilReady()).find(({ tag }: RawFrame) => tag === 'D')
  return row?.body.subarray(6).toString()
}

const made = async (): Promise<string[]> => {
  const rows = await server.query(`select rolname from pg_roles where rolname like 'v-%' order by 1`)
  return rows.map(({ rolname }) => String(rolname))
}
const none = async (): Promise<true | undefined> => ((await made()).length === 0 ? true : undefined)

test('a password in Vault is read for each log-in, and stays out of everything that is told', async () => {
  await using client = await connect(server.user)
  expect(await answer(client, 'select current_user')).toBe(server.user)
  expect(sallyport.gateway.output).not.toContain(server.password)
})

test('a session gets a user that Vault makes in a real server, and takes it along when it ends', async () => {
  const client = await connect()
  const user = await answer(client, 'select current_user')
  expect(user).toMatch(/^v-app-/)
  expect(await made()).toEqual([user])
  expect(await answer(client, 'select count(*) from t')).toBe('0')
  expect(await made()).toEqual([user])
  const { items } = await sallyport.admin.client.sessions.list({ live: true, limit: 10 })
  expect(items).toMatchObject([{ account: 'app' }])
  const users: unknown[] = []
  for await (const event of sallyport.admin.client.sessions.events({ id: items[0]!.id }))
    if (event.kind === 'target-user') users.push(event['user'])
  expect(users).toEqual([user])
  await client[Symbol.asyncDispose]()
  await soon(none)
  await soon(() => (vault.leases.size === 0 ? true : undefined))
})

test('a session ends, and says why, shortly before its user may be kept alive no longer', async () => {
  Object.assign(lasting, { leaseTtl: 4, leaseMaxTtl: 4 })
  const client = await connect()
  const last = await client.untilOver()
  Object.assign(lasting, { leaseTtl: 600, leaseMaxTtl: 3600 })
  expect(last.at(-1)?.body.toString()).toMatch(/57P01.*credential has reached the longest time/)
  await soon(none)
})

test('what a gateway that was killed has left is undone when it starts again', async () => {
  const client = await connect()
  expect(await made()).toHaveLength(1)
  process.kill(sallyport.gateway.pid, 'SIGKILL')
  await client.untilOver()
  expect(await made()).toHaveLength(1)
  await sallyport.startGateway()
  await soon(none, 30_000)
})

test('a gateway that ends gives back what it has, and its own token', async () => {
  await sallyport.agent.line(/attached/)
  await soon(async () => {
    const client = await connect().catch(() => undefined)
    if (client === undefined) return undefined
    expect(await made()).toHaveLength(1)
    return true
  })
  await sallyport.gateway.stop()
  await soon(none)
  expect(vault.asked.at(-1)).toBe('POST auth/token/revoke-self')
})
