import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bench, outputsOf } from './testing/bench.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.create()
})
afterAll(() => bench[Symbol.asyncDispose]())

describe('what a statement does to the session', () => {
  it.each([
    ['execute p(1)', [{ kind: 'execute', name: 'p' }]],
    ['explain analyze execute p', [{ kind: 'execute', name: 'p' }]],
    ['explain execute p', [{ kind: 'execute', name: 'p' }]],
    ['create table t as execute p', [{ kind: 'execute', name: 'p' }, { kind: 'ddl' }]],
    ['deallocate p', [{ kind: 'deallocate', name: 'p' }]],
    ['deallocate all', [{ kind: 'deallocate' }]],
    ['fetch 3 from "C"', [{ kind: 'fetch', cursor: 'C', isMove: false }]],
    ['move 3 in c', [{ kind: 'fetch', cursor: 'c', isMove: true }]],
    ['close c', [{ kind: 'close-cursor', cursor: 'c' }]],
    ['close all', [{ kind: 'close-cursor' }]],
    ['discard all', [{ kind: 'discard', what: 'all' }]],
    ['discard plans', [{ kind: 'discard', what: 'plans' }]],
    ['discard sequences', [{ kind: 'discard', what: 'sequences' }]],
    ['discard temp', [{ kind: 'discard', what: 'temporary' }]],
    ['set search_path = a, "B c"', [{ kind: 'set', name: 'search_path', value: 'a, "B c"', isLocal: false }]],
    ["set search_path = 'a, b'", [{ kind: 'set', name: 'search_path', value: '"a, b"', isLocal: false }]],
    ['set local x.y = 1', [{ kind: 'set', name: 'x.y', value: '1', isLocal: true }]],
    ['reset search_path', [{ kind: 'set', name: 'search_path', isLocal: false }]],
    ['reset all', [{ kind: 'reset-all' }]],
    [
      "select set_config('Search_Path', 'a', true)",
      [{ kind: 'set', name: 'search_path', value: 'a', isLocal: true }],
    ],
    [
      "select set_config('search_path', $1, false)",
      [{ kind: 'set', name: 'search_path', isLocal: false, isUncertain: true }],
    ],
    ['select app.f_ssn(1)', [{ kind: 'opaque' }]],
    ['explain analyze declare c cursor for select 1', []],
    ['begin', [{ kind: 'transaction', step: 'begin' }]],
    ['end', [{ kind: 'transaction', step: 'commit' }]],
    ['abort', [{ kind: 'transaction', step: 'rollback' }]],
    ['savepoint "S"', [{ kind: 'transaction', step: 'savepoint', name: 'S' }]],
    ['release s', [{ kind: 'transaction', step: 'release', name: 's' }]],
    ['rollback to s', [{ kind: 'transaction', step: 'rollback-to', name: 's' }]],
    ["prepare transaction 'x'", [{ kind: 'transaction', step: 'two-phase' }]],
    ['create table t (id int)', [{ kind: 'ddl' }]],
    ['select 1', []],
    ['insert into app.other values (1)', []],
  ])('%s', async (sql, effects) => {
    expect((await bench.one(sql)).statement.effects).toEqual(effects)
  })

  it.each([
    "select set_config('search_path', 'a', false) where false",
    "select set_config('search_path', 'a', false) limit 0",
    "select case when false then set_config('search_path', 'a', false) end",
    "select 1 from app.other where set_config('search_path', 'a', false) is null",
    "with c as (select set_config('search_path', 'a', false)) select 1 from c",
    "select 1 union select 2 where set_config('search_path', 'a', false) is null",
  ])('%s may change nothing', async (sql) => {
    const effect = { kind: 'set', name: 'search_path', value: 'a', isLocal: false, isUncertain: true }
    expect((await bench.one(sql)).statement.effects).toEqual([effect])
  })

  it('a prepared statement brings its own facts and outputs', async () => {
    const { statement } = await bench.one('prepare p as select ssn from app.customers')
    const [effect] = statement.effects
    expect(statement.outputs).toBe('none')
    expect(effect?.kind === 'prepare' && effect.name).toBe('p')
    expect(effect?.kind === 'prepare' && outputsOf(effect.inner.statement.outputs)).toBe('ssn[ssn]')
    expect(effect?.kind === 'prepare' && effect.inner.facts.actions).toEqual(['read'])
  })

  it('a cursor too', async () => {
    const { statement } = await bench.one(
      'declare c binary cursor with hold for select ssn from app.customers',
    )
    const [effect] = statement.effects
    expect(effect).toMatchObject({ kind: 'declare', cursor: 'c', isBinary: true, isHoldable: true })
    expect(effect?.kind === 'declare' && outputsOf(effect.inner.statement.outputs)).toBe('ssn[ssn]')
  })
})

describe('COPY with the client', () => {
  const copyOf = async (sql: string) => (await bench.one(sql)).statement.copy

  it('out in text has the columns that are not generated', async () => {
    const copy = await copyOf('copy orders to stdout')
    expect(copy).toMatchObject({
      direction: 'out',
      format: 'text',
      delimiter: '\t',
      nullText: '\\N',
      hasHeader: false,
    })
    expect(outputsOf(copy?.outputs ?? 'none')).toBe('id customer_id total')
  })

  it('out of named columns has those, in that order', async () => {
    expect(outputsOf((await copyOf('copy app.customers (ssn, id) to stdout'))?.outputs ?? 'none')).toBe(
      'ssn[ssn] id',
    )
  })

  it('out of a query has its outputs', async () => {
    const copy = await copyOf('copy (select upper(ssn) as u, id from app.customers) to stdout')
    expect(outputsOf(copy?.outputs ?? 'none')).toBe('u[~ssn] id')
  })

  it.each([
    [
      'copy orders to stdout csv',
      {
        format: 'csv',
        delimiter: ',',
        nullText: '',
        quote: '"',
        escape: '"',
        hasHeader: false,
        forceQuote: [],
      },
    ],
    [
      "copy orders to stdout (format csv, header, delimiter ';', null 'x', quote '''', escape '\\', force_quote (id))",
      { delimiter: ';', nullText: 'x', quote: "'", escape: '\\', hasHeader: true, forceQuote: ['id'] },
    ],
    [
      'copy orders to stdout (format csv, header false, force_quote *)',
      { hasHeader: false, forceQuote: 'all' },
    ],
    ["copy orders to stdout csv quote '!'", { quote: '!', escape: '!' }],
    ["copy orders to stdout with delimiter '|' null ''", { format: 'text', delimiter: '|', nullText: '' }],
    ['copy orders to stdout binary', { format: 'binary' }],
    ['copy orders from stdin (header match)', { direction: 'in', hasHeader: true, outputs: [] }],
  ])('%s', async (sql, expected) => {
    expect(await copyOf(sql)).toMatchObject(expected)
  })

  it('is not what a file or a program gets', async () => {
    expect(await copyOf("copy orders to '/tmp/x'")).toBeUndefined()
    expect(await copyOf("copy orders from program 'x'")).toBeUndefined()
  })
})
