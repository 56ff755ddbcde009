import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stableFunctions, volatileFunctions } from './builtins.ts'
import { effectOf, isBuiltin, isReviewed } from './functions.ts'
import { Bench, objectsOf } from './testing/bench.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.create()
})
afterAll(() => bench[Symbol.asyncDispose]())

/** SQL, actions, functions, dynamic. */
const calls: readonly (readonly [sql: string, actions: string, functions: string, dynamic: boolean])[] = [
  ['select lower(note) from app.other', 'read', 'pg_catalog.lower', false],
  ['select pg_catalog.lower(note) from app.other', 'read', 'pg_catalog.lower', false],
  ['select "Lower"(1)', 'call,read', '?.Lower', true],
  ['select app.f_ssn(1)', 'read', 'app.f_ssn', true],
  ['select f_ssn(1)', 'call,read', '?.f_ssn', true],
  ['select nosuch(1)', 'call,read', '?.nosuch', true],
  ['select pg_temp.f()', 'call,read', 'pg_temp.f', true],
  ["select pg_read_file('x')", 'admin,read', 'pg_catalog.pg_read_file', false],
  [`select "pg_read_file"('x')`, 'admin,read', 'pg_catalog.pg_read_file', false],
  [`select U&"pg\\005Fread_file"('x')`, 'admin,read', 'pg_catalog.pg_read_file', false],
  ["select * from pg_ls_dir('.')", 'admin,read', 'pg_catalog.pg_ls_dir', false],
  ["select lo_export(1, 'x')", 'admin,read', 'pg_catalog.lo_export', false],
  ["select lo_import('x')", 'admin,read', 'pg_catalog.lo_import', false],
  ["select lo_from_bytea(0, 'x')", 'read,update', 'pg_catalog.lo_from_bytea', false],
  ['select pg_terminate_backend(1)', 'admin,read', 'pg_catalog.pg_terminate_backend', false],
  ['select pg_reload_conf()', 'admin,read', 'pg_catalog.pg_reload_conf', false],
  ["select * from dblink('x', 'y') as t(a text)", 'admin,call,read', '?.dblink', true],
  ["select public.dblink_exec('x')", 'admin,call,read', 'public.dblink_exec', true],
  ["select query_to_xml('select 1', true, true, '')", 'call,read', 'pg_catalog.query_to_xml', true],
  ["select database_to_xml(true, true, '')", 'call,read', 'pg_catalog.database_to_xml', true],
  ["select ts_stat('select 1')", 'call,read', 'pg_catalog.ts_stat', true],
  ["select * from crosstab('select 1') as t(a text)", 'call,read', '?.crosstab', true],
  ['select pg_sleep(1)', 'call,read', 'pg_catalog.pg_sleep', false],
  ["select pg_notify('a', 'b')", 'read,session', 'pg_catalog.pg_notify', false],
  ["select nextval('seq')", 'read,update', 'pg_catalog.nextval', false],
  ['select 1 from app.other where id = any(app.f_all())', 'read', 'app.f_all', true],
  ['select 1 from app.other order by pg_sleep(1)', 'call,read', 'pg_catalog.pg_sleep', false],
  [
    'update app.other set note = pg_read_file(note) where id = 1',
    'admin,update',
    'pg_catalog.pg_read_file',
    false,
  ],
  ['create index on app.other (pg_read_file(note))', 'admin,ddl', 'pg_catalog.pg_read_file', false],
  ["create table t (a text default pg_read_file('x'))", 'admin,ddl', 'pg_catalog.pg_read_file', false],
  ['select * from app.other tablesample bernoulli (1)', 'read', '', false],
  ['select * from app.other tablesample evil (1)', 'read', '', true],
  ['select 1 operator(pg_catalog.+) 1', 'read', '', false],
  ['select 1 operator(app.+) 1', 'read', '', true],
  [
    'select count(*), now(), current_user, extract(year from now())',
    'read',
    'pg_catalog.count,pg_catalog.extract,pg_catalog.now',
    false,
  ],
]

describe('calling a function', () => {
  it.each(calls)('%s', async (sql, actions, functions, isDynamic) => {
    const { facts } = await bench.one(sql)
    expect(facts.actions.join(',')).toBe(actions)
    expect(facts.context.functions).toEqual(functions === '' ? [] : functions.split(','))
    expect(facts.context.dynamic).toBe(isDynamic)
  })

  it('names a made overload in the search path, which may match better than the server’s own', async () => {
    const context = { ...bench.context, searchPath: ['app'] }
    const { facts } = await bench.analyzer.analyse("select replace('a', 'b', 'c')", context)
    expect(facts[0]?.context.functions).toEqual(['app.replace'])
    expect(facts[0]?.context.dynamic).toBe(true)
  })
})

describe('the list of the server’s functions', () => {
  it('leaves no volatile one without a verdict', () => {
    expect([...volatileFunctions].filter((name) => !isReviewed(name))).toEqual([])
  })

  it('knows the server’s own from an extension’s', () => {
    expect(stableFunctions.size).toBeGreaterThan(1500)
    expect(isBuiltin('lower')).toBe(true)
    expect(isBuiltin('dblink')).toBe(false)
    expect(effectOf('dblink')).toBe('admin')
    expect(effectOf('random')).toBeUndefined()
  })
})

describe('a function that people made does what its body does', () => {
  it.each([
    ['select app.purge()', 'delete,read', 'shop=delete'],
    ['select app.purge_by()', 'delete,read', 'shop=delete'],
    ['select app.spy()', 'admin,read', 'shop=admin'],
    ['select app.look()', 'read', ''],
    ['select app.loop()', 'insert,read', 'shop=insert'],
    ['select app.blind()', 'call,read', ''],
    ['select app.broken()', 'call,read', ''],
    ['select app.ping()', 'delete,read', 'shop=delete'],
    ['select app.pong()', 'delete,read', 'shop=delete'],
    ['select app.report()', 'read', ''],
    ['select app.log()', 'delete,read', 'shop=delete'],
    ['select app.log_up()', 'delete,read', 'shop=delete'],
    ['select app.counts()', 'call,read', ''],
    ['select app.puts_together()', 'call,read', ''],
    ['select app.escapes()', 'call,read', ''],
    ['select app.burns()', 'call,read', ''],
    ['select app.casts()', 'call,read', ''],
    ['select app.purging(id) from app.other', 'delete,read', 'shop.app.other=read shop=delete'],
    ["select 'a' operator(app.===) 'a'", 'read', ''],
    ["select 'a' operator(app.!!!) 'a'", 'call,read', ''],
    ["select 'a' !!! any (array['a'])", 'call,read', ''],
    ["select 'a'::badge", 'read', ''],
    ["select 'a'::ash", 'call,read', ''],
    ["select ash('a')", 'call,read', ''],
    ['select o.purge from app.other o', 'delete,read', 'shop.app.other=read shop=delete'],
    ['explain select app.purge()', 'read', ''],
    ['explain analyze select app.purge()', 'delete,read', 'shop=delete'],
    ['select app.f_ssn(1)', 'read', ''],
  ])('%s', async (sql, actions, objects) => {
    const { facts } = await bench.analyzer.analyse(sql, { ...bench.context, searchPath: ['app'] })
    expect(facts[0]!.actions.join(',')).toBe(actions)
    expect(objectsOf(facts[0]!)).toBe(objects)
    expect(facts[0]!.context.dynamic).toBe(true)
  })
})
