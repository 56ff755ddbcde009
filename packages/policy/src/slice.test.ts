import { expect, test } from 'vitest'
import type { PreparedPolicies } from './engine.ts'
import { objectEntity, resourceEntity, tagEntity } from './entities.ts'
import { readPolicies, type Policy } from './policies.ts'
import { Slice } from './slice.ts'
import { ordersDb } from './testing/world.ts'

const resource = resourceEntity(ordersDb)
const table = (name: string) => objectEntity(resource, ['shop', 'public', name])

/** Ids of the policies that are asked of an action on something, where more than four are not asked together. */
function asker(text: string) {
  const asked = new WeakMap<object, readonly string[]>()
  const slice = new Slice(readPolicies({ name: 'test.cedar', text }).policies, {
    groupOf: (action) => (action === 'update' || action === 'insert' ? 'write' : undefined),
    prepare: (policies: readonly Policy[]) => {
      const prepared = {} as PreparedPolicies
      asked.set(
        prepared,
        policies.map(({ id }) => id),
      )
      return prepared
    },
    limits: { together: 4, part: 1 },
  })
  return (action: string, on: ReturnType<typeof table>) => asked.get(slice.for(action, on))
}

const ofTables = ['a', 'b', 'c', 'd', 'e']
  .map(
    (name) =>
      `@id("${name}") permit (principal, action == Action::"read", resource == Object::"orders-db/shop/public/${name}");`,
  )
  .join('\n')

test('few policies are asked together, whatever is asked', () => {
  const ask = asker('@id("a") permit (principal, action == Action::"read", resource);')
  expect(ask('delete', table('orders'))).toEqual(['a'])
})

test('of many, those of other actions are left out', () => {
  const ask = asker(`${ofTables}
    @id("write") permit (principal, action in Action::"write", resource);
    @id("list") permit (principal, action in [Action::"delete", Action::"write"], resource);
    @id("one") permit (principal, action == Action::"insert", resource);
    @id("any") forbid (principal, action, resource);`)
  expect(ask('update', table('a'))).toEqual(['write', 'list', 'any'])
  expect(ask('insert', table('a'))).toEqual(['write', 'list', 'one', 'any'])
  expect(ask('delete', table('a'))).toEqual(['list', 'any'])
})

test('of many for one action, those that name other objects are left out', () => {
  const ask = asker(`${ofTables}
    @id("schema") permit (principal, action, resource in Object::"orders-db/shop/public");
    @id("database") permit (principal, action, resource is Object in Object::"orders-db/shop");
    @id("label") permit (principal, action, resource in Label::"env=prod");
    @id("any") forbid (principal, action, resource);`)
  expect(ask('read', table('c'))?.toSorted()).toEqual(['any', 'c', 'database', 'label', 'schema'])
  expect(ask('read', table('z'))?.toSorted()).toEqual(['any', 'database', 'label', 'schema'])
  expect(ask('read', resource)).toEqual(['label', 'any'])
})

test('of many for unmask, those that name other tags are left out', () => {
  const tags = ['pii.email', 'pii.phone', 'secret.key', 'secret']
    .map((tag) => `@id("${tag}") permit (principal, action == Action::"unmask", resource == Tag::"${tag}");`)
    .join('\n')
  const ask = asker(
    `${tags} @id("pii") permit (principal, action == Action::"unmask", resource in Tag::"pii");`,
  )
  expect(ask('unmask', tagEntity('pii.email'))).toEqual(['pii', 'pii.email'])
  expect(ask('unmask', tagEntity('secret.key'))?.toSorted()).toEqual(['secret', 'secret.key'])
})
