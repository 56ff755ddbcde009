import type { Client, DocumentInput } from '@sallyport/api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ToyClient } from './testing/toy-client.ts'
import { failure, password, setUp, startWorld, type World } from './testing/world.ts'

const policy = (text: string) => ({ name: 'shop', text })
const inForce = `
  @id("staff") permit (principal in Group::"staff", action in [Action::"connect", Action::"read", Action::"update"], resource);
  @id("auditors") permit (principal in Group::"auditors", action in [Action::"administer", Action::"replay"], resource);
  @id("planners") permit (principal in Group::"planners", action == Action::"administer", resource);
`
const documents: DocumentInput[] = [
  {
    kind: 'Resource',
    name: 'shop',
    protocol: 'toy',
    host: 'shop.internal',
    agent: 'dc1',
    accounts: [{ name: 'app', credential: { from: 'none' } }],
  },
  { kind: 'Policy', ...policy(inForce) },
]

let world: World
let root: Client
let alice: { token: string; api: Client }
let live: ToyClient

beforeAll(async () => {
  world = await startWorld('drainMs: 200\n')
  root = await setUp(world)
  await root.apply.documents({ documents })
  alice = await person('alice', 'staff')
  const over = new ToyClient(world.portOf('toy'))
  await over.logIn(alice.token, 'shop')
  await over.ask('read one')
  await over.ask('update two')
  over[Symbol.dispose]()
  const [session] = (await root.sessions.list({ limit: 1 })).items
  while ((await root.sessions.get({ id: session!.id })).live) await new Promise(setImmediate)
  live = new ToyClient(world.portOf('toy'))
  await live.logIn(alice.token, 'shop')
  await live.ask('update three')
})
afterAll(() => world[Symbol.asyncDispose]())

async function person(name: string, ...groups: string[]) {
  const { setupLink } = await root.users.create({ name, groups })
  const code = new URL(setupLink.url).hash.slice(1)
  const { token } = await world.client().setup.consume({ code, password })
  return { token, api: world.client(token) }
}

async function simulate(text: string, over: object = {}, as = root) {
  const lines = []
  for await (const line of as.policies.simulate({ policies: [policy(text)], ...over })) lines.push(line)
  const report = lines.at(-1)
  if (report?.kind !== 'report') throw new Error('there is no report')
  return report
}

const byReview = inForce.replace(', Action::"update"]', ']').concat(`
  @id("reviewed") @review("dba") @reason("changes are reviewed")
  permit (principal in Group::"staff", action == Action::"update", resource);`)

test('says what would be decided otherwise of sessions that are over and of those that live', async () => {
  const report = await simulate(byReview)
  expect(report).toMatchObject({ sessions: 2, operations: 3, notJudged: 0, otherChanges: 0 })
  expect(report.leftOut).toEqual({ deletedResource: 0, notPermitted: 0, unreadable: 0 })
  expect(report.changes).toMatchObject([
    {
      from: 'allow',
      to: 'review',
      actions: 'update',
      resource: 'shop',
      policies: ['reviewed'],
      reason: 'changes are reviewed',
      count: 2,
      principals: ['user:alice'],
    },
  ])
  const texts = report.changes[0]!.examples.map(({ text }) => text)
  expect(texts.toSorted()).toEqual(['update three', 'update two'])
})

test('the same policies change nothing', async () => {
  expect((await simulate(inForce)).changes).toEqual([])
})

test('policies of other files stay, unless they are to go', async () => {
  const other = { policies: [{ name: 'other', text: '// nothing\n' }] }
  expect((await simulate('', other)).changes).toEqual([])
  const pruned = await simulate('', { ...other, prune: true })
  expect(pruned.changes.map(({ actions, to, count }) => `${count} ${actions} ${to}`).toSorted()).toEqual([
    '1 read deny',
    '2 connect deny',
    '2 update deny',
  ])
})

test('looks at what it is told to, and no further', async () => {
  expect(await simulate(byReview, { resource: 'other' })).toMatchObject({ sessions: 0 })
  expect(await simulate(byReview, { principal: 'alice' })).toMatchObject({ sessions: 2 })
  expect(await simulate(byReview, { principal: 'user:root' })).toMatchObject({ sessions: 0 })
  const now = new Date(Date.now() + 1000).toISOString()
  expect(await simulate(byReview, { since: now })).toMatchObject({ operations: 0 })
})

test('who may administer, but not look at recordings, learns nothing from them', async () => {
  const planner = await person('paul', 'planners')
  const report = await simulate(byReview, {}, planner.api)
  expect(report).toMatchObject({ sessions: 0, operations: 0, changes: [], leftOut: { notPermitted: 2 } })
  const auditor = await person('audrey', 'auditors')
  expect((await simulate(byReview, {}, auditor.api)).changes).toHaveLength(1)
  expect(await failure(simulate(byReview, {}, alice.api))).toMatchObject({ code: 'forbidden' })
})

test('policies that do not stand are refused before anything is read', async () => {
  expect(await failure(simulate('permit ('))).toMatchObject({ code: 'invalid-policy' })
  expect((await simulate(inForce)).changes).toEqual([])
})

test('one runs at a time, and whoever leaves makes room', async () => {
  const all = await Promise.all([1, 2, 3].map(() => failure(simulate(inForce))))
  expect(all.map((problem) => problem?.code ?? 'done').toSorted((a, b) => a.localeCompare(b))).toEqual([
    'conflict',
    'conflict',
    'done',
  ])

  const left = root.policies.simulate({ policies: [policy(inForce)] })[Symbol.asyncIterator]()
  await left.next()
  await left.return?.()
  await expect.poll(() => failure(simulate(inForce)), { timeout: 10_000 }).toBeUndefined()
})

test('who simulated over what is in the audit log', async () => {
  await simulate(inForce, { resource: 'shop' })
  const { items } = await root.audit.list({ limit: 5 })
  expect(JSON.stringify(items)).toContain('policies simulated over the recorded sessions of shop since')
})
