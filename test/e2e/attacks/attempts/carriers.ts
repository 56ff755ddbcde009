import { attempts, type Group } from './attempt.ts'

const tables: Group = {
  by: 'another place for it',
  attempts: attempts('analyst', 'refused', {
    'INSERT … SELECT':
      'insert into app.other select 9, ssn from app.customers where id = 1; select note from app.other',
    'UPDATE of another column':
      'update app.customers set name = ssn where id = 1; select name from app.customers',
    'UPDATE by a sub-select':
      'update app.other set note = (select ssn from app.customers where id = 1) where id = 1',
    'UPDATE of two':
      'update app.customers set (name, email) = (select ssn, ssn from app.customers where id = 1) where id = 1',
    'UPDATE … FROM': 'update app.other o set note = c.ssn from app.customers c where c.id = o.id',
    'ON CONFLICT':
      'insert into app.other values (1) on conflict (id) do update set note = (select ssn from app.customers limit 1)',
    MERGE:
      'merge into app.other o using app.customers c on o.id = c.id when matched then update set note = c.ssn',
    'a CTE':
      'with x as (insert into app.other select 9, ssn from app.customers where id = 1 returning note) select note from x',
    'a temporary table': 'create temp table t as select ssn from app.customers; select * from t',
    'SELECT INTO': 'select ssn into t from app.customers',
    'SELECT INTO in the first arm':
      'select ssn into temp t from app.customers union all select note from app.other',
    'a table as EXECUTE': 'prepare p as select ssn from app.customers; create temp table t as execute p',
    'a view': 'create view app.v as select upper(ssn) as x from app.customers; select x from app.v',
    'a temporary view': 'create temp view v as select upper(ssn) as x from app.customers; select x from v',
    'a materialized view': 'create materialized view app.m as select ssn from app.customers',
    'a schema with a view in it':
      'create schema s create view v as select upper(ssn) as x from app.customers',
    'a new name for the column':
      'alter table app.customers rename column ssn to zz; select zz from app.customers; alter table app.customers rename column zz to ssn',
    'a new name for the table': 'alter table app.customers rename to zz',
    'another schema': 'alter table app.customers set schema public',
    'a column made of it': 'alter table app.customers add g text generated always as (reverse(ssn)) stored',
    'another type': 'alter table app.customers alter name type text using ssn',
    'a default that reads it': 'alter table app.other add column leaked text default app.f_ssn(1)',
    'a default for what comes': 'alter table app.other alter column note set default app.f_ssn(1)',
    'a conversion that reads it': 'alter table app.other alter column note type text using app.f_ssn(id)',
    'a table that defaults to it': 'create table app.t (x text default app.f_ssn(1))',
    'a table of its likeness': 'create table app.t (like app.customers including all)',
    'a child of it': 'create table app.t () inherits (app.customers)',
    'a partition of it': 'alter table app.other inherit app.customers',
    'an index of its parts': 'create unique index on app.customers (substr(ssn, 1, 3))',
    'a rule': 'create rule r as on insert to app.other do also select upper(ssn) from app.customers',
    'a policy': "create policy p on app.customers using (pg_notify('x', ssn) is null)",
    'statistics of it': 'create statistics app.s on ssn, name from app.customers',
    'COPY to a file': "copy (select ssn from app.customers) to '/tmp/x'",
    'COPY to a program': "copy (select ssn from app.customers) to program 'cat'",
    'COPY from a file': "copy app.other from '/etc/passwd'",
    'COPY from a program': "copy app.other from program 'psql'",
  }),
}

