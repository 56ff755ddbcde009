import { describe, expect, test } from 'vitest'
import { compare, judge } from './comparison.ts'
import { explanationsFor, type Explanation } from './explanations.ts'
import { kindsOfLines } from './pipelines.ts'
import { readSchedule } from './schedule.ts'

const explanations: readonly Explanation[] = [
  { name: 'files/strings', reason: 'a setting is pinned', like: /^\+ERROR: {2}sallyport: pinned$/m },
]

describe('outputs are', () => {
  test('equal to the byte, or different with every differing line', async () => {
    const direct = new Map([
      ['one', 'a\nb\n'],
      ['two', 'a\nb\nc\n'],
    ])
    const through = new Map([
      ['one', 'a\nb\n'],
      ['two', 'a\nB\nc\n'],
    ])
    const [one, two] = await compare('files', direct, through, [])
    expect(one).toEqual({ name: 'files/one', verdict: 'equal', hunks: [] })
    expect(two!.verdict).toBe('different')
    expect(two!.hunks).toEqual(['@@ -2 +2 @@\n-b\n+B\n'])
  })

  test('different where one route did not give them', async () => {
    const [only] = await compare('files', new Map([['one', 'a\n']]), new Map(), [])
    expect(only!.verdict).toBe('different')
  })

  test('equal but for the id of a session', async () => {
    const text = 'DETAIL:  session ses_01M8FJ1ZAMSRD81KRMQCB8BKWE\n'
    const [one] = await compare('f', new Map([['x', 'DETAIL:  session ses_…\n']]), new Map([['x', text]]), [])
    expect(one!.verdict).toBe('equal')
  })

  test('explained where each difference is like the explanation', () => {
    const known = '@@ -1,0 +2 @@\n+ERROR:  sallyport: pinned\n'
    expect(judge('files/strings', [known], explanations).verdict).toBe('explained')
    expect(judge('files/strings', [known, '@@ -9 +9 @@\n-a\n+b\n'], explanations)).toMatchObject({
      verdict: 'different',
      hunks: ['@@ -9 +9 @@\n-a\n+b\n'],
    })
    expect(judge('files/copy', [known], explanations).verdict).toBe('different')
  })

  test('not good where an explanation no longer holds', () => {
    expect(judge('files/strings', [], explanations).verdict).toBe('unexpectedly equal')
  })

  test('good either way where it is of chance', () => {
    const chance = explanations.map((one): Explanation => ({ ...one, isOfChance: true }))
    expect(judge('files/strings', [], chance).verdict).toBe('equal')
    expect(judge('files/strings', ['@@ -9 +9 @@\n-a\n+b\n'], chance).verdict).toBe('different')
  })
})

test('what is explained of one major version is not of another', () => {
  const names = (version: string) => explanationsFor(version).map(({ name }) => name)
  expect(names('18.4')).toContain('files/hash_part')
  expect(names('15.18')).not.toContain('files/hash_part')
  expect(names('15.18')).toContain('files/strings')
})

test('a pipeline that fills the sockets gives the kinds of its lines, whatever their number', () => {
  const one = kindsOfLines('uniqviol .....\nresult 0/3: 0\nresult 1/3: 1\nok\nexit 0\n')
  expect(kindsOfLines('uniqviol ...\nresult 0/2: 0\nok\nexit 0\n')).toBe(one)
  expect(kindsOfLines('uniqviol ...\nresult 0/2: 0\nresult 1/2: lost\nok\nexit 0\n')).not.toBe(one)
})

test('a schedule gives its files in their order, groups one by one', () => {
  expect(readSchedule('# one\ntest: a\n\ntest: b c\tlong_name\n')).toEqual(['a', 'b', 'c', 'long_name'])
})
