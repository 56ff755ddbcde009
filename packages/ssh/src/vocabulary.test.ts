import { expect, test } from 'vitest'
import { factsOfCommand } from './facts/command.ts'
import { actions, facts } from './vocabulary.ts'

test('every request says exactly the facts that policies may ask for, each of its type', () => {
  for (const text of ['uptime', 'a | b', '\0']) {
    const { context } = factsOfCommand({ bytes: Buffer.from(text), hasTerminal: true, environment: [] })
    expect(Object.keys(context).toSorted()).toEqual(facts.map(({ name }) => name).toSorted())
    for (const { name, type } of facts)
      expect([name, Array.isArray(context[name]) ? 'strings' : typeof context[name]]).toEqual([name, type])
  }
})

test('each action and fact has one name and a line that explains it', () => {
  for (const words of [actions, facts]) {
    expect(new Set(words.map(({ name }) => name)).size).toBe(words.length)
    for (const { meaning } of words) expect(meaning).toMatch(/^[^A-Z.\n][^\n]{10,110}$/)
  }
})
