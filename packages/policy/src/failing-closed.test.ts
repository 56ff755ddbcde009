import type { Decision } from '@sallyport/core'
import { expect, test } from 'vitest'
import { compilePolicies, PolicyError } from './index.ts'
import { postgresVocabulary } from './testing/postgres-vocabulary.ts'
import { ordersDb, person, pointFor, statement } from './testing/world.ts'

const dana = person('dana', 'developers')

test('a policy that fails denies, even where Cedar would skip the forbid and allow', () => {
  const policies = `
    @id("all") permit (principal, action, resource);
    @id("big") forbid (principal, action == Action::"read", resource) when { 9223372036854775807 + context.n == 0 };`
  const counting = {
    ...postgresVocabulary,
    facts: [{ name: 'n', type: 'number' as const, meaning: 'a number' }],
  }
  const point = compilePolicies({
    policies: [{ name: 'p', text: policies }],
    vocabulary: [counting],
    version: '1',
  })
  const ask = (n: number): Decision =>
    point.decide(dana, ordersDb, 'app', [{ ...statement({ read: [] }), context: { n } }])
  expect(ask(0).effect).toBe('allow')
  expect(ask(1)).toMatchObject({ effect: 'deny', policies: ['evaluation-error', 'big'] })
  expect(ask(1.5)).toMatchObject({ effect: 'deny', policies: ['evaluation-error'] })
})

test.each([
  ['an unknown action', { ...statement({ read: [] }), actions: ['fly'] }],
  ['an unknown fact', statement({ read: [] }, { colour: 'red' })],
  ['a missing fact', { ...statement({ read: [] }), context: {} }],
  ['a fact of the wrong type', statement({ read: [] }, { unfiltered: 'yes' })],
  ['a text that is no Unicode', statement({ read: [] }, { functions: ['\ud800'] })],
])('%s denies', (_, facts) => {
  const asks = `
    @id("all") permit (principal, action, resource);
    @id("asks") forbid (principal, action == Action::"read", resource) when { context.unfiltered && context.functions.contains("x") };`
  expect(pointFor(asks).decide(dana, ordersDb, 'app', [facts])).toMatchObject({
    effect: 'deny',
    policies: ['evaluation-error'],
  })
})

test('a resource of a protocol without a vocabulary is denied', () => {
  const point = pointFor('@id("all") permit (principal, action, resource);')
  const strange = { ...ordersDb, protocol: 'gopher' }
  expect(point.decide(dana, strange, 'app', [statement({ read: [] })]).effect).toBe('deny')
})

test('policies with errors are not compiled', () => {
  expect(() => pointFor('permit (principal, action == Action::"fly", resource);')).toThrow(PolicyError)
  expect(() => pointFor('permit (')).toThrow('test.cedar:1:9: unexpected end of input')
})
