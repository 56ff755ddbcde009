import type { FactsInput } from '@sallyport/core'
import { expect, test } from 'vitest'
import { Simulation, type RecordedSession } from './simulation.ts'
import { ordersDb, person, pointFor, statement } from './testing/world.ts'

const before = `
  @id("connect") permit (principal, action == Action::"connect", resource);
  @id("read") permit (principal in Group::"developers", action == Action::"read", resource);
  @id("mail") permit (principal in Group::"developers", action == Action::"unmask", resource == Tag::"pii.email");`

const dana: RecordedSession = {
  session: 'ses_1',
  subject: person('dana', 'developers'),
  resource: ordersDb,
  account: 'app',
}

function simulate(after: string, facts: readonly FactsInput[], sessions = [dana]) {
  const simulation = new Simulation(pointFor(before), pointFor(after))
  for (const one of sessions) {
    simulation.connect(one, 1)
    simulation.operation(one, { id: 7, at: 2, text: 'SELECT\n  1', facts })
  }
  return simulation.report()
}

const reads = (columns: readonly string[] = []) =>
  statement({ read: ['shop/public/customers'] }, { columns, kinds: ['select'] })

test('an operation that would be decided otherwise is shown, with those that decide it', () => {
  const { changes, ...counts } = simulate(before.replace('"read")', '"read") @review("dba")'), [reads()])
  expect(counts).toEqual({ sessions: 1, operations: 1, notJudged: 0, otherChanges: 0 })
  expect(changes).toEqual([
    {
      from: 'allow',
      to: 'review',
      actions: 'read',
      resource: 'orders-db',
      policies: ['read'],
      masked: [],
      unmasked: [],
      count: 1,
      principals: ['user:dana'],
      examples: [{ session: 'ses_1', operation: 7, principal: 'user:dana', at: 2, text: 'SELECT 1' }],
    },
  ])
})

test('what is denied for want of a permit names those that permitted it', () => {
  const { changes } = simulate(
    before
      .replace(
        '@id("read")',
        '@id("less") @reason("no more") forbid (principal, action == Action::"ddl", resource);\n@id("read")',
      )
      .replace('Action::"read"', 'Action::"insert"'),
    [reads()],
  )
  expect(changes).toMatchObject([
    { to: 'deny', policies: ['read'], reason: 'no policy permits read on shop.public.customers' },
  ])
})

test('a connection that would be refused is a change of its own', () => {
  const { changes } = simulate(before.replace('@id("connect")', '@id("connect") @request("dba")'), [reads()])
  expect(changes).toMatchObject([
    { from: 'allow', to: 'request', actions: 'connect', examples: [{ text: 'as app' }] },
  ])
})

test('columns that were seen in clear and would be masked are a change, of those who read them alone', () => {
  const after = before.replace('Tag::"pii.email"', 'Tag::"pii.phone"')
  const { changes } = simulate(after, [reads(['public.customers.email', 'public.customers.phone'])])
  expect(changes).toMatchObject([
    { from: 'allow', to: 'allow', masked: ['pii.email'], unmasked: ['pii.phone'] },
  ])
  expect(simulate(after, [reads(['public.customers.name'])]).changes).toEqual([])
})

test('who must watch from now on, and who need not any more, is a change', () => {
  const watched = before.replace('@id("read")', '@id("read") @watched("dba,security")')
  expect(simulate(watched, [reads()]).changes).toMatchObject([
    { from: 'allow', to: 'allow', policies: ['read'], watchers: [['dba', 'security']], count: 1 },
  ])
  const report = (first: string, second: string) => {
    const simulation = new Simulation(pointFor(first), pointFor(second))
    simulation.operation(dana, { id: 7, at: 2, text: 'SELECT 1', facts: [reads()] })
    return simulation.report().changes
  }
  expect(report(watched, before)).toMatchObject([{ from: 'allow', to: 'allow', watchers: [] }])
  expect(report(watched, watched)).toEqual([])
})

test('subjects are taken as recorded: who was in no group then is judged as in none', () => {
  const eve = { ...dana, subject: person('eve') }
  expect(
    simulate(
      before.replace('"developers", action == Action::"read"', '"others", action == Action::"read"'),
      [reads()],
      [eve],
    ).changes,
  ).toEqual([])
})

test('what the protocol refused by itself, and what has no words any more, is not judged', () => {
  expect(simulate('', []).notJudged).toBe(1)
  expect(
    simulate('@id("c") permit (principal, action == Action::"connect", resource);', [
      { ...reads(), actions: ['fly'], objects: [] },
    ]).notJudged,
  ).toBe(1)
})

test('changes of more kinds than are told apart are counted all the same', () => {
  const many = Array.from({ length: 1001 }, (_, i) => ({
    ...dana,
    resource: { ...ordersDb, name: `db-${i}` },
  }))
  const report = simulate(before.replaceAll('"read"', '"insert"'), [reads()], many)
  expect(report.changes).toHaveLength(1000)
  expect(report.otherChanges).toBe(1)
})

test('what permits at some hours is judged by the time of each operation, in both sets', () => {
  const hours = '@hours("mon-fri 08:00-18:00 UTC")'
  const [monday, sunday] = [Date.UTC(2026, 0, 5, 12), Date.UTC(2026, 0, 4, 12)]
  const report = (first: string, second: string) => {
    const simulation = new Simulation(pointFor(first), pointFor(second))
    for (const at of [monday, sunday, monday + 1, sunday + 60_000]) {
      simulation.connect(dana, at)
      simulation.operation(dana, { id: 7, at, text: 'SELECT 1', facts: [reads()] })
    }
    return simulation.report().changes
  }
  const timed = before
    .replace('@id("connect")', `@id("connect") ${hours}`)
    .replace('@id("read")', `@id("read") ${hours}`)
  const outside = {
    policies: ['outside-hours', 'read'],
    count: 2,
    examples: [{ at: sunday }, { at: sunday + 60_000 }],
  }
  expect(report(before, timed)).toMatchObject([
    { from: 'allow', to: 'deny', actions: 'connect', count: 2 },
    { from: 'allow', to: 'deny', actions: 'read', ...outside },
  ])
  expect(report(timed, before)).toMatchObject([
    { from: 'deny', to: 'allow', actions: 'connect', count: 2 },
    { from: 'deny', to: 'allow', actions: 'read', count: 2 },
  ])
  expect(report(timed, timed)).toEqual([])
})
