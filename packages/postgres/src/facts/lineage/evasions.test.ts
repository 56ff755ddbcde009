import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bench, outputsOf } from '../testing/bench.ts'

let strict: Bench
let lenient: Bench
beforeAll(async () => {
  strict = await Bench.create('strict')
  lenient = await Bench.create('lenient')
})
afterAll(async () => {
  await strict[Symbol.asyncDispose]()
  await lenient[Symbol.asyncDispose]()
})

/** SQL, outputs in either mode, and the tags that any column may carry where the columns are not known. */
const traced: readonly (readonly [what: string, sql: string, outputs: string, tags?: string])[] = [
  [
    'an output that is called as a system column is',
    'select xmin from (select upper(ssn) as xmin from app.customers) s',
    'xmin[~ssn]',
  ],
  [
    'the same by its table',
    'select s.ctid from (select upper(ssn) as ctid from app.customers) s',
    'ctid[~ssn]',
  ],
  ['a system column of a table', 'select ctid, c.tableoid from app.customers c', 'ctid tableoid'],
  [
    'a CTE that is named before it is written',
    'with recursive a as (select x from b), b as (select upper(ssn) as x from app.customers) select x from a',
    'x[~ssn]',
  ],
  [
    'three of them, backwards',
    'with recursive a as (select * from b), b as (select x from c), c(x) as (select concat(ssn) from app.customers) select * from a',
    'x[~ssn]',
  ],
  [
    'a recursive one that reads one behind it',
    "with recursive r(n, s) as (select 1, 'a' union all select n + 1, b.x from r, b where n < 3), b as (select upper(ssn) as x from app.customers) select s from r",
    's[~ssn]',
  ],
  [
    'one whose name an inner one takes',
    'with recursive a as (with b as (select 1 as x) select x from b), b as (select upper(ssn) as x from app.customers) select a.x, b.x from a, b',
    'x x[~ssn]',
  ],
  ['the columns of a row that a function gave', 'select (app.f_all()).*', 'unknown', 'email,ssn'],
  [
    'the columns of a row that went through a function in FROM',
    'select d.* from app.customers c, coalesce(c) d',
    'unknown',
    'email,ssn',
  ],
  [
    'columns behind those, whose places are not known',
    "select d.*, a.* from app.customers c, coalesce(c) d, json_each('{}') a",
    'unknown',
    'email,ssn',
  ],
  ['a function called as a column', 'select o.f_ssn from app.other o', 'f_ssn[~email,ssn]'],
  [
    'a function called as a column of a row in brackets',
    'select (o).f_ssn from app.other o',
    'f_ssn[~email,ssn]',
  ],
  ['an operator that somebody made', 'set search_path to app; select 1 === 2', '?column?[~email,ssn]'],
  ['an operator by its schema', 'select 1 operator(app.===) 2', '?column?[~email,ssn]'],
  [
    'an operator over rows',
    'select 1 operator(app.===) any (select id from app.other)',
    '?column?[~email,ssn]',
  ],
  ['a cast that somebody made', 'select 1::app.badge', 'badge[~email,ssn]'],
  [
    'pieces of large values',
    "select encode(chunk_data, 'hex') from pg_toast.pg_toast_20001",
    'encode[~email,ssn]',
  ],
  ['pieces of large values, by a path', 'select chunk_data from pg_toast_20001', 'chunk_data[~email,ssn]'],
  ['what files of the server hold', "select pg_read_file('base/1/1')", 'pg_read_file[~email,ssn]'],
  [
    'what the log of changes holds',
    "select data from pg_logical_slot_peek_changes('s', null, null)",
    'data[~email,ssn]',
  ],
]

