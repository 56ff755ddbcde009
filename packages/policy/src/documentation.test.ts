import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { checkPolicies, compilePolicies, presets, runPolicyTests, type PolicyText } from './index.ts'
import { postgresVocabulary } from './testing/postgres-vocabulary.ts'
import { sshVocabulary } from './testing/ssh-vocabulary.ts'

const page = readFileSync(new URL('../../../docs/policies.md', import.meta.url), 'utf8')
const vocabulary = [postgresVocabulary, sshVocabulary]

function blocks(language: string): PolicyText[] {
  const found = [...page.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))]
  return found.map(([, text = '']) => ({ name: text.split('\n')[0] ?? '', text }))
}

test('every policy on the page stands', () => {
  const policies = blocks('cedar')
  expect(policies.length).toBeGreaterThan(4)
  expect(checkPolicies(policies, vocabulary)).toEqual([])
})

test('the cases on the page hold', () => {
  const extras = presets.filter(({ name }) => name === 'no-unfiltered-writes')
  const point = compilePolicies({ policies: [...blocks('cedar'), ...extras], vocabulary, version: '1' })
  const report = runPolicyTests(point, blocks('yaml'))
  expect(report.problems).toEqual([])
  expect(report.results.filter(({ passed }) => !passed)).toEqual([])
})

test('every preset, action and fact is on the page', () => {
  const words = vocabulary.flatMap(({ actions, facts }) => [...actions, ...facts])
  const names = [...presets, ...words].map(({ name }) => name)
  for (const name of names) expect(page).toMatch(new RegExp(`\`(context\\.)?${name}\``))
})