const code: Group = {
  by: 'code made on the spot',
  attempts: attempts('analyst', 'refused', {
    'a temporary function':
      "create function pg_temp.f() returns text language sql as 'select ssn from app.customers limit 1'; select pg_temp.f()",
    'a function with a body':
      'create function app.f() returns text begin atomic; select ssn from app.customers; end',
    'a function in place of another':
      "create or replace function app.cleanup(int) returns int language sql as 'select length(ssn) from app.customers limit 1'",
    'a procedure': 'create procedure app.p() language plpgsql as $$ begin null; end $$',
    'a trigger':
      'create trigger t after insert on app.other execute function suppress_redundant_updates_trigger()',
    'an event trigger': 'create event trigger t on ddl_command_start execute function app.f_all()',
    'an operator': 'create operator app.!!! (function = app.same, leftarg = text, rightarg = text)',
    'a cast': 'create cast (app.other as text) with function app.leak(app.other)',
    'an aggregate': 'create aggregate app.a (text) (sfunc = textcat, stype = text)',
    'a language': 'create language x',
    'an extension': 'create extension dblink',
    'a block': "do $$ begin execute 'create table app.t as select ssn from app.customers'; end $$",
    'a domain that checks by a function': 'create domain app.d as text check (app.f_ssn(1) = value)',
    'a setting of the database': "alter database shop set session_preload_libraries = 'x'",
    'a setting of the role': "alter role postgres set search_path = 'x'",
    'a library': "load 'auto_explain'",
    'a server to itself': "create server s foreign data wrapper postgres_fdw options (host '127.0.0.1')",
    'a foreign table': "create foreign table app.t (ssn text) server s options (table_name 'customers')",
    'a publication': 'create publication p for table app.customers',
    'a subscription': "create subscription s connection 'dbname=shop' publication p",
  }),
}

const channels: Group = {
  by: 'other channels than rows',
  attempts: [
    ...attempts('analyst', 'refused', {
      'a reported setting':
        "select set_config('application_name', ssn, false) from app.customers where id = 1",
      'a setting of its own':
        "select set_config('my.own', ssn, false) from app.customers where id = 1; show my.own",
      'a notification': "listen ch; select pg_notify('ch', ssn) from app.customers where id = 1",
      'the channel of a notification': "select pg_notify(ssn, '') from app.customers where id = 1",
      'a large object':
        "select lo_from_bytea(0, convert_to(string_agg(ssn, ','), 'UTF8')) from app.customers",
      'an advisory lock': 'select pg_advisory_xact_lock(length(ssn)) from app.customers where id = 1',
      'the place of a sequence': "select setval('s', length(ssn)) from app.customers where id = 1",
      'a seed': 'select setseed(length(ssn) / 100.0) from app.customers where id = 1',
      'the name of a cursor': "select query_to_xml(ssn, true, true, '') from app.customers",
      'a message in the log of changes': "select pg_logical_emit_message(false, 'x', ssn) from app.customers",
      'a comment computed':
        "do $$ begin execute format('comment on table app.other is %L', (select ssn from app.customers limit 1)); end $$",
    }),
    ...attempts('analyst', 'hidden', {
      'samples of ANALYZE': "select histogram_bounds::text from pg_stats where tablename = 'customers'",
      'samples of ANALYZE as they are': 'select most_common_vals, histogram_bounds from pg_stats',
      'samples in the catalogue': 'select stavalues1, stavalues2 from pg_statistic',
      'samples of statistics': 'select * from pg_stats_ext',
      'statements of others': 'select query from pg_stat_activity',
      'statements of others by a function': 'select query from pg_stat_get_activity(null)',
      'the row of an activity': 'select a from pg_stat_activity a',
      'pieces of large values': `select chunk_data from pg_toast.pg_toast_LARGE`,
      'pieces of large values as text': `select encode(chunk_data, 'escape') from pg_toast.pg_toast_LARGE`,
      'pieces by a path': `set search_path to pg_toast; select convert_from(chunk_data, 'UTF8') from pg_toast_LARGE`,
      'the file of the table':
        "select encode(pg_read_binary_file(pg_relation_filepath('app.customers')), 'escape')",
      'the files of a directory': "select pg_ls_dir('.')",
      'large objects as a table': "select convert_from(data, 'UTF8') from pg_largeobject",
      'large objects by a function': 'select lo_get(4711)',
      dblink: "select * from dblink('dbname=shop', 'select ssn from app.customers') as t(s text)",
      'a plan of a function that is said to be immutable': "explain verbose select app.same('a', 'b')",
      'a cursor of a function': 'begin; select app.rc(); fetch all in myrc; commit',
    }),
    ...attempts('analyst', 'passes', {
      'a plan of what is shown': 'explain (verbose, generic_plan false) select 1 as nothing'.replace(
        ', generic_plan false',
        '',
      ),
      'a plan without its values': 'explain (analyze false) select ssn from app.customers',
      'a plan as XML': 'explain (format xml, verbose) select ssn from app.customers',
    }),
  ],
}

export const byCarriers: readonly Group[] = [tables, code, channels]