describe('is followed by whatever name', () => {
  it.each(traced.map(([what, sql, outputs, tags]) => ({ what, sql, outputs, tags })))(
    '$what',
    async ({ sql, outputs, tags }) => {
      for (const bench of [strict, lenient]) {
        const { statements } = await bench.analyzer.analyse(sql, { ...bench.context, searchPath: ['app'] })
        const statement = statements.at(-1)!
        expect(outputsOf(statement.outputs)).toBe(outputs)
        expect(statement.tags.toSorted().join(',')).toContain(tags ?? '')
      }
    },
  )

  it.each([
    ['select percentile_disc(0) within group (order by ssn) from app.customers', 'percentile_disc[~ssn]'],
    ['select mode() within group (order by email) from app.customers', 'mode[~email]'],
    [
      "select (select row_to_json(t)::text from (select ssn from app.part) t) from unnest(array['a']) u",
      'row_to_json[~ssn]',
    ],
    ["select (select t from (select ssn from app.part) t) from unnest(array['a']) u", 't[~ssn]'],
    ['select (select c from app.customers c limit 1).ssn', 'ssn[~email,ssn]'],
  ])('%s', async (sql, outputs) => {
    expect(outputsOf((await lenient.one(sql)).statement.outputs)).toBe(outputs)
    expect((await strict.one(sql)).facts.exposes).not.toEqual([])
  })

  it('by the columns of a row that a sub-select gave', async () => {
    const sql = 'select (select c from app.customers c limit 1).*'
    const { facts, statement } = await lenient.one(sql)
    expect(facts.exposes).toEqual([])
    expect(statement).toMatchObject({ outputs: 'unknown', tags: ['email', 'ssn'] })
    expect((await strict.one(sql)).facts.exposes).toEqual(['email', 'ssn'])
  })

  it('into the OFFSET of an arm of a set operation', async () => {
    const sql =
      '(select 1 union all select 2 offset (select length(ssn) from app.customers limit 1)) union all select 3'
    expect((await strict.one(sql)).facts.exposes).toEqual(['ssn'])
  })
})

describe('cannot be written down by code that is called later', () => {
  it.each([
    'alter table app.other add column x text default app.f_ssn(1)',
    'alter table app.other alter column note set default app.f_ssn(1)',
    'alter table app.other alter column note type text using app.f_ssn(1)',
    'create table t (x text default app.f_ssn(1))',
    'create table t (x int check (1 operator(app.===) x))',
    'create index on app.other (app.f_ssn(id))',
    'create schema s create view v as select app.f_ssn(1)',
    'create rule r as on insert to app.other do also select app.f_ssn(1)',
    'create trigger t before insert on app.other execute function app.f_all()',
    'create domain d as text check (app.f_ssn(1) = value)',
    "create server s foreign data wrapper postgres_fdw options (host 'localhost')",
    "create foreign table t (ssn text) server s options (table_name 'customers')",
    'import foreign schema app from server s into mine',
    "alter system set session_preload_libraries = 'x'",
    "load 'x'",
    "copy app.other from '/var/lib/postgresql/15/main/base/1/1'",
    "copy app.other from program 'cat base/1/1'",
  ])('%s', async (sql) => {
    for (const bench of [strict, lenient])
      expect((await bench.one(sql)).facts.exposes).toEqual(['email', 'ssn'])
  })
})

describe('code that the text does not show is named', () => {
  it.each([
    ['select o.f_ssn from app.other o', 'app.f_ssn'],
    ['select (o).f_ssn from app.other o', 'app.f_ssn'],
  ])('%s', async (sql, name) => {
    const { facts } = await strict.analyzer.analyse(sql, { ...strict.context, searchPath: ['app'] })
    expect(facts[0]!.context.dynamic).toBe(true)
    expect(facts[0]!.context.functions).toContain(name)
  })

  it.each(['select 1 === 2', 'select 1::app.badge'])('%s', async (sql) => {
    const { facts } = await strict.analyzer.analyse(sql, { ...strict.context, searchPath: ['app'] })
    expect(facts[0]!.context.dynamic).toBe(true)
  })

  it.each([
    'pg_authid',
    'pg_shadow',
    'pg_hba_file_rules',
    'pg_file_settings',
    'pg_catalog.pg_ident_file_mappings',
  ])('reading %s is administration', async (relation) => {
    expect((await strict.one(`select * from ${relation}`)).facts.actions).toContain('admin')
  })
})
