import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bench, objectsOf } from './testing/bench.ts'
import { statementTable } from './statements.ts'
import { actions } from '../vocabulary.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.create()
})
afterAll(() => bench[Symbol.asyncDispose]())

/** SQL, kind, actions, objects. */
const statements: readonly (readonly [sql: string, kind: string, actions: string, objects: string])[] = [
  ['select 1', 'select', 'read', ''],
  ['values (1)', 'select', 'read', ''],
  ['table app.other', 'select', 'read', 'shop.app.other=read'],
  ['select * from orders', 'select', 'read', 'shop.public.orders=read'],
  ['select * from "orders"', 'select', 'read', 'shop.public.orders=read'],
  ['select * from ORDERS', 'select', 'read', 'shop.public.orders=read'],
  ['select * from "ORDERS"', 'select', 'read', 'shop.?.ORDERS=read'],
  ['select * from pg_class', 'select', 'read', 'shop.pg_catalog.pg_class=read'],
  ['select * from nosuch', 'select', 'read', 'shop.?.nosuch=read'],
  ['select * from app.nosuch', 'select', 'read', 'shop.app.nosuch=read'],
  ['select * from other_db.app.other', 'select', 'read', 'shop.app.other=read'],
  [
    'select (select 1 from orders), 2 from app.other',
    'select',
    'read',
    'shop.app.other=read shop.public.orders=read',
  ],
  [
    'select 1 from app.other where id in (select id from orders)',
    'select',
    'read',
    'shop.app.other=read shop.public.orders=read',
  ],
  ['with orders as (select 1) select * from orders', 'select', 'read', ''],
  ['with orders as (select * from orders) select * from orders', 'select', 'read', 'shop.public.orders=read'],
  [
    'with recursive orders as (select 1 union all select * from orders) select * from orders',
    'select',
    'read',
    '',
  ],
  [
    'with a as (select 1), b as (select * from a) select * from b, orders',
    'select',
    'read',
    'shop.public.orders=read',
  ],
  [
    'select * from (with orders as (select 1) select 2) x, orders',
    'select',
    'read',
    'shop.public.orders=read',
  ],
  [
    'select * from orders union select * from app.other',
    'select',
    'read',
    'shop.app.other=read shop.public.orders=read',
  ],
  [
    'with d as (delete from app.other where id = 1 returning *) select count(*) from d',
    'select',
    'delete,read',
    'shop.app.other=delete,read',
  ],
  ['with i as (insert into app.other values (1)) select 1', 'select', 'insert,read', 'shop.app.other=insert'],
  [
    'with a as (with b as (update app.other set id = 1 where id = 2 returning 1) select * from b) select * from a',
    'select',
    'read,update',
    'shop.app.other=read,update',
  ],
  ['select 1 into fresh', 'select', 'ddl,read', 'shop.public.fresh=ddl'],
  ['select * from app.other for update', 'select', 'read', 'shop.app.other=read'],
  ['insert into app.other values (1)', 'insert', 'insert', 'shop.app.other=insert'],
  ['insert into app.other default values', 'insert', 'insert', 'shop.app.other=insert'],
  [
    'insert into app.other select id from orders',
    'insert',
    'insert,read',
    'shop.app.other=insert shop.public.orders=read',
  ],
  [
    'insert into app.other values (1) on conflict (id) do update set note = excluded.note',
    'insert',
    'insert',
    'shop.app.other=insert',
  ],
  ['insert into app.other values (1) returning id', 'insert', 'insert,read', 'shop.app.other=insert,read'],
  ['update app.other set note = 1 where id = 1', 'update', 'update', 'shop.app.other=update'],
  [
    'update app.other set note = o.id from orders o where o.id = app.other.id',
    'update',
    'read,update',
    'shop.app.other=update shop.public.orders=read',
  ],
  ['delete from app.other where id = 1', 'delete', 'delete', 'shop.app.other=delete'],
  [
    'delete from app.other using orders where other.id = orders.id',
    'delete',
    'delete,read',
    'shop.app.other=delete shop.public.orders=read',
  ],
  [
    'merge into app.other t using orders s on t.id = s.id when matched then delete when not matched then insert values (1)',
    'merge',
    'delete,insert,read',
    'shop.app.other=delete,insert shop.public.orders=read',
  ],
  [
    'merge into app.other t using orders s on t.id = s.id when matched then do nothing',
    'merge',
    'read',
    'shop.app.other=read shop.public.orders=read',
  ],
  ['truncate app.other, orders', 'truncate', 'delete', 'shop.app.other=delete shop.public.orders=delete'],
  ['copy app.other to stdout', 'copy_to', 'read', 'shop.app.other=read'],
  ['copy app.other from stdin', 'copy_from', 'insert', 'shop.app.other=insert'],
  ["copy app.other to '/tmp/x'", 'copy_to', 'admin,read', 'shop.app.other=read'],
  ["copy app.other from '/tmp/x'", 'copy_from', 'admin,insert', 'shop.app.other=insert'],
  ["copy app.other to program 'x'", 'copy_to', 'copy_program,read', 'shop.app.other=read'],
  ["copy app.other from program 'x'", 'copy_from', 'copy_program,insert', 'shop.app.other=insert'],
  ['copy (select * from orders) to stdout', 'copy_to', 'read', 'shop.public.orders=read'],
  [
    'copy (delete from orders where id = 1 returning *) to stdout',
    'copy_to',
    'delete,read',
    'shop.public.orders=delete,read',
  ],
  ['explain delete from app.other', 'explain', 'read', 'shop.app.other=read'],
  ['explain analyze delete from app.other where id = 1', 'explain', 'delete', 'shop.app.other=delete'],
  ['explain (analyze) select 1', 'explain', 'read', ''],
  [
    'explain (analyze off, analyze on) delete from app.other where id = 1',
    'explain',
    'delete',
    'shop.app.other=delete',
  ],
  ['explain (analyze on, analyze off) delete from app.other', 'explain', 'read', 'shop.app.other=read'],
  ['explain (analyze 0) delete from app.other', 'explain', 'read', 'shop.app.other=read'],
  ['explain (analyze 1) delete from app.other where id = 1', 'explain', 'delete', 'shop.app.other=delete'],
  ['explain analyze create table x as select 1', 'explain', 'ddl', 'shop.public.x=ddl'],
  ['explain analyze execute p', 'explain', 'session', ''],
  ['prepare p as delete from app.other where id = 1', 'prepare', 'delete,session', 'shop.app.other=delete'],
  ['execute p(1)', 'execute', 'session', ''],
  ['deallocate p', 'deallocate', 'session', ''],
  ['declare c cursor for select * from orders', 'declare', 'read,session', 'shop.public.orders=read'],
  ['fetch 1 from c', 'fetch', 'session', ''],
  ['move 1 in c', 'fetch', 'session', ''],
  ['close c', 'close', 'session', ''],
  ['discard all', 'discard', 'session', ''],
  ['set statement_timeout = 1', 'set', 'session', ''],
  ['set role x', 'set', 'admin,session', ''],
  ['reset role', 'set', 'admin,session', ''],
  ['set role none', 'set', 'admin,session', ''],
  ['set session authorization x', 'set', 'admin,session', ''],
  ['reset session authorization', 'set', 'admin,session', ''],
  ['set local "ROLE" = x', 'set', 'admin,session', ''],
  ['set session_replication_role = replica', 'set', 'admin,session', ''],
  ['show all', 'show', 'session', ''],
  ['set constraints all deferred', 'set_constraints', 'session', ''],
  ['listen c', 'listen', 'session', ''],
  ['unlisten *', 'unlisten', 'session', ''],
  ["notify c, 'x'", 'notify', 'session', ''],
  ['lock app.other', 'lock', 'session', 'shop.app.other=session'],
  ['begin', 'transaction', 'transaction', ''],
  ['start transaction read only', 'transaction', 'transaction', ''],
  ['commit and chain', 'transaction', 'transaction', ''],
  ['rollback to savepoint s', 'transaction', 'transaction', ''],
  ["prepare transaction 'x'", 'transaction', 'admin,transaction', ''],
  ["commit prepared 'x'", 'transaction', 'admin,transaction', ''],
  ['call p(1)', 'call', 'call', ''],
  ["do 'begin end'", 'do', 'call', ''],
  [
    'create table t (id int references orders)',
    'create_table',
    'ddl',
    'shop.public.orders=ddl shop.public.t=ddl',
  ],
  ['create table app.t (like app.other)', 'create_table', 'ddl', 'shop.app.other=ddl shop.app.t=ddl'],
  ['create temp table t (id int)', 'create_table', 'ddl', 'shop.pg_temp.t=ddl'],
  [
    'create table t as select * from orders',
    'create_table_as',
    'ddl,read',
    'shop.public.orders=read shop.public.t=ddl',
  ],
  [
    'create materialized view t as select * from orders',
    'create_materialized_view',
    'ddl,read',
    'shop.public.orders=read shop.public.t=ddl',
  ],
  ['create table t as execute p', 'create_table_as', 'ddl,session', 'shop.public.t=ddl'],
  ['create foreign table t (id int) server s', 'create_foreign_table', 'ddl', 'shop.public.t=ddl'],
  [
    'create view t as select * from orders',
    'create_view',
    'ddl,read',
    'shop.public.orders=read shop.public.t=ddl',
  ],
  ['refresh materialized view app.mv', 'refresh_materialized_view', 'ddl', 'shop.app.mv=ddl'],
  ['create index on app.other (id)', 'create_index', 'ddl', 'shop.app.other=ddl'],
  ['reindex table app.other', 'reindex', 'ddl', 'shop.app.other=ddl'],
  ['cluster app.other', 'cluster', 'ddl', 'shop.app.other=ddl'],
  ['create sequence s', 'create_sequence', 'ddl', 'shop.public.s=ddl'],
  ['alter sequence seq restart', 'alter_sequence', 'ddl', 'shop.public.seq=ddl'],
  ['create schema s create table t (id int)', 'create_schema', 'ddl', 'shop.public.t=ddl shop.s=ddl'],
  ['alter table app.other add x int', 'alter_table', 'ddl', 'shop.app.other=ddl'],
  ['alter table all in tablespace a set tablespace b', 'alter_table_move', 'ddl', ''],
  ['alter table app.other rename to x', 'rename', 'ddl', 'shop.app.other=ddl'],
  ['alter table app.other set schema public', 'set_schema', 'ddl', 'shop.app.other=ddl'],
  ['alter index i depends on extension e', 'depends_on_extension', 'ddl', 'shop.?.i=ddl'],
  ['drop table app.other, orders', 'drop', 'ddl', 'shop.app.other=ddl shop.public.orders=ddl'],
  ['drop schema app cascade', 'drop', 'ddl', 'shop.app=ddl'],
  ['drop function app.f_ssn(int)', 'drop', 'ddl', 'shop.app.f_ssn=ddl'],
  ['drop trigger t on app.other', 'drop', 'ddl', 'shop.app.other=ddl'],
  ["comment on column app.other.note is 'x'", 'comment', 'ddl', 'shop.app.other=ddl'],
  [
    'create rule r as on insert to app.other do instead delete from orders where id = 1',
    'create_rule',
    'ddl,delete',
    'shop.app.other=ddl shop.public.orders=delete',
  ],
  [
    'create trigger t after insert on app.other execute function f()',
    'create_trigger',
    'ddl',
    'shop.app.other=ddl',
  ],
  ['create policy p on app.other using (true)', 'create_policy', 'ddl', 'shop.app.other=ddl'],
  ['alter policy p on app.other using (true)', 'alter_policy', 'ddl', 'shop.app.other=ddl'],
  ["create function f() returns int language sql as 'select 1'", 'create_function', 'ddl', ''],
  [
    'create procedure f() begin atomic delete from orders where id = 1; end',
    'create_function',
    'ddl,delete',
    'shop.public.orders=delete',
  ],
  ['alter function f() volatile', 'alter_function', 'ddl', ''],
  ['create aggregate a(int) (sfunc = f, stype = int)', 'create_definition', 'ddl', ''],
  ['create operator + (function = f)', 'create_definition', 'ddl', ''],
  ['create domain d as int', 'create_domain', 'ddl', ''],
  ['alter domain d set not null', 'alter_domain', 'ddl', ''],
  ['create type t as (a int)', 'create_type', 'ddl', 'shop.public.t=ddl'],
  ["create type t as enum ('a')", 'create_type', 'ddl', ''],
  ['create type t as range (subtype = int)', 'create_type', 'ddl', ''],
  ["alter type t add value 'b'", 'alter_type', 'ddl', ''],
  ['alter type t set (receive = f)', 'alter_type', 'ddl', ''],
  ['alter collation c refresh version', 'alter_collation', 'ddl', ''],
  ['create statistics s on id, note from app.other', 'create_statistics', 'ddl', 'shop.app.other=ddl'],
  ['alter statistics s set statistics 1', 'alter_statistics', 'ddl', ''],
  ['alter operator + (int, int) set (restrict = none)', 'alter_operator', 'ddl', ''],
  ['create operator class c for type int using btree as operator 1 <', 'create_operator_class', 'ddl', ''],
  ['create operator family f using btree', 'create_operator_family', 'ddl', ''],
  ['alter operator family f using btree drop operator 1 (int, int)', 'alter_operator_family', 'ddl', ''],
  [
    'alter text search configuration c add mapping for word with simple',
    'alter_text_search_configuration',
    'ddl',
    '',
  ],
  ['alter text search dictionary d (stopwords = x)', 'alter_text_search_dictionary', 'ddl', ''],
  ['grant select on app.other to x', 'grant', 'grant', 'shop.app.other=grant'],
  ['revoke all on app.other from x', 'grant', 'grant', 'shop.app.other=grant'],
  ['grant r to x', 'grant_role', 'grant', ''],
  ['alter default privileges grant select on tables to x', 'alter_default_privileges', 'grant', ''],
  ['alter view app.v_cust owner to x', 'alter_table', 'ddl', 'shop.app.v_cust=ddl'],
  ['alter schema app owner to x', 'alter_owner', 'grant', ''],
  ['reassign owned by x to y', 'reassign_owned', 'grant', ''],
  ['drop owned by x', 'drop_owned', 'ddl,grant', ''],
  ['create role x', 'create_role', 'admin,grant', ''],
  ['alter role x superuser', 'alter_role', 'admin,grant', ''],
  ['alter role x set a.b = 1', 'alter_role_set', 'admin,session', ''],
  ['drop role x', 'drop_role', 'admin,grant', ''],
  ['create extension x', 'create_extension', 'admin,ddl', ''],
  ['alter extension x update', 'alter_extension', 'admin,ddl', ''],
  ['alter extension x add table app.other', 'alter_extension', 'admin,ddl', ''],
  ['create language x', 'create_extension', 'admin,ddl', ''],
  ['create language x handler y', 'create_language', 'admin,ddl', ''],
  ['create cast (int as text) without function', 'create_cast', 'admin,ddl', ''],
  ["create conversion c for 'a' to 'b' from f", 'create_conversion', 'admin,ddl', ''],
  [
    'create transform for int language sql (from sql with function f(internal))',
    'create_transform',
    'admin,ddl',
    '',
  ],
  ['create access method m type index handler h', 'create_access_method', 'admin,ddl', ''],
  ['create event trigger t on ddl_command_end execute function f()', 'create_event_trigger', 'admin,ddl', ''],
  ['alter event trigger t disable', 'alter_event_trigger', 'admin,ddl', ''],
  ['create foreign data wrapper w', 'create_foreign_data_wrapper', 'admin,ddl', ''],
  ["alter foreign data wrapper w options (a 'b')", 'alter_foreign_data_wrapper', 'admin,ddl', ''],
  ['create server s foreign data wrapper w', 'create_server', 'admin,ddl', ''],
  ["alter server s version '1'", 'alter_server', 'admin,ddl', ''],
  ['create user mapping for x server s', 'create_user_mapping', 'admin,ddl', ''],
  ["alter user mapping for x server s options (a 'b')", 'alter_user_mapping', 'admin,ddl', ''],
  ['drop user mapping for x server s', 'drop_user_mapping', 'admin,ddl', ''],
  ['import foreign schema a from server s into b', 'import_foreign_schema', 'admin,ddl', ''],
  ['create publication p for table app.other', 'create_publication', 'admin,ddl', 'shop.app.other=admin,ddl'],
  ['alter publication p add table app.other', 'alter_publication', 'admin,ddl', 'shop.app.other=admin,ddl'],
  ["create subscription s connection 'x' publication p", 'create_subscription', 'admin,ddl', ''],
  ['alter subscription s disable', 'alter_subscription', 'admin,ddl', ''],
  ['drop subscription s', 'drop_subscription', 'admin,ddl', ''],
  ["create tablespace t location '/x'", 'create_tablespace', 'admin,ddl', ''],
  ['drop tablespace t', 'drop_tablespace', 'admin,ddl', ''],
  ['alter tablespace t set (a = 1)', 'alter_tablespace', 'admin,ddl', ''],
  ['create database d', 'create_database', 'admin,ddl', ''],
  ['drop database d', 'drop_database', 'admin,ddl', ''],
  ['alter database d connection limit 1', 'alter_database', 'admin,ddl', ''],
  ['alter database d refresh collation version', 'alter_database', 'admin,ddl', ''],
  ['alter database d set a.b = 1', 'alter_database_set', 'admin,session', ''],
  ["security label on table app.other is 'x'", 'security_label', 'admin,ddl', ''],
  ['alter system set x = 1', 'alter_system', 'admin,session', ''],
  ["load 'x'", 'load', 'admin', ''],
  ['checkpoint', 'checkpoint', 'admin', ''],
  ['vacuum app.other', 'vacuum', 'admin', 'shop.app.other=admin'],
  ['analyze', 'vacuum', 'admin', ''],
  ['selec 1', 'unparsed', 'unparsed', ''],
  ['select 1 from', 'unparsed', 'unparsed', ''],
]

