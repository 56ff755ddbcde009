import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
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
import { soon } from '../world/soon.ts'

const password = 'of the provisioner'
const via = { name: 'provisioner', credential: { from: 'sealed', name: 'provisioner' } } as const
const readers = `@id("readers")
permit (
  principal in Group::"readers",
  action in [Action::"connect", Action::"read", Action::"call", Action::"session", Action::"transaction"],
  resource
);
`
const account = (name: string) => ({ name, credential: { from: 'ephemeral-role', via } }) as const

describe('a role of the target for each session', () => {
  let server: Postgres
  let sallyport: Sallyport
  let alice: Person
  let bob: Person

  beforeAll(async () => {
    server = await startPostgres({ databases: ['shop'] })
    await server.query(`
      create role provisioner login createrole password '${password}';
      create role app_rw; grant app_rw to provisioner with admin option;
      create role closed`)
    await server.query(
      `create table sold (id int, email text); insert into sold values (1, 'ann@example.com');
      grant all on sold to app_rw; grant create on schema public to app_rw; grant create on database shop to app_rw`,
      'shop',
    )
    await server.query(
      `create schema app_rw; create table app_rw.secrets (word text); insert into app_rw.secrets values ('hidden');
      create table secrets (word text); insert into secrets values ('open');
      grant usage on schema app_rw to app_rw; grant select on secrets, app_rw.secrets to app_rw`,
      'shop',
    )
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`] })
    await sallyport.apply(unrestricted, { kind: 'Credential', name: 'provisioner', password })
    await sallyport.apply({ kind: 'Policy', name: 'readers', text: readers })
    alice = await sallyport.person('alice', ['unrestricted'])
    bob = await sallyport.person('bob', ['readers'])
    await declarePostgres(sallyport, server, {
      accounts: ['app_rw', 'closed', 'missing'].map(account),
      masking: { columns: { 'app_rw.secrets.word': 'pii.word', 'public.sold.email': 'pii.email' } },
    })
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })
  afterEach(async () => {
    await gone()
  })

  const gone = (): Promise<true> => soon(async () => ((await roles()).length === 0 ? true : undefined))

  async function roles(): Promise<string[]> {
    const rows = await server.query(
      `select rolname from pg_roles where starts_with(rolname, 'sp_') order by 1`,
    )
    return rows.map(({ rolname }) => String(rolname))
  }

  const connect = (to = 'orders-db', who = alice): Promise<RawPostgres> =>
    RawPostgres.connect(sallyport.endpoint(who, to, 'shop'))

  async function ask(client: RawPostgres, sql: string): Promise<string> {
    client.send(query(sql))
    const frames = await client.untilReady()
    return frames.map(({ tag, body }) => (tag === 'D' ? body.toString('utf8', 6) : tag)).join(' ')
  }

  const refusal = (to: string): Promise<string> =>
    connect(to).then(
      (client) => client[Symbol.asyncDispose]().then(() => 'let in'),
      (thrown: Error) => thrown.message,
    )

  test('logs in, acts as the account, stands in the recording, and is dropped after it', async () => {
    let role: string | undefined
    {
      await using client = await connect()
      const others = await roles()
      role = others.shift()
      expect(role).toMatch(/^sp_[0-9a-f]{8}_[0-9a-f]{32}$/)
      expect(others).toEqual([])
      expect(await ask(client, 'select current_user')).toContain('app_rw')
      expect(await ask(client, 'select session_user')).toContain(role)
      expect(await ask(client, 'select id from sold')).toContain('1')
      // The gateway asks about the catalogue as the same role: there is no other.
      expect(await roles()).toEqual([role])
    }
    const [session] = (await sallyport.admin.client.sessions.list({})).items
    const shown: unknown[] = []
    for await (const event of sallyport.admin.client.sessions.events({ id: session!.id })) shown.push(event)
    expect(shown).toContainEqual(expect.objectContaining({ kind: 'target-user', user: role }))
    expect(JSON.stringify(shown)).not.toContain('SCRAM')
  })

  test('serves cancel requests, and suggestions of tags, which have one of their own', async () => {
    await using client = await connect()
    client.send(query('select pg_sleep(50)'))
    await new Promise((resolve) => setTimeout(resolve, 300))
    const stream = await openStream(sallyport.endpoint(alice, 'orders-db', 'shop'))
    stream.resume().end(cancelRequest(client.cancelKey))
    expect((await client.untilReady()).map(({ tag }) => tag)).toContain('E')
    const { items } = await alice.client.resources.suggestTags({
      name: 'orders-db',
      account: 'app_rw',
      database: 'shop',
      rows: 100,
    })
    expect(items.map(({ column }) => column)).toContain('public.sold.email')
    await expect.poll(roles).toHaveLength(1)
  })

  test('of a session that leaves is missed by no other that asked through it', async () => {
    await using staying = await connect()
    for (let n = 0; n < 5; n++) {
      const leaving = await connect()
      // The newest session's credential is what the catalogue is asked with.
      await server.query(`create table renewed_${n} (id int); grant select on renewed_${n} to app_rw`, 'shop')
      const asked = ask(staying, `select * from renewed_${n}`)
      await leaving[Symbol.asyncDispose]()
      expect(await asked).toBe('T C Z')
    }
    await server.query('drop table renewed_0, renewed_1, renewed_2, renewed_3, renewed_4', 'shop')
  })

  test('leaves nothing that it made behind as its own, and blocks nobody', async () => {
    {
      await using client = await connect()
      await ask(client, 'create table public.made (id int)')
      await ask(client, 'set role none')
      await ask(client, 'create table public.made_as_itself (id int)')
    }
    await gone()
    const owners = await server.query(`select tableowner from pg_tables where tablename like 'made%'`, 'shop')
    expect(owners).toEqual([{ tableowner: 'app_rw' }, { tableowner: 'app_rw' }])
    await using client = await connect()
    expect(await ask(client, 'drop table made, made_as_itself')).toBe('C Z')
  })

  test('changes nothing about whose names are meant, whatever a session does to become somebody else', async () => {
    await using client = await connect('orders-db', bob)
    const mustHold = async (): Promise<void> => {
      expect(await ask(client, 'select current_user')).toContain('app_rw')
      expect(await ask(client, 'select word from secrets')).not.toMatch(/hidden|open/)
      expect(await ask(client, 'select upper(word) from secrets')).not.toMatch(/HIDDEN|OPEN/)
      expect(await ask(client, "select 1 from secrets where word = 'hidden'")).toBe('E Z')
      expect(await ask(client, 'select upper(word) from public.secrets')).toContain('OPEN')
    }
    await mustHold()
    for (const permitted of [
      'discard all',
      'reset all',
      'set search_path to "$user"',
      'set search_path to default',
    ]) {
      expect(`${permitted}: ${await ask(client, permitted)}`).toMatch(/C Z$/)
      await mustHold()
    }
    for (const attempt of [
      'set role none',
      'set local role none',
      'reset role',
      'set session authorization default',
      "select set_config('role', 'none', false)",
      "select set_config('session_authorization', 'provisioner', false)",
      "update pg_settings set setting = 'none' where name = 'role'",
      'set role provisioner',
    ]) {
      expect(`${attempt}: ${await ask(client, attempt)}`).toBe(`${attempt}: E Z`)
      await mustHold()
    }
    expect(await ask(client, `select pg_has_role('provisioner', 'member')`)).toContain('f')
  })

  test('begins as its account does by then, while others are there that began otherwise', async () => {
    const word = async (): Promise<string> => {
      await using client = await connect('orders-db', bob)
      return await ask(client, 'select upper(word) from secrets')
    }
    await server.query('alter role app_rw set search_path = public')
    await using _other = await connect()
    expect(await word()).toContain('OPEN')
    await server.query('alter role app_rw reset search_path')
    expect(await word()).not.toMatch(/OPEN|HIDDEN/)
    await server.query('alter role app_rw in database shop set search_path = public')
    expect(await word()).toContain('OPEN')
    await server.query('alter role app_rw in database shop reset search_path')
    expect(await word()).not.toMatch(/OPEN|HIDDEN/)
  })

  test('that cannot be made is a clear refusal, in the client’s protocol', async () => {
    expect(await refusal('orders-db+missing')).toMatch(/^08004 .*the target has no role missing/)
    await server.query('alter role provisioner nocreaterole')
    expect(await refusal('orders-db')).toMatch(/^08004 .*alter role "provisioner" createrole/)
    await server.query('alter role provisioner createrole')
    expect(sallyport.gateway.output).not.toContain('SCRAM-SHA-256$')
  })

  test('that could not be dropped since agent and target were down, is when both are back', async () => {
    const client = await connect()
    await sallyport.agent.kill()
    await server.stop('immediate')
    await client.untilOver()
    await expect.poll(() => sallyport.gateway.output).toContain('could not be released, and is tried again')
    await server.start()
    expect(await roles()).toHaveLength(1)
    await sallyport.startAgent()
  })

  test('that stands on the target, and that the store knows nothing of, is dropped with the next log-in', async () => {
    await using client = await connect()
    const [role = ''] = await roles()
    const left = `${role.slice(0, 12)}left`
    await server.query(`create role ${left} login in role app_rw valid until '${hoursFromNow(12)}'`)
    await server.query(`grant ${left} to provisioner with admin option; create role sp_0000aaaa_another`)
    await using _other = await connect()
    await expect.poll(roles).not.toContain(left)
    expect(await roles()).toContain('sp_0000aaaa_another')
    expect(await roles()).toHaveLength(3)
    await server.query('drop role sp_0000aaaa_another')
    expect(await ask(client, 'select 1')).toContain('1')
  })

  test('is dropped after a kill of the gateway, when it runs again', async () => {
    await Promise.all([connect(), connect(), connect()])
    await sallyport.gateway.kill()
    expect(await roles()).toHaveLength(3)
    await sallyport.startGateway()
  })

  test('is dropped when the gateway is stopped in order', async () => {
    await expect.poll(() => refusal('orders-db'), { timeout: 20_000 }).toBe('let in')
    await gone()
    await connect()
    expect(await roles()).toHaveLength(1)
    await sallyport.gateway.stop('SIGTERM')
    expect(await roles()).toEqual([])
  })
})

function hoursFromNow(hours: number): string {
  return new Date(Date.now() + hours * 3_600_000).toISOString()
}
