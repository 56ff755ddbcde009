import { expect, test } from 'vitest'
import { postgresVocabulary } from './testing/postgres-vocabulary.ts'
import { mergeVocabularies, type ProtocolVocabulary } from './vocabulary.ts'

const odd = (
  action: string,
  group: 'read' | 'write',
  fact = 'size',
  type: 'number' | 'string' = 'number',
): ProtocolVocabulary => ({
  name: 'odd',
  actions: [{ name: action, group, meaning: '' }],
  facts: [{ name: fact, type, meaning: '' }],
})

test.each([
  ['an action of the gateway', odd('connect', 'read'), 'action cannot be named connect'],
  ['an action that is no word', odd('sql:read', 'read'), 'action cannot be named sql:read'],
  ['a fact with a hyphen', odd('look', 'read', 'size-bytes'), 'fact cannot be named size-bytes'],
  ['an action in two groups', odd('insert', 'read'), 'action insert is in two groups'],
  ['an action named for another group', odd('write', 'read'), 'action write is in the group read'],
  ['a fact that the gateway states', odd('look', 'read', 'actor'), 'fact cannot be named actor'],
  ['a fact that Cedar reads as its own word', odd('look', 'read', 'has'), 'fact cannot be named has'],
  ['a fact of two types', odd('read', 'read', 'locks'), 'fact locks has two types'],
])('%s is a mistake', (_, vocabulary, message) => {
  expect(() => mergeVocabularies([postgresVocabulary, vocabulary])).toThrow(message)
})

test('an action that two protocols declare has the facts of both', () => {
  const merged = mergeVocabularies([postgresVocabulary, odd('read', 'read')])
  expect([...(merged.actions.get('read')?.facts.keys() ?? [])]).toContain('size')
  expect([...(merged.actions.get('read')?.facts.keys() ?? [])]).toContain('unfiltered')
  expect([...(merged.actions.get('update')?.facts.keys() ?? [])]).not.toContain('size')
})

test("an action's name may have hyphens", () => {
  const merged = mergeVocabularies([postgresVocabulary, odd('look-up', 'read')])
  expect(merged.actions.get('look-up')?.group).toBe('read')
})
