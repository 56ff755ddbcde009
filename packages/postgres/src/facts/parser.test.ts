import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parserLimits, tooComplex } from './limits.ts'
import { Parser } from './parser.ts'

/** What the grammar itself would not survive, or would take long over. */
const hostile: Readonly<Record<string, string>> = {
  sum: `select ${Array(12_000).fill('1').join('+')}`,
  'short sum': `select ${Array(8000).fill('1').join('+')}`,
  selects: `select ${'(select '.repeat(2000)}1${')'.repeat(2000)}`,
  parentheses: `select ${'('.repeat(9000)}1${')'.repeat(9000)}`,
  arrays: `select ${'array['.repeat(2000)}1${']'.repeat(2000)}`,
  not: `select ${'not '.repeat(9000)}true`,
  minus: `select ${'- '.repeat(9000)}1`,
  'is null': `select 1${' is null'.repeat(9000)}`,
  collate: `select a${' collate "C"'.repeat(8000)}`,
  casts: `select 1${'::int'.repeat(9000)}`,
  unions: Array(9000).fill('select 1').join(' union '),
  joins: `select 1 from a${' cross join b'.repeat(9000)}`,
  cases: `select ${'case when true then '.repeat(5000)}1${' end'.repeat(5000)}`,
}

describe('a text too complex to parse', () => {
  it.each(Object.entries(hostile))('is turned away before the grammar sees it: %s', (_, text) => {
    expect(tooComplex(text, parserLimits)).toMatch(/operators|nested/)
  })

  it('is turned away where it is too long', () => {
    expect(tooComplex('x'.repeat(parserLimits.maxBytes), parserLimits)).toBeUndefined()
    expect(tooComplex('x'.repeat(parserLimits.maxBytes + 1), parserLimits)).toMatch(/longer/)
    expect(tooComplex('é'.repeat(parserLimits.maxBytes / 2 + 1), parserLimits)).toMatch(/longer/)
  })

  it('is turned away where it holds a zero byte', () => {
    expect(tooComplex('select 1\0; drop table x', parserLimits)).toMatch(/zero/)
  })

  it.each([
    ['many rows', `insert into t values ${Array(20_000).fill("(-1, '+-*/(((')").join(', ')}`],
    ['a long list', `select 1 where x in (${Array(20_000).fill('-1').join(', ')})`],
    ['many conditions', `select 1 where ${Array(3000).fill('a = 1').join(' or ')}`],
    ['operators in a string', `select '${'+ '.repeat(9000)}'`],
    ['operators in an escape string', `select e'\\'${'+ '.repeat(9000)}'`],
    ['operators in a quoted name', `select "${'+ '.repeat(9000)}"`],
    ['operators in dollar quotes', `select $x$${'+ ( $y$'.repeat(9000)}$x$`],
    ['operators in a comment', `select 1 -- ${'+ ('.repeat(9000)}\n, /* ${'( /* */ + '.repeat(9000)} */ 2`],
  ])('is not: %s', (_, text) => {
    expect(tooComplex(text, parserLimits)).toBeUndefined()
  })

  it('does not hide behind a string that has ended', () => {
    expect(tooComplex(`select 'a''b', ${'- '.repeat(9000)}1`, parserLimits)).toMatch(/operators/)
    expect(tooComplex(`select e'a\\\\', ${'- '.repeat(9000)}1`, parserLimits)).toMatch(/operators/)
    expect(tooComplex(`select $$ $x$ $$, ${'- '.repeat(9000)}1`, parserLimits)).toMatch(/operators/)
    expect(tooComplex(`select 1 -- x\r, ${'- '.repeat(9000)}1`, parserLimits)).toMatch(/operators/)
  })
})

describe('the parser', () => {
  it('parses at once what is short', async () => {
    await using parser = await Parser.create()
    expect(parser.parse('select 1; select 2')).toMatchObject({ kind: 'tree', statements: [{}, {}] })
    expect(parser.parse('selec 1')).toEqual({
      kind: 'syntax',
      message: expect.stringContaining('selec'),
      position: 0,
    })
  })

  it('parses in a worker what is long', async () => {
    await using parser = await Parser.create()
    const outcome = parser.parse(`select ${Array(9000).fill('1').join(', ')}`)
    expect(outcome).toBeInstanceOf(Promise)
    expect(await outcome).toMatchObject({ kind: 'tree' })
  })

  it('keeps what it parsed', async () => {
    await using parser = await Parser.create()
    expect(parser.parse('select 1')).toBe(parser.parse('select 1'))
  })

  it('survives texts that break the grammar, again and again', async () => {
    const unguarded = {
      ...parserLimits,
      maxOperators: Infinity,
      maxDepth: Infinity,
      maxInlineBytes: Infinity,
    }
    await using parser = await Parser.create(unguarded)
    let broken = 0
    for (let round = 0; round < 200; round++) {
      const outcome = await parser.parse(`${hostile['sum']} -- ${round}`)
      if (outcome.kind === 'too-complex') broken++
      expect(await parser.parse(`select ${round}`)).toMatchObject({ kind: 'tree' })
    }
    expect(broken).toBe(200)
  })

  it('ends a worker that takes too long, and goes on with another', async () => {
    await using parser = await Parser.create({ ...parserLimits, maxParseMs: 1 })
    const slow = `insert into t values ${Array(40_000).fill("(1, 'abcdef')").join(', ')}`
    expect(await parser.parse(slow)).toMatchObject({ kind: 'too-complex' })
    expect(parser.parse('select 1')).toMatchObject({ kind: 'tree' })
  })

  it('lets only so many wait', async () => {
    await using parser = await Parser.create({ ...parserLimits, maxInlineBytes: 0, maxWaiting: 2 })
    const texts = ['select 1', 'select 2', 'select 3']
    const outcomes = await Promise.all(texts.map(async (text) => parser.parse(text)))
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(['tree', 'tree', 'too-complex'])
  })

  it('says something of any text, and never throws', async () => {
    await using parser = await Parser.create()
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async (text) => {
        expect(['tree', 'syntax', 'too-complex']).toContain((await parser.parse(text)).kind)
      }),
      { numRuns: 2000 },
    )
  })
})
