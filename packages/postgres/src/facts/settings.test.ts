import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { Bench } from './testing/bench.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.create()
})
afterAll(() => bench[Symbol.asyncDispose]())

describe('a setting that decides how SQL is read', () => {
  it.each([
    'set standard_conforming_strings = off',
    'set local standard_conforming_strings to 0',
    'set STANDARD_CONFORMING_STRINGS = false',
    "set client_encoding = 'SJIS'",
    "set names 'big5'",
    "set client_encoding = 'no such thing'",
    "create function f() returns int language sql set client_encoding = 'LATIN1' as 'select 1'",
    "select set_config('client_encoding', 'GBK', false)",
    "select set_config('Standard_Conforming_Strings', 'off', true)",
    "select set_config('client_encoding', $1, false)",
    "with x as (select set_config('client_encoding', 'GBK', false)) select * from x",
    "explain analyze select set_config('client_encoding', 'GBK', false)",
    "prepare p as select set_config('client_encoding', 'GBK', false)",
    "alter role x set client_encoding = 'GBK'",
    "copy app.other to stdout (encoding 'SJIS')",
    "copy (select 1) to stdout with (format csv, encoding 'gbk')",
    'select 1; set standard_conforming_strings = off',
  ])('may not change: %s', async (sql) => {
    expect((await bench.analyse(sql)).refusal?.code).toBe('unsupported')
  })

  it.each([
    'set standard_conforming_strings = on',
    "set client_encoding = 'UTF8'",
    "set names 'utf-8'",
    'set client_encoding to unicode',
    'reset client_encoding',
    'reset all',
    'discard all',
    "copy app.other to stdout (encoding 'UTF-8')",
  ])('may stay as it is: %s', async (sql) => {
    expect((await bench.analyse(sql)).refusal).toBeUndefined()
  })
})

test.each([
  ["set client_encoding = 'LATIN1'", 'LATIN1'],
  ["set names 'euc-jp'", 'euc-jp'],
  ['set client_encoding to sql_ascii', 'sql_ascii'],
])('an encoding that is offered is one that the session can follow: %s', async (sql, value) => {
  const { refusal, statements } = await bench.analyse(sql)
  expect(refusal).toBeUndefined()
  expect(statements[0]?.effects).toEqual([{ kind: 'set', name: 'client_encoding', value, isLocal: false }])
})

test.each(["copy app.other to stdout (encoding 'LATIN1')", "copy app.other from stdin encoding 'SJIS'"])(
  'rows may be copied in another encoding: %s',
  async (sql) => {
    expect((await bench.analyse(sql)).refusal).toBeUndefined()
  },
)

describe('a changed setting is named', () => {
  it.each([
    ['set search_path = a', 'search_path'],
    ['set transaction read write', 'transaction_read_only'],
    ['begin read write', 'transaction_read_only'],
    ['set session characteristics as transaction read write', 'transaction_read_only'],
    ["set time zone 'UTC'", 'timezone'],
    ["select set_config('role', 'x', false)", 'role'],
    ["select set_config(chr(114) || 'ole', 'x', false)", '?'],
    ['select set_config($1, $2, false)', '?'],
    ["select set_config(name, 'x', false) from pg_settings where name = 'work_mem'", 'work_mem'],
    ["select set_config(name, 'x', false) from pg_settings where name <> 'work_mem'", '?'],
    ["select set_config(name, 'x', false) from pg_settings where name = 'work_mem' or true", '?'],
    ["select set_config(name, 'x', false) from pg_settings, app.other where name = 'work_mem'", '?'],
    ["select set_config(name, 'x', false) from app.other where name = 'work_mem'", '?'],
    ["select (select set_config(name, 'x', false) from app.other) from pg_settings where name = 'a'", '?'],
    ["update pg_settings set setting = 'x' where name = 'role'", '?'],
    ['reset all', 'all'],
  ])('%s', async (sql, name) => {
    expect((await bench.one(sql)).facts.context.settings).toEqual([name])
  })

  it('by a computed name it counts as administration', async () => {
    expect((await bench.one('select set_config($1, $2, false)')).facts.actions).toContain('admin')
  })
})
