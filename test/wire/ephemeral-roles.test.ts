import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Fault, Secret, systemClock, type OwnTarget, type RolesFound } from '@sallyport/core'
import { postgresResource } from '@sallyport/core/testing'
import { postgres, type PostgresOptions } from '@sallyport/postgres'
import { availableFlavours } from '../world/postgres-binaries.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'

const prefix = 'sp_0badcafe_'
const administrator = { user: 'provisioner', password: 'of the provisioner' }

const fixture = `
create role provisioner login createrole password '${administrator.password}';
create role app_ro;
grant app_ro to provisioner with admin option;
create role "Odd ""role"", 'x'";
grant "Odd ""role"", 'x'" to provisioner with admin option;
create role closed;
create role auditor;
grant auditor to provisioner with admin option;
alter role auditor set log_statement to 'all';
alter role app_ro set search_path to "$user", "Shop", public, "a""b";
alter role app_ro set statement_timeout to '7s';
alter role app_ro in database shop set work_mem to '7MB';
`

describe.each(availableFlavours())('roles that last as long as a session (%s server)', (flavour) => {
  let server: Postgres
  const protocol = postgres({ clock: systemClock, maskKey: Buffer.alloc(32) })
  const roles = protocol.ephemeralRoles!
  const soon = (): AbortSignal => AbortSignal.timeout(20_000)

  beforeAll(async () => {
    server = await startPostgres({
      flavour,
      databases: ['shop', 'other'],
      settings: { log_statement: 'all' },
    })
    await server.query(fixture)
    await server.query('create table sold (id int); grant create on schema public to app_ro', 'shop')
    await server.query('grant create on schema public to app_ro', 'other')
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await protocol[Symbol.asyncDispose]()
  })

  const targetAs = (user: string, password: string): OwnTarget<PostgresOptions> => ({
    resource: postgresResource({
      tls: { mode: 'verify-full', ca: server.authority, servername: 'localhost' },
    }),
    account: user,
    dial: () => Promise.resolve(connect(server.port, server.host)),
    credential: () => Promise.resolve({ user, password: new Secret(password) }),
  })
  const target = (): OwnTarget<PostgresOptions> => targetAs(administrator.user, administrator.password)

  interface Made {
    readonly name: string
    readonly password: string
    readonly account: string
    readonly found: RolesFound
  }

  async function make(account = 'app_ro', by = target()): Promise<Made> {
    const name = prefix + randomBytes(16).toString('hex')
    const password = randomBytes(32).toString('base64url')
    const role = { name, password: new Secret(password), account, comment: "Sallyport's ses_1" }
    const found = await roles.create(by, role, prefix, soon())
    return { name, password, account, found }
  }

  async function logIn({ name, password }: Made, database = 'shop'): Promise<pg.Client> {
    const client = new pg.Client(server.endpoint({ user: name, password, database }))
    client.on('error', () => undefined)
    await client.connect()
    return client
  }

  const rolesThere = async (): Promise<unknown[]> =>
    (await server.query(`select rolname from pg_roles where starts_with(rolname, 'sp_')`)).map(
      ({ rolname }) => rolname,
    )

  const why = async (act: Promise<unknown>): Promise<string> =>
    act.then(
      () => 'made',
      (thrown: unknown) => (thrown instanceof Fault ? `${thrown.code}: ${thrown.shown}` : String(thrown)),
    )

  test('one logs in, acts as its account with that one’s defaults, and is gone after, with nothing of it left', async () => {
    const made = await make()
    const client = await logIn(made)
    const shown = await client.query(`
      select current_user::text, session_user::text, current_setting('search_path') as path,
        current_setting('statement_timeout') as timeout, current_setting('work_mem') as memory`)
    expect(shown.rows).toEqual([
      {
        current_user: 'app_ro',
        session_user: made.name,
        path: '"$user", "Shop", public, "a""b"',
        timeout: '7s',
        memory: '7MB',
      },
    ])
    await client.query('create table mine (id int)')
    expect(await server.query(`select tableowner from pg_tables where tablename = 'mine'`, 'shop')).toEqual([
      { tableowner: 'app_ro' },
    ])
    await roles.drop(target(), made, soon())
    expect(await rolesThere()).toEqual([])
    await expect(client.query('select 1')).rejects.toThrow(/connection|not queryable/i)
    await expect(logIn(made)).rejects.toMatchObject({ code: '28P01' })
    await server.query('drop table mine', 'shop')
  })

  test('neither its password nor anything to log in with stands in the server’s log', async () => {
    const made = await make()
    expect(server.log).toContain(`create role "${made.name}" login`)
    expect(server.log).toContain('SCRAM-SHA-256$4096:')
    expect(server.log).not.toContain(made.password)
    await roles.drop(target(), made, soon())
  })

  test('one may do no more than its account: no other role, no attribute, no more connections than 6', async () => {
    const made = await make()
    const client = await logIn(made)
    const attempts = [
      'set role provisioner',
      'set role closed',
      'set session authorization provisioner',
      'create role another',
      'create database another',
      `alter role "${made.name}" connection limit 100`,
      `alter role "${made.name}" valid until 'infinity'`,
      'grant app_ro to closed',
    ]
    const refused: string[] = []
    for (const attempt of attempts)
      await client.query(attempt).catch((thrown: { code?: string }) => {
        if (thrown.code === '42501') refused.push(attempt)
      })
    expect(refused).toEqual(attempts)
    const [limits] = await server.query(`
      select rolconnlimit, rolvaliduntil between now() + interval '12 hours' and now() + interval '14 hours' as ends,
        shobj_description(oid, 'pg_authid') as about
      from pg_roles where rolname = '${made.name}'`)
    expect(limits).toEqual({ rolconnlimit: 6, ends: true, about: "Sallyport's ses_1" })
    await roles.drop(target(), made, soon())
  })

  test.each([
    'reset role',
    'reset all',
    'discard all',
    'set session authorization default',
    'reset session authorization',
  ])('%s leaves it acting as its account', async (statement) => {
    const made = await make()
    const client = await logIn(made)
    await client.query(statement)
    expect((await client.query('select current_user::text')).rows).toEqual([{ current_user: 'app_ro' }])
    await roles.drop(target(), made, soon())
  })

  test('what it made as itself, in several databases, is its account’s after it', async () => {
    const made = await make()
    for (const database of ['shop', 'other']) {
      const client = await logIn(made, database)
      await client.query(`set role none; create table left_behind (id int); select lo_create(4711)`)
      await client.query('alter default privileges grant select on tables to public')
      await client.query('create temporary table passing (id int)')
    }
    await roles.drop(target(), made, soon())
    expect(await rolesThere()).toEqual([])
    for (const database of ['shop', 'other'])
      expect(
        await server.query(`select tableowner from pg_tables where tablename = 'left_behind'`, database),
      ).toEqual([{ tableowner: 'app_ro' }])
    for (const database of ['shop', 'other'])
      await server.query('drop table left_behind; select lo_unlink(4711)', database)
  })

  test('names are taken as they are, whatever is in them', async () => {
    const made = await make(`Odd "role", 'x'`)
    const client = await logIn(made)
    expect((await client.query('select current_user::text')).rows).toEqual([{ current_user: made.account }])
    await roles.drop(target(), made, soon())
    expect(await rolesThere()).toEqual([])
    expect(await why(make('app_ro\0'))).toMatch(/NUL/)
  })

  test('to drop one again, or one that never was, is no error', async () => {
    const made = await make()
    await roles.drop(target(), made, soon())
    await roles.drop(target(), made, soon())
    await roles.drop(target(), { name: `${prefix}never`, account: 'app_ro' }, soon())
    expect(await rolesThere()).toEqual([])
  })

  test('20 are made and dropped at the same time', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => make()))
    expect(await rolesThere()).toHaveLength(20)
    await Promise.all(all.map((made) => roles.drop(target(), made, soon())))
    expect(await rolesThere()).toEqual([])
  })

  test('what is not permitted is said with what to grant', async () => {
    await server.query(
      `create role weak login password 'weak'; create role poor login createrole password 'poor'`,
    )
    expect(await why(make('app_ro', targetAs('weak', 'weak')))).toBe(
      'gateway/no-credential: no role could be made for this session: the target’s role weak may not create roles: alter role "weak" createrole',
    )
    // Before 16 whoever may create roles may give any but superusers to others.
    const answer = server.major >= 16 ? 'grant "closed" to "poor" with admin option' : 'made'
    const poor = await why(make('closed', targetAs('poor', 'poor')))
    expect(poor).toContain(answer)
    expect(await why(make(server.user))).toContain(
      `grant "${server.user}" to "provisioner" with admin option`,
    )
    expect(await why(make('provisioner'))).toContain('cannot make roles that act as itself')
    expect(await why(make('nobody'))).toContain('the target has no role nobody')
    expect(await why(make('auditor'))).toContain('grant set on parameter log_statement to "provisioner"')
    await server.query(`select 1`)
    for (const name of await rolesThere())
      await roles.drop(
        targetAs(server.user, server.password),
        { name: String(name), account: 'closed' },
        soon(),
      )
    expect(await rolesThere()).toEqual([])
  })

  test('there are never more of them than a thousand', async () => {
    await server.query(
      `do $$ begin for n in 1..1000 loop execute format('create role ${prefix}%s', n); end loop; end $$`,
    )
    expect(await why(make())).toBe(
      'gateway/overloaded: the target has 1000 roles of sessions, and 1000 is as many as there may be',
    )
    await server.query(
      `do $$ begin for n in 1..1000 loop execute format('drop role ${prefix}%s', n); end loop; end $$`,
    )
  })

  test('those that nobody is connected with are found once they are 10 minutes old, and none of another gateway or account', async () => {
    const [idle, busy, odd] = [await make(), await make(), await make(`Odd "role", 'x'`)]
    const client = await logIn(busy)
    const age = (name: string) =>
      server.query(
        `alter role "${name}" valid until '${new Date(Date.now() + 12.8 * 3_600_000).toISOString()}'`,
      )
    await Promise.all([idle, busy, odd].map(({ name }) => age(name)))
    await server.query(`create role sp_1badcafe_x login valid until 'yesterday'`)
    const fresh = await make()
    // What the other account's has made would become this one's, functions that run as their owner among it.
    expect(fresh.found).toEqual({ idle: [idle.name] })
    await client.end()
    await Promise.all([idle, busy, odd, fresh].map((made) => roles.drop(target(), made, soon())))
    await server.query('drop role sp_1badcafe_x')
  })
})
