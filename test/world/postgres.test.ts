import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { availableFlavours, findClient } from './postgres-binaries.ts'
import { startPostgres, type Postgres } from './postgres.ts'
import { RawPostgres } from './raw-postgres.ts'
import { query } from './raw-messages.ts'
import { loadSampleShop } from './sample-shop/load.ts'
import { withLuhn } from './sample-shop/check-digits.ts'

test('there is a PostgreSQL to test with', () => {
  expect(availableFlavours().length).toBeGreaterThan(0)
})

describe.each(availableFlavours())('%s PostgreSQL', (flavour) => {
  let server: Postgres

  beforeAll(async () => {
    server = await startPostgres({
      flavour,
      databases: ['shop'],
      settings: { work_mem: '6MB' },
      rules: ['host all legacy all password'],
    })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test('is the version it says, with the settings asked for', async () => {
    const [row] = await server.query(`SELECT current_setting('server_version_num')::int / 10000 AS major,
      current_setting('work_mem') AS work_mem`)
    expect(row).toEqual({ major: server.major, work_mem: '6MB' })
  })

  test('speaks TLS with a certificate that its authority signed', async () => {
    await using client = await RawPostgres.connect(server.endpoint({ tls: true }))
    client.send(query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'))
    expect((await client.untilReady()).find(({ tag }) => tag === 'D')?.body.toString('utf8', 6)).toBe('t')
  })

  test('refuses a wrong password', async () => {
    await expect(RawPostgres.connect(server.endpoint({ password: 'wrong' }))).rejects.toThrow('28P01')
  })

  test('obeys further rules of who logs in how', async () => {
    await server.query(`CREATE ROLE legacy LOGIN PASSWORD 'in clear'`)
    await using client = await RawPostgres.connect(server.endpoint({ user: 'legacy', password: 'in clear' }))
    expect(client.greeting.some(({ tag }) => tag === 'K')).toBe(true)
  })

  test('sells to the same 400 customers every time, all with right check digits', async () => {
    await loadSampleShop(server.url({ database: 'shop' }), { account: { user: 'shop', password: 'p' } })
    const rows = await server.query('SELECT name, email, card_number FROM customers ORDER BY id', 'shop')
    expect(rows).toHaveLength(400)
    expect(rows[0]).toEqual({
      name: 'Amelia Hughes',
      email: 'amelia.hughes@example.net',
      card_number: '4000 0008 0909 7738',
    })
    for (const { card_number: card } of rows) {
      const digits = String(card).replaceAll(' ', '')
      expect(withLuhn(digits.slice(0, -1))).toBe(digits)
    }
  })

  test('comes back on the same port with its data after SIGKILL', async () => {
    await server.query('CREATE TABLE kept AS SELECT 1 AS n')
    const client = await RawPostgres.connect(server.endpoint())
    await server.kill()
    expect(await client.untilOver()).toEqual([])
    await server.start()
    expect(await server.query('SELECT n FROM kept')).toEqual([{ n: 1 }])
  })

  test('answers nothing while frozen, and then it does', async () => {
    await using client = await RawPostgres.connect(server.endpoint())
    server.freeze()
    client.send(query('SELECT 1'))
    await expect(client.until(() => true, 100)).rejects.toThrow('after 100 ms')
    server.thaw()
    expect((await client.untilReady()).map(({ tag }) => tag)).toEqual(['T', 'D', 'C', 'Z'])
  })

  test.skipIf(!findClient('psql'))('is reached by psql', async () => {
    expect(await server.psql(`SELECT 'x'`, { tls: true })).toBe('x\n')
  })
})

test('a server leaves nothing behind', async () => {
  let directory: string
  {
    await using server = await startPostgres()
    directory = server.socketDirectory
    expect(existsSync(directory)).toBe(true)
  }
  expect(existsSync(directory)).toBe(false)
})
