import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { environmentOf } from '../world/endpoint.ts'
import { clientPath } from '../world/postgres-binaries.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { run, startProcess, type RunningProcess } from '../world/process.ts'
import { soon } from '../world/soon.ts'
import { declarePostgres, startSallyport, type Person, type Sallyport } from '../world/sallyport.ts'

const policies = (superuser: string): string => `
@id("connect")
permit (principal in Group::"developers", action == Action::"connect", resource)
when { context.account == "reader" };
@id("admin-on-request") @request("dba & security") @duration("2h")
permit (principal in Group::"developers", action == Action::"connect", resource)
when { context.account == "${superuser}" };
@id("read")
permit (principal in Group::"developers", action in [Action::"read", Action::"session", Action::"transaction"], resource);
@id("deletes") @review("dba & security") @within("10m")
permit (principal in Group::"developers", action == Action::"delete", resource);
`
const dba = { groups: ['dba'], approvals: 1 }
const security = { groups: ['security'], approvals: 1 }

describe('what several groups must approve, with psql', () => {
  let server: Postgres
  let sallyport: Sallyport
  let alice: Person
  let bob: Person
  let sue: Person
  let both: Person

  beforeAll(async () => {
    server = await startPostgres({ databases: ['shop'] })
    await server.query(
      `create table orders (id int primary key);
       insert into orders select generate_series(1, 10);
       create role reader login password '${server.password}';
       grant select, delete on orders to reader`,
      'shop',
    )
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`] })
    const credential = { from: 'sealed', name: 'orders-db' } as const
    await declarePostgres(sallyport, server, {
      accounts: ['reader', server.user].map((name) => ({ name, credential })),
    })
    await sallyport.apply({ kind: 'Policy', name: 'joint', text: policies(server.user) })
    alice = await sallyport.person('alice', ['developers'])
    bob = await sallyport.person('bob', ['dba'])
    sue = await sallyport.person('sue', ['security'])
    both = await sallyport.person('both', ['dba', 'security'])
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  const environment = (account: string) =>
    environmentOf({ ...sallyport.endpoint(alice, 'orders-db', 'shop'), user: `orders-db+${account}` })
  const held = (statement: string): Promise<RunningProcess> =>
    startProcess(clientPath('psql'), ['-X', '-c', statement], { environment: environment('reader') })
  const waiting = () => soon(async () => (await bob.client.reviews.list({ state: 'open' })).items[0], 60_000)
  const count = async () => (await server.query('select count(*)::int as n from orders', 'shop'))[0]?.['n']

  test('a statement runs when each group has approved it, and psql says which has not', async () => {
    await using client = await held('delete from orders where id = 1')
    const review = await waiting()
    expect(review).toMatchObject({ needs: [dba, security], stillNeeded: [dba, security], approvalsNeeded: 2 })
    await client.line(/waiting for approval by dba, and by security: sallyport reviews approve/)
    expect(await bob.client.reviews.approve({ id: review.id })).toMatchObject({
      state: 'open',
      stillNeeded: [security],
    })
    await client.line(/waiting for approval by security: sallyport reviews approve/)
    expect(client.exit).toBeUndefined()
    expect(await count()).toBe(10)
    await sue.client.reviews.approve({ id: review.id })
    await client.exited
    expect(client.output).toContain('DELETE 1')
    expect(await count()).toBe(9)
  })

  test('who is in both groups stands for one of them, and one denial denies', async () => {
    await using client = await held('delete from orders where id = 2')
    const review = await waiting()
    expect(await both.client.reviews.approve({ id: review.id })).toMatchObject({
      state: 'open',
      stillNeeded: [{ groups: ['dba', 'security'], approvals: 1 }],
    })
    await expect(both.client.reviews.approve({ id: review.id })).rejects.toMatchObject({ status: 409 })
    expect(client.exit).toBeUndefined()
    await bob.client.reviews.deny({ id: review.id })
    await client.exited
    expect(client.output).toContain('denied by bob')
    expect(await count()).toBe(9)
  })

  test('a grant is there when each group has approved the request, also where the gateway was killed in between', async () => {
    const who = async () =>
      run(clientPath('psql'), ['-X', '-A', '-t', '-q', '-c', 'select current_user'], {
        environment: environment(server.user),
      })
    const { request } = await alice.client.requests.create({
      resource: 'orders-db',
      account: server.user,
      reason: 'a broken import',
      breakGlass: false,
    })
    const first = await both.client.requests.approve({ id: request.id })
    expect(first.grant).toBeUndefined()
    expect(first.request).toMatchObject({
      state: 'open',
      stillNeeded: [{ groups: ['dba', 'security'], approvals: 1 }],
    })
    await sallyport.gateway.kill()
    await sallyport.startGateway()
    const kept = await sue.client.requests.get({ id: request.id })
    expect(kept).toMatchObject({ state: 'open', stillNeeded: first.request.stillNeeded, mayAnswer: true })
    expect((await who()).stderr).toContain('access has to be asked for')
    const last = await sue.client.requests.approve({ id: request.id })
    expect(last).toMatchObject({ request: { state: 'approved', stillNeeded: [] } })
    expect(last.grant?.approvers).toEqual(['user:both', 'user:sue'])
    await soon(async () => ((await who()).stdout === `${server.user}\n` ? true : undefined), 60_000)
  })

  test('whoever asks what is permitted is told who must approve', async () => {
    const asked = {
      principal: 'alice',
      action: 'delete',
      target: 'shop.public.orders',
      resource: 'orders-db',
    }
    const { answer, steps } = await alice.client.policies.can(asked)
    expect(answer).toBe('review')
    expect(steps.at(-1)).toMatchObject({
      needs: [dba, security],
      words: 'allowed by deletes when approved once by dba, and once by security within 10 min',
    })
  })
})
