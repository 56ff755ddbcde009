import { Document, type DocumentInput } from '@sallyport/api'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { after, planChanges } from './plan.ts'

const doc = (it: DocumentInput) => Document.parse(it)
const user = (name: string, ...groups: string[]) => doc({ kind: 'User', name, groups })
const policy = (name: string, text: string) => doc({ kind: 'Policy', name, text })
const credential = (name: string, password: string) => doc({ kind: 'Credential', name, password })
const resource = (name: string, over: object = {}) =>
  doc({
    kind: 'Resource',
    name,
    protocol: 'postgres',
    host: 'db.internal',
    agent: 'dc1',
    accounts: [{ name: 'app', credential: { from: 'none' } }],
    ...over,
  })

const summary = (changes: ReturnType<typeof planChanges>) =>
  changes.map((it) => `${it.action} ${it.kind}/${it.name}`)

const none: ReadonlySet<Document['kind']> = new Set()

describe('a plan', () => {
  test('creates what is not there, updates what differs, leaves the rest', () => {
    const current = [user('bob', 'dba'), policy('a', 'old'), policy('b', 'same')]
    const wanted = [user('bob', 'dba'), policy('a', 'new'), policy('b', 'same'), resource('orders-db')]
    expect(summary(planChanges(current, wanted, none))).toEqual([
      'unchanged User/bob',
      'update Policy/a',
      'unchanged Policy/b',
      'create Resource/orders-db',
    ])
  })

  test('says which key changes, from what to what', () => {
    const current = [resource('orders-db', { labels: { env: 'test', team: 'shop' } })]
    const wanted = [resource('orders-db', { labels: { env: 'production' }, port: 5433 })]
    expect(planChanges(current, wanted, none)[0]?.changes).toEqual([
      { path: 'labels.env', from: 'test', to: 'production' },
      { path: 'labels.team', from: 'shop' },
      { path: 'port', to: 5433 },
    ])
  })

  test('never shows a secret', () => {
    const plans = [
      planChanges([], [credential('db', 'hunter2')], none),
      planChanges([credential('db', 'hunter2')], [credential('db', 'hunter3')], none),
      planChanges(
        [credential('db', 'hunter2'), credential('other', 'hunter4')],
        [credential('db', 'hunter2')],
        new Set(['Credential']),
      ),
    ]
    expect(plans.map(summary)).toEqual([
      ['create Credential/db'],
      ['update Credential/db'],
      ['unchanged Credential/db', 'delete Credential/other'],
    ])
    expect(JSON.stringify(plans)).not.toContain('hunter')
  })

  test('prunes only the kinds that it is told to, and never users', () => {
    const current = [user('bob'), user('eve'), policy('a', 'x'), resource('orders-db')]
    expect(
      summary(planChanges(current, [policy('b', 'y'), user('bob')], new Set(['Policy', 'User']))),
    ).toEqual(['create Policy/b', 'unchanged User/bob', 'delete Policy/a'])
  })

  test('made twice, changes nothing the second time', () => {
    const documents = fc.uniqueArray(
      fc.oneof(
        fc
          .record({ name: fc.constantFrom('a', 'b', 'c'), text: fc.constantFrom('1', '2') })
          .map((it) => policy(it.name, it.text)),
        fc
          .record({ name: fc.constantFrom('a', 'b'), port: fc.constantFrom(1, 2) })
          .map((it) => resource(it.name, { port: it.port })),
        fc
          .record({ name: fc.constantFrom('a', 'b'), group: fc.constantFrom('x', 'y') })
          .map((it) => user(it.name, it.group)),
      ),
      { selector: (it) => `${it.kind}/${it.name}` },
    )
    fc.assert(
      fc.property(documents, documents, fc.boolean(), (current, wanted, isPruned) => {
        const prune = isPruned ? new Set(wanted.map(({ kind }) => kind)) : none
        const standing = after(current, wanted, planChanges(current, wanted, prune))
        const again = planChanges(standing, wanted, prune)
        expect(again.every(({ action }) => action === 'unchanged')).toBe(true)
        expect(standing).toEqual(expect.arrayContaining(wanted))
      }),
    )
  })
})
