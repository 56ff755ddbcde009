import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AccessRequest, Grant } from '@sallyport/api'
import { environmentOf, type Endpoint } from '../world/endpoint.ts'
import { clientPath } from '../world/postgres-binaries.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { run, startProcess, type RunningProcess } from '../world/process.ts'
import { soon } from '../world/soon.ts'
import { declarePostgres, startSallyport, type Person, type Sallyport } from '../world/sallyport.ts'

/** Anybody of the developers reads as `reader`; as the superuser after an approval, and the on-call at once. */
const policies = (superuser: string): string => `
@id("read")
permit (principal in Group::"developers", action in [Action::"read", Action::"call", Action::"session", Action::"transaction"], resource);
@id("connect")
permit (principal in Group::"developers", action == Action::"connect", resource)
when { context.account == "reader" };
@id("admin-on-request") @request("dba") @duration("2h") @breakglass("oncall")
permit (principal in Group::"developers", action == Action::"connect", resource)
when { context.account == "${superuser}" };
@id("short") @request("dba") @duration("3s")
permit (principal in Group::"hurried", action == Action::"connect", resource)
when { context.account == "${superuser}" };
`

describe('access on request, with psql, over two processes', () => {
  let server: Postgres
  let sallyport: Sallyport
  let alice: Person
  let bob: Person
  let carol: Person
  let dora: Person

  beforeAll(async () => {
    server = await startPostgres({ databases: ['shop'] })
    await server.query('create table orders (id int)', 'shop')
    await server.query(`create role reader login password '${server.password}'`)
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`], processes: 2 })
    const credential = { from: 'sealed', name: 'orders-db' } as const
    await declarePostgres(sallyport, server, {
      accounts: ['reader', server.user].map((name) => ({ name, credential })),
    })
    await sallyport.apply({ kind: 'Policy', name: 'access', text: policies(server.user) })
    alice = await sallyport.person('alice', ['developers'])
    bob = await sallyport.person('bob', ['dba'])
    carol = await sallyport.person('carol', ['developers', 'dba', 'oncall'])
    dora = await sallyport.person('dora', ['developers', 'hurried'])
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  const endpoint = (person: Person, account: string = server.user): Endpoint => ({
    ...sallyport.endpoint(person, 'orders-db', 'shop'),
    user: `orders-db+${account}`,
  })
  const args = (statement: string) => ['-X', '-A', '-t', '-q', '-c', statement]
  const psql = (person: Person, account?: string) =>
    run(clientPath('psql'), args('select current_user'), {
      environment: environmentOf(endpoint(person, account)),
    })
  /** Let in, or told to ask: anything else, such as that an agent is not back yet, is no answer. */
  const isIn = (person: Person, account: string = server.user): Promise<boolean> =>
    soon(async () => {
      const { code, stdout, stderr } = await psql(person, account)
      if (code === 0) return stdout === `${account}\n`
      return stderr.includes('sallyport: access has to be asked for') ? false : undefined
    }, 60_000)
  /** A client in the middle of something, as somebody's psql may be for hours. */
  const live = async (person: Person, account: string = server.user): Promise<RunningProcess> => {
    const client = await startProcess(
      clientPath('psql'),
      ['-X', '-q', '-c', '\\echo in', '-c', 'select pg_sleep(100)'],
      {
        environment: environmentOf(endpoint(person, account)),
      },
    )
    await client.line(/^in$/)
    return client
  }
  const ask = async (person: Person, more: Partial<{ durationSeconds: number; breakGlass: boolean }> = {}) =>
    person.client.requests.create({
      resource: 'orders-db',
      account: server.user,
      reason: 'a broken import',
      ...more,
    })
  const granted = async (person: Person): Promise<Grant> => {
    const { request } = await ask(person)
    const { grant } = await bob.client.requests.approve({ id: request.id })
    if (grant === undefined) throw new Error('no grant')
    return grant
  }
  const cut = async (client: RunningProcess): Promise<number> => {
    const since = performance.now()
    await client.exited
    return performance.now() - since
  }

  test('who connects without a grant is told what to run, and told nothing of what cannot be asked for', async () => {
    const { code, stderr } = await psql(alice)
    expect(code).toBe(2)
    expect(stderr).toContain(
      `FATAL:  sallyport: access has to be asked for: sallyport request orders-db --account ${server.user} --for 2h --reason "…"`,
    )
    expect((await psql(alice, 'nobody')).stderr).toContain('there is no such resource or account')
    expect((await psql(bob)).stderr).toContain('there is no such resource or account')
    expect(await isIn(alice, 'reader')).toBe(true)
  })

  test('asked, approved by somebody else, used, revoked: cut at once, and denied again', async () => {
    const { request } = await ask(alice, { durationSeconds: 600 })
    expect(request).toMatchObject({
      state: 'open',
      reviewers: ['dba'],
      mayAnswer: false,
      askedFrom: '127.0.0.1',
    })
    expect(await isIn(alice)).toBe(false)
    await expect(alice.client.requests.approve({ id: request.id })).rejects.toMatchObject({ status: 403 })
    await expect(dora.client.requests.approve({ id: request.id })).rejects.toMatchObject({ status: 404 })
    const { grant } = await bob.client.requests.approve({ id: request.id, comment: 'agreed' })
    await expect(bob.client.requests.approve({ id: request.id })).rejects.toMatchObject({ status: 409 })
    await expect(carol.client.requests.deny({ id: request.id })).rejects.toMatchObject({ status: 409 })
    expect(await isIn(alice)).toBe(true)
    expect(await isIn(carol)).toBe(false)
    expect((await alice.client.resources.get({ name: 'orders-db' })).accounts).toMatchObject([
      { name: 'reader' },
      { name: server.user, grant: { id: grant?.id, endsAt: grant?.endsAt } },
    ])

    const report: unknown[] = []
    for await (const line of sallyport.admin.client.access.report({ user: 'alice' })) report.push(line)
    expect(report).toMatchObject([
      { account: 'reader', how: 'policy', policies: ['connect'] },
      {
        account: server.user,
        how: 'grant',
        grant: { id: grant?.id, approvers: ['user:bob'], reason: 'a broken import' },
        lastUsedAt: expect.any(String),
      },
      { account: server.user, how: 'request', policies: ['admin-on-request'] },
    ])

    await using stands = await live(alice)
    await using plain = await live(alice, 'reader')
    const sessions = await alice.client.sessions.list({ live: true })
    expect(sessions.items.map((session) => session.grant)).toEqual([undefined, grant?.id])
    await expect(dora.client.grants.revoke({ id: grant!.id })).rejects.toMatchObject({ status: 404 })
    await bob.client.grants.revoke({ id: grant!.id, reason: 'done' })
    expect(await cut(stands)).toBeLessThan(5_000)
    expect(stands.output).toContain('FATAL:  sallyport: the grant was revoked')
    expect(plain.exit).toBeUndefined()
    expect(await isIn(alice)).toBe(false)
    await expect(bob.client.grants.revoke({ id: grant!.id })).rejects.toMatchObject({ status: 409 })
    expect(await isIn(alice)).toBe(false)
  })

  test('a grant that ends cuts the live session within 5 s, in psql’s own words', async () => {
    const { request } = await ask(dora)
    expect(request.durationSeconds).toBe(3)
    const { grant } = await bob.client.requests.approve({ id: request.id })
    await using client = await live(dora)
    await client.exited
    expect(Date.now() - Date.parse(grant!.endsAt)).toBeLessThan(5_000)
    expect(client.output).toContain('FATAL:  sallyport: the grant has ended')
    expect(await isIn(dora)).toBe(false)
    const ended = await soon(async () => {
      const { items } = await dora.client.sessions.list({})
      return items.find((session) => session.grant === grant!.id && !session.live)
    })
    const recorded: unknown[] = []
    for await (const event of dora.client.sessions.events({ id: ended.id })) recorded.push(event)
    expect(recorded[0]).toMatchObject({ kind: 'opened', grant: grant!.id })
    expect(recorded.at(-1)).toMatchObject({ kind: 'closed', reason: 'access-expired' })
  })

  test('nobody asks for longer than policy gives, nor for an entrance that it does not give', async () => {
    await expect(ask(alice, { durationSeconds: 7201 })).rejects.toMatchObject({ status: 400 })
    await expect(ask(alice, { breakGlass: true })).rejects.toMatchObject({ status: 403 })
    await expect(ask(bob)).rejects.toMatchObject({ status: 404 })
  })

  test('a break-glass lets in at once, is counted for an alert, and is closed by somebody else', async () => {
    const { request, grant } = await ask(carol, { breakGlass: true, durationSeconds: 60 })
    expect(request.state).toBe('unreviewed')
    expect(await isIn(carol)).toBe(true)
    const metrics = await (await fetch(`http://127.0.0.1:${sallyport.ports.metrics}/metrics`)).text()
    expect(metrics).toMatch(/^sallyport_access_requests_total\{state="unreviewed"\} 1$/m)
    expect(sallyport.gateway.output).toMatch(/"level":"?(40|warn).*break-glass/)
    const close = (person: Person) => person.client.requests.close({ id: request.id, comment: 'was needed' })
    await expect(close(carol)).rejects.toMatchObject({ status: 403 })
    expect((await bob.client.requests.list({})).items.map(({ id }) => id)).toContain(request.id)
    expect(await close(bob)).toMatchObject({ state: 'reviewed' })
    await carol.client.grants.revoke({ id: grant!.id })
    expect(await isIn(carol)).toBe(false)
  })

  test('each state is what it was after the gateway was killed, and goes on from there', async () => {
    const open = (await ask(alice)).request
    const unreviewed = await ask(carol, { breakGlass: true })
    const restart = async (): Promise<void> => {
      await sallyport.gateway.kill()
      await sallyport.startGateway()
    }
    const stateOf = async ({ id }: AccessRequest) => (await bob.client.requests.get({ id })).state

    await restart()
    expect(await stateOf(open)).toBe('open')
    expect(await stateOf(unreviewed.request)).toBe('unreviewed')
    expect([await isIn(alice), await isIn(carol)]).toEqual([false, true])
    const { grant } = await bob.client.requests.approve({ id: open.id })
    await bob.client.requests.close({ id: unreviewed.request.id, comment: 'seen' })
    await carol.client.grants.revoke({ id: unreviewed.grant!.id })
    const denied = (await ask(carol)).request
    await bob.client.requests.deny({ id: denied.id })

    await restart()
    expect(await stateOf(open)).toBe('approved')
    expect(await stateOf(unreviewed.request)).toBe('reviewed')
    expect(await stateOf(denied)).toBe('denied')
    expect([await isIn(alice), await isIn(carol)]).toEqual([true, false])
    await expect(bob.client.requests.approve({ id: open.id })).rejects.toMatchObject({ status: 409 })
    await alice.client.grants.revoke({ id: grant!.id })

    await restart()
    expect(await isIn(alice)).toBe(false)
    const { items } = await alice.client.grants.list({ ended: true })
    expect(items[0]).toMatchObject({ id: grant!.id, state: 'revoked', revokedBy: 'user:alice' })
  })

  test('a resource that was deleted takes its grants along, whoever gets its name next', async () => {
    const { id } = await granted(alice)
    const { items } = await bob.client.grants.list({})
    expect(items.map((grant) => grant.id)).toEqual([id])
    const credential = { from: 'sealed', name: 'orders-db' } as const
    const accounts = ['reader', server.user].map((name) => ({ name, credential }))
    const another = {
      kind: 'Resource',
      name: 'another-db',
      protocol: 'postgres',
      host: '127.0.0.1',
      agent: 'local',
      accounts,
    } as const
    const { client } = sallyport.admin
    const { plan } = await client.apply.documents({ documents: [another], dryRun: false, prune: true })
    expect(plan.map(({ action, name }) => `${action} ${name}`)).toContain('delete orders-db')
    await declarePostgres(sallyport, server, { accounts })
    expect(await isIn(alice)).toBe(false)
  })
})