describe('what a statement does', () => {
  it.each(statements)('%s', async (sql, kind, expected, objects) => {
    const { facts, statement } = await bench.one(sql)
    expect(statement.kind).toBe(kind)
    expect(facts.actions.join(',')).toBe(expected)
    expect(objectsOf(facts)).toBe(objects)
  })

  it('is told for every type of statement that the grammar knows', async () => {
    const seen = new Set<string>()
    for (const [sql] of statements) {
      const outcome = await bench.parser.parse(sql)
      if (outcome.kind === 'tree')
        for (const node of outcome.statements) for (const type of Object.keys(node)) seen.add(type)
    }
    expect(Object.keys(statementTable).filter((type) => !seen.has(type))).toEqual([])
  })

  it('uses only actions of the vocabulary', async () => {
    const known = new Set(actions.map((action) => action.name))
    for (const [sql] of statements)
      for (const action of (await bench.one(sql)).facts.actions) expect(known).toContain(action)
  })
})

describe('a text', () => {
  it.each(['', ';', ' ;; ', '-- nothing', '/* nothing /* at */ all */'])(
    'without statements has no facts: %j',
    async (text) => {
      expect(await bench.analyse(text)).toEqual({ facts: [], statements: [] })
    },
  )

  it('of several statements has facts for each', async () => {
    const { statements: several } = await bench.analyse('select 1; truncate app.other; begin')
    expect(several.map((one) => one.kind)).toEqual(['select', 'truncate', 'transaction'])
  })

  it('ends a comment where the server does', async () => {
    const { statements: several } = await bench.analyse('select 1 -- \r; truncate app.other')
    expect(several.map((one) => one.kind)).toEqual(['select', 'truncate'])
  })

  it('is one literal where the server reads one', async () => {
    const { statements: several } = await bench.analyse(`select E'\\'; truncate app.other; --'`)
    expect(several.map((one) => one.kind)).toEqual(['select'])
  })
})
