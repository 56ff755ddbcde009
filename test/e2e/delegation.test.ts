import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { environmentOf } from '../world/endpoint.ts'
import { declareSshd, hasSshd, SshClient, startSshd, type Sshd } from '../world/openssh.ts'
import { clientPath } from '../world/postgres-binaries.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { run, startProcess } from '../world/process.ts'
import { declarePostgres, startSallyport, type Person, type Sallyport } from '../world/sallyport.ts'

const policies = `
@id("people")
permit (principal in Group::"developers", action, resource);
`

/** Over two processes: whichever carries a session, it ends with the token that was delegated. */
describe.skipIf(!hasSshd)('an agent that acts for alice, by clients that know nothing of that', () => {
  let database: Postgres
  let server: Sshd
  let sallyport: Sallyport
  let alice: Person
  let claude: Person & { readonly id: string }

  beforeAll(async () => {
    database = await startPostgres({ databases: ['shop'] })
    await database.query('create table orders (id int)', 'shop')
    server = await startSshd()
    sallyport = await startSallyport({
      allow: [`127.0.0.1:${database.port}`, `127.0.0.1:${server.port}`],
      processes: 2,
    })
    await declarePostgres(sallyport, database)
    await declareSshd(sallyport, server)
    await sallyport.apply({ kind: 'Policy', name: 'people', text: policies })
    alice = await sallyport.person('alice', ['developers'])
    claude = await actingFor(alice)
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
    await database?.[Symbol.asyncDispose]()
  })

  const actingFor = async (person: Person): Promise<typeof claude> => {
    const restriction = { resources: ['orders-db', 'web'], actions: ['read', 'call', 'session', 'exec'] }
    const { token, id } = await person.client.tokens.delegate({ agent: 'claude', restriction })
    return { name: 'claude', token, id, client: await sallyport.client(token) }
  }
  const psql = (person: Person, statement: string) =>
    run(clientPath('psql'), ['-X', '-A', '-t', '-q', '-c', statement], {
      environment: environmentOf(sallyport.endpoint(person, 'orders-db', 'shop')),
    })

  test('reads in psql, and does not write what she may', async () => {
    expect((await psql(claude, 'select count(*) from orders')).stdout).toBe('0\n')
    const refused = await psql(claude, 'insert into orders values (1)')
    expect(refused.stderr).toContain('sallyport:')
    expect(await database.query('select * from orders', 'shop')).toEqual([])
    expect((await psql(alice, 'insert into orders values (1)')).code).toBe(0)
  })

  test('runs a command over ssh, and gets neither a shell nor a file', async () => {
    const client = await SshClient.of(sallyport, claude)
    expect(await client.ssh('web', ['echo', 'as claude'])).toMatchObject({ code: 0, stdout: 'as claude\n' })
    expect((await client.ssh('web', [], { flags: ['-tt'], input: 'exit\n' })).code).not.toBe(0)
    const sftp = await run('sftp', ['-F', client.configFile, '-b', '-', 'web@gateway'], {
      environment: client.environment,
      input: 'ls /\n',
    })
    expect(sftp.code).not.toBe(0)
  })

  test('is in every list as itself, for her', async () => {
    const { items } = await sallyport.admin.client.sessions.list({})
    const who = items.map(({ resource, principal, actor }) => [resource, principal.id, actor.id])
    expect(who).toContainEqual(['orders-db', 'user:alice', 'agent:claude'])
    expect(who).toContainEqual(['web', 'user:alice', 'agent:claude'])
    const audit = JSON.stringify((await sallyport.admin.client.audit.list({ limit: 100 })).items)
    expect(audit).toContain('agent:claude')
    expect(audit).not.toContain(claude.token)
  })

  test('and ends in the middle of what it does, when she takes its token back', async () => {
    await using client = await startProcess(
      clientPath('psql'),
      ['-X', '-q', '-c', '\\echo in', '-c', 'select pg_sleep(300)'],
      { environment: environmentOf(sallyport.endpoint(claude, 'orders-db', 'shop')) },
    )
    await client.line(/^in$/)
    await alice.client.tokens.revoke({ id: claude.id })
    await client.line(/your access was revoked/)
    expect((await client.exited).code).not.toBe(0)
    expect((await psql(claude, 'select 1')).stderr).toContain('the credential is not valid')
    expect((await psql(alice, 'select 1')).stdout).toBe('1\n')
  })
})
