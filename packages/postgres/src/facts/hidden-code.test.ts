import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { shopQuery } from '../catalog/testing/shop.ts'
import { Bench } from './testing/bench.ts'

/** 63 bytes, as many as a name may have. */
const longName = 'wipe every leaf that was ever written down by anybody at all, 63'.slice(0, 63)

const functions: readonly (readonly [schema: string, name: string, conduct: string, body: string])[] = [
  ['app', 'note', 'sql', 'select 1'],
  ['aux', 'note', 'opaque', 'f00'],
  ['aux', 'noted', 'sql', 'select note()'],
  ['app', 'mine', 'calm', 'f02'],
  ['pg_temp_3', 'mine', 'opaque', 'f02'],
  ['app', 'asks', 'sql', 'select mine()'],
  // Each but the first reaches the one that may do anything through another.
  ['app', 'c1', 'sql', 'select app.c2(); select app.c3()'],
  ['app', 'c2', 'sql', 'select app.c3(); select app.c1()'],
  ['app', 'c3', 'sql', 'select app.c2(); select app.c4()'],
  ['app', 'c4', 'sql', 'select app.c3(); select app.c5()'],
  ['app', 'c5', 'opaque', 'f03'],
  ['app', longName, 'opaque', 'f01'],
  ['app', 'far', 'naming', `begin perform app . "${longName} and more"(); end`],
  ['app', 'nearby', 'naming', 'begin return 1; end'],
  ['app', 'compares', 'sql', 'select 1 between 0 and 2'],
]
const operators = ['=', '<>', '<', '>', '>=', '<=', '~~']

let bench: Bench
let other: Bench
beforeAll(async () => {
  const shop = shopQuery()
  const made = functions.map((row, at) => ['function', `${23000 + at}`, ...row])
  const runs = operators.map((name) => ['operator', 'app', name, 'app', longName, null])
  const schema = ['schema', '2300', 'aux', null, null, null]
  const withRows =
    (more: readonly (readonly (string | null)[])[]): typeof shop =>
    async (sql) => {
      const rows = await shop(sql)
      return rows.some(([what]) => what === 'horizon') ? [...rows, schema, ...made, ...more] : rows
    }
  bench = await Bench.create('strict', withRows(runs))
  other = await Bench.create('strict', withRows([]))
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
})

async function actions(on: Bench, sql: string): Promise<string> {
  const { facts } = await on.analyzer.analyse(sql, { ...on.context, searchPath: ['app', 'aux'] })
  return facts[0]!.actions.join(',')
}

describe('code that people made counts where an operator runs it that the text does not show', () => {
  it.each([
    'select 1 between 0 and 2',
    'select 1 not between 0 and 2',
    'select 1 between symmetric 0 and 2',
    'select case 1 when 2 then 3 end',
    'select 1 in (select 2)',
    'select 1 not in (select 2)',
    'select 1 in (2, 3)',
    "select 'a' like 'b'",
    'select nullif(1, 2)',
    'select 1 is distinct from 2',
    'select (1, 2) < (3, 4)',
    'select 1 from app.other a join app.other b using (id)',
    'select 1 from app.other a natural join app.other b',
    'select id from app.other order by id using <',
    'select app.compares()',
    'select app.nearby()',
  ])('%s', async (sql) => {
    expect(await actions(bench, sql)).toBe('call,read')
    if (sql !== 'select app.nearby()') return
    expect(await actions(other, sql)).toBe('read')
  })

  it('and not where no operator runs it', async () => {
    for (const sql of ['select 1 + 2', 'select case when true then 1 end', 'select exists (select 1)'])
      expect(await actions(bench, sql)).toBe('read')
  })
})

describe('a function counts', () => {
  it('in whichever schema of the path it is', async () => {
    expect(await actions(other, 'select note()')).toBe('call,read')
    const { facts } = await other.analyzer.analyse('select note()', {
      ...other.context,
      searchPath: ['app', 'aux'],
    })
    expect(facts[0]!.context.functions).toEqual(['app.note', 'aux.note'])
    expect(await actions(other, 'select app.note()')).toBe('read')
    expect(await actions(other, 'select aux.noted()')).toBe('call,read')
  })

  it('not where it is temporary: the server finds none of those by the path', async () => {
    expect(await actions(other, 'select app.asks()')).toBe('read')
    expect(await actions(other, 'select pg_temp_3.mine()')).toBe('call,read')
  })

  it('whichever of several that call each other is asked about first', async () => {
    for (const first of ['c1', 'c2', 'c3', 'c4'])
      for (const second of ['c4', 'c3', 'c2', 'c1']) {
        await using fresh = await Bench.create('strict', other.query)
        expect(await actions(fresh, `select app.${first}()`)).toBe('call,read')
        expect(await actions(fresh, `select app.${second}()`)).toBe('call,read')
      }
  })

  it('by a name that the server cuts', async () => {
    expect(await actions(other, 'select app.far()')).toBe('call,read')
  })
})

describe('a cast counts', () => {
  it('to an array, a domain or a row of the type that somebody made it for', async () => {
    for (const type of [
      'app._ash',
      'app.domain_over_ash',
      'app.row_with_ash',
      'ash[]',
      'app.date',
      'version',
      'rank',
    ])
      expect(await actions(other, `select '1'::${type}`)).toBe('call,read')
    for (const type of ['text', 'int', 'numeric(3, 1)', 'timestamptz', 'int[]'])
      expect(await actions(other, `select '1'::${type}`)).toBe('read')
    expect(await actions(other, 'create table app.t (id int, mood app.my_enum)')).toBe('ddl')
  })
})
