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

const customers = 'id name email[email] ssn[ssn] salary born data acct'

/** SQL, its outputs. Shown as they are or through a total function: neither mode objects. */
const shown: readonly (readonly [sql: string, outputs: string])[] = [
  ['select ssn from app.customers', 'ssn[ssn]'],
  ['select ssn as id from app.customers', 'id[ssn]'],
  ['select (ssn) from app.customers', 'ssn[ssn]'],
  ['select "ssn" from app.customers', 'ssn[ssn]'],
  [`select u&"\\0073sn" from app.customers`, 'ssn[ssn]'],
  ['select SSN from APP.Customers', 'ssn[ssn]'],
  ['select customers.ssn from app.customers', 'ssn[ssn]'],
  ['select app.customers.ssn from app.customers', 'ssn[ssn]'],
  ['select c.ssn from app.customers c', 'ssn[ssn]'],
  ['select (c).ssn from app.customers c', 'ssn[ssn]'],
  ['select x from app.customers as c(a, b, d, x)', 'x[ssn]'],
  ['select * from app.customers', customers],
  ['select c.* from app.customers c', customers],
  ['select (c).* from app.customers c', customers],
  ['select c.*, o.note from app.customers c, app.other o', `${customers} note`],
  ['table app.customers', customers],
  ['select id, name from app.customers', 'id name'],
  ['select ctid, xmin from app.customers', 'ctid xmin'],
  ['select s.q from (select ssn as q from app.customers) s', 'q[ssn]'],
  ['select * from (select * from app.customers) s', customers],
  ['select s.b from (select id, ssn from app.customers) s(a, b)', 'b[ssn]'],
  ['with c as (select * from app.customers) select * from c', customers],
  ['with c as materialized (select ssn from app.customers) select ssn from c', 'ssn[ssn]'],
  ['with c(x) as (select ssn from app.customers) select x from c', 'x[ssn]'],
  ['with customers as (select 1 as ssn) select ssn from customers', 'ssn'],
  ['with a as (select ssn from app.customers), b as (select * from a) select * from b', 'ssn[ssn]'],
  [
    'with recursive t(n, s) as (select 1, ssn from app.customers union all select n + 1, s from t where n < 3) select * from t',
    'n s[~ssn]',
  ],
  [
    'with recursive t(a, b, c) as (select 1, 2, ssn from app.customers union all select b, c, a from t) select * from t',
    'a[~ssn] b[~ssn] c[~ssn]',
  ],
  ['with d as (delete from app.customers where id = 1 returning ssn) select * from d', 'ssn[ssn]'],
  ['select l.z from app.customers c, lateral (select c.ssn as z) l', 'z[ssn]'],
  ['select (select ssn from app.customers limit 1)', 'ssn[~ssn]'],
  ['select (select c.ssn) from app.customers c', 'ssn[~ssn]'],
  ['values (1, (select ssn from app.customers limit 1))', 'column1 column2[~ssn]'],
  ["select ssn from app.customers union all select 'x'", 'ssn[~ssn]'],
  ["select 'x' as a union all select ssn from app.customers", 'a[~ssn]'],
  ['select id from app.customers union all select id from app.other', 'id'],
  ['(select ssn from app.customers limit 1) union all (select note from app.other)', 'ssn[~ssn]'],
  ['select * from app.customers join app.other using (id)', `${customers} note`],
  ['select * from app.customers natural join app.other', `${customers} note`],
  ['select j.ssn from (app.customers join app.other using (id)) j', 'ssn[ssn]'],
  ['select * from app.customers c left join app.other o on c.id = o.id', `${customers} id note`],
  ['select ssn from app.child', 'ssn[ssn]'],
  ['select ssn from only app.customers', 'ssn[ssn]'],
  ['select * from app.part1', 'ssn[ssn] id'],
  ['select * from app.part', 'id ssn[ssn]'],
  ['select * from app.v_cust', 'id name ssn[ssn]'],
  ['select code from app.v_renamed', 'code[ssn]'],
  ['select code from app.mv', 'code[ssn]'],
  ['select * from app.v_nested', 'up[~ssn] id'],
  ['select * from app.v_fn', 'x[~email,ssn] one'],
  ['select * from app.v_stats', 'tablename h[~email,ssn]'],
  ['select * from app.v_locked', 'x[~email,ssn]'],
  ['select query from pg_stat_activity', 'query[~email,ssn]'],
  ['select histogram_bounds from pg_stats', 'histogram_bounds[~email,ssn]'],
  ["select tablename from pg_stats where tablename = 'x'", 'tablename'],
  ['select upper(ssn), lower(email) from app.customers', 'upper[~ssn] lower[~email]'],
  ['select pg_catalog.upper(ssn) from app.customers', 'upper[~ssn]'],
  ['select substring(ssn from 1 for 3) from app.customers', 'substring[~ssn]'],
  ["select replace(ssn, '-', '') from app.customers", 'replace[~ssn]'],
  ['select concat(ssn, email) from app.customers', 'concat[~ssn,email]'],
  ["select coalesce(ssn, '') from app.customers", 'coalesce[~ssn]'],
  ['select length(ssn), md5(ssn) from app.customers', 'length[~ssn] md5[~ssn]'],
  ['select trim(both from ssn) from app.customers', 'btrim[~ssn]'],
  ['select ssn::text, email::varchar from app.customers', 'ssn[~ssn] email[~email]'],
  ['select ssn collate "C" from app.customers', 'ssn[~ssn]'],
  ["insert into app.customers (ssn) values ('x') returning ssn, id", 'ssn[ssn] id'],
  ['insert into app.customers (ssn) select ssn from app.customers returning id', 'id'],
  ["update app.customers set name = 'x' where id = 1 returning *", customers],
  ["update app.customers set name = 'x' where id = 1 returning old.ssn, new.email", 'ssn[ssn] email[email]'],
  ["update app.customers set name = 'x' where id = 1 returning with (old as o) o.ssn", 'ssn[ssn]'],
  ['delete from app.customers where id = 1 returning ssn as x', 'x[ssn]'],
  ['delete from app.other o using app.customers c where o.id = c.id returning *', `id note ${customers}`],
  [
    'merge into app.customers c using (values (1)) v(i) on c.id = v.i when matched then update set name = name returning c.ssn',
    'ssn[ssn]',
  ],
  ['select app.f_ssn(1)', 'f_ssn[~email,ssn]'],
  ['select nosuch(id) from app.other', 'nosuch[~email,ssn]'],
  ['select * from app.f_all() as f(a, b)', 'unknown'],
  ["select s from dblink('x', 'y') as t(s text)", 's[~email,ssn]'],
  ["select database_to_xml(true, true, '')", 'database_to_xml[~email,ssn]'],
  ['select lo_get(1)', 'lo_get[~email,ssn]'],
  ['select g from generate_series(1, 2) g', 'g'],
  ['select * from generate_series(1, 2) with ordinality', 'generate_series ordinality'],
  ['select * from json_each($1)', 'key value'],
  ['select * from unnest($1::int[])', 'unknown'],
  ["select 'a' || 'b', 1 + 1, now()", '?column? ?column? now'],
  ['select nosuch from app.customers', 'nosuch[~email,ssn]'],
  ['select ſsn from app.customers', 'ſsn[~email,ssn]'],
  ['select x from nosuch', 'x'],
]

/** SQL, outputs, what strict mode says is exposed. Lenient masks the outputs and objects to nothing. */
const computed: readonly (readonly [sql: string, outputs: string, exposes: string])[] = [
  ['select c from app.customers c', 'c[~email,ssn]', 'email,ssn'],
  ['select row_to_json(c) from app.customers c', 'row_to_json[~email,ssn]', 'email,ssn'],
  ["select to_jsonb(c) ->> 'ssn' from app.customers c", '?column?[~email,ssn]', 'email,ssn'],
  ['select row(c.*) from app.customers c', 'row[~email,ssn]', 'email,ssn'],
  ['select array_agg(c) from app.customers c', 'array_agg[~email,ssn]', 'email,ssn'],
  ["select ssn || 'x' from app.customers", '?column?[~ssn]', 'ssn'],
  ['select ssn::int from app.customers', 'ssn[~ssn]', 'ssn'],
  ['select ssn::varchar(3) from app.customers', 'ssn[~ssn]', 'ssn'],
  ["select format('%s', ssn) from app.customers", 'format[~ssn]', 'ssn'],
  ["select encode(convert_to(ssn, 'UTF8'), 'hex') from app.customers", 'encode[~ssn]', 'ssn'],
  ['select ascii(substr(ssn, n, 1)) from app.customers, generate_series(1, 11) n', 'ascii[~ssn]', 'ssn'],
  ["select substring(ssn from '^9') from app.customers", 'substring[~ssn]', 'ssn'],
  ['select coalesce(ssn, name) from app.customers', 'coalesce[~ssn]', 'ssn'],
  ["select case when ssn like '9%' then 1 end from app.customers", 'case[~ssn]', 'ssn'],
  ["select ssn = 'x' from app.customers", '?column?[~ssn]', 'ssn'],
  ['select ssn is null from app.customers', '?column?[~ssn]', 'ssn'],
  ['select count(ssn), max(email) from app.customers', 'count[~ssn] max[~email]', 'email,ssn'],
  ['select string_agg(ssn, $1) from app.customers', 'string_agg[~ssn]', 'ssn'],
  ['select array(select ssn from app.customers)', 'array[~ssn]', 'ssn'],
  ['select array[ssn] from app.customers', 'array[~ssn]', 'ssn'],
  ["select json_build_object('x', ssn) from app.customers", 'json_build_object[~ssn]', 'ssn'],
  ["select json_object('x': ssn) from app.customers", 'json_object[~ssn]', 'ssn'],
  ['select value from app.customers c, jsonb_each_text(to_jsonb(c))', 'value[~email,ssn]', 'email,ssn'],
  [
    "select x.v from app.customers, xmltable('/r' passing xmlelement(name r, ssn) columns v text path '.') x",
    'v[~ssn]',
    'ssn',
  ],
  ["select string_to_table(ssn, '-') from app.customers", 'string_to_table[~ssn]', 'ssn'],
  ['select app.f_ssn(ssn) from app.customers', 'f_ssn[~ssn,email]', 'ssn'],
  ['select lag(ssn) over (order by id) from app.customers', 'lag[~ssn]', 'ssn'],
  ['select ssn(c) from app.customers c', 'ssn[~email,ssn]', 'email,ssn'],
  ['select distinct ssn from app.customers', 'ssn[ssn]', 'ssn'],
  ['select ssn from app.customers group by ssn', 'ssn[ssn]', 'ssn'],
  ['select ssn as a from app.customers order by a', 'a[ssn]', 'ssn'],
  ['select ssn from app.customers order by 1', 'ssn[ssn]', 'ssn'],
  ['select ssn from app.customers union select note from app.other', 'ssn[~ssn]', 'ssn'],
  ['select ssn from app.customers except select note from app.other', 'ssn[~ssn]', 'ssn'],
  ['select id from app.customers order by ssn', 'id', 'ssn'],
  ["select id from app.customers where ssn = 'x'", 'id', 'ssn'],
  ["select id from app.customers where name = 'y' and (id = 1 or email like 'a%')", 'id', 'email'],
  ['select a.id from app.customers a join app.customers b on a.ssn = b.ssn', 'id', 'ssn'],
  ['select a.id from app.customers a join app.customers b using (ssn)', 'id', 'ssn'],
  ['select a.id from app.customers a natural join app.part b', 'id', 'ssn'],
  ['select id from app.customers group by id, ssn', 'id', 'ssn'],
  ['select id from app.customers group by rollup (id, ssn)', 'id', 'ssn'],
  ["select id from app.customers group by id having max(ssn) > 'x'", 'id', 'ssn'],
  ['select distinct on (ssn) id from app.customers', 'id', 'ssn'],
  ['select row_number() over (order by ssn) from app.customers', 'row_number', 'ssn'],
  ['select row_number() over w from app.customers window w as (partition by ssn)', 'row_number', 'ssn'],
  ["select count(*) filter (where ssn like '9%') from app.customers", 'count', 'ssn'],
  ['select array_agg(id order by ssn) from app.customers', 'array_agg', 'ssn'],
  ['select id from app.other where exists (select 1 from app.customers c where c.ssn = note)', 'id', 'ssn'],
  ['select id from app.other where note in (select ssn from app.customers)', 'id', 'ssn'],
  ['select id from app.customers limit (select length(ssn) from app.customers limit 1)', 'id', 'ssn'],
  ["select id from app.v_renamed where code = 'x'", 'id', 'ssn'],
  ["select pid from pg_stat_activity where query like '9%'", 'pid', 'email,ssn'],
  ["delete from app.customers where ssn = 'x'", 'none', 'ssn'],
  ["update app.customers set name = 'x' where email = 'y'", 'none', 'email'],
  ['merge into app.other o using app.customers c on o.note = c.ssn when matched then delete', 'none', 'ssn'],
]

/** Refused in both modes: the value goes where no mask follows. */
const laundered: readonly (readonly [sql: string, exposes: string])[] = [
  ['insert into app.other (note) select ssn from app.customers', 'ssn'],
  ['insert into app.other select id, ssn from app.customers', 'ssn'],
  ['insert into app.other (note) values ((select ssn from app.customers limit 1))', 'ssn'],
  ['insert into app.customers (name) select ssn from app.customers', 'ssn'],
  ['insert into nosuch select * from app.customers', 'email,ssn'],
  [
    'insert into app.other values (1) on conflict (id) do update set note = (select email from app.customers limit 1)',
    'email',
  ],
  ['update app.customers set name = ssn where id = 1', 'ssn'],
  [
    'update app.customers set (name, email) = (select ssn, email from app.customers limit 1) where id = 1',
    'ssn',
  ],
  ['update app.other set note = c.ssn from app.customers c where c.id = other.id', 'ssn'],
  [
    'merge into app.other o using app.customers c on o.id = c.id when not matched then insert values (1, c.ssn)',
    'ssn',
  ],
  ['with x as (insert into app.other (note) select ssn from app.customers) select 1', 'ssn'],
  ['create table t as select ssn from app.customers', 'ssn'],
  ['create table t as table app.customers', 'email,ssn'],
  ['create temp table t as select ssn from app.customers', 'ssn'],
  ['create materialized view t as select ssn from app.customers', 'ssn'],
  ['create view t as select ssn from app.customers', 'ssn'],
  ['select ssn into t from app.customers', 'ssn'],
  ['select ssn into t from app.customers union all select note from app.other', 'ssn'],
  ['create table t as execute p', 'email,ssn'],
  ["copy app.customers to '/tmp/x'", 'email,ssn'],
  ["copy (select ssn from app.customers) to program 'x'", 'email,ssn'],
  ["select set_config('application_name', ssn, false) from app.customers", 'ssn'],
  ["select pg_notify('ch', ssn) from app.customers", 'ssn'],
  ['select pg_sleep(length(ssn)) from app.customers', 'ssn'],
  ['select pg_advisory_lock(length(ssn)) from app.customers', 'ssn'],
  ["select lo_from_bytea(0, convert_to(ssn, 'UTF8')) from app.customers", 'ssn'],
  ["do 'begin end'", 'email,ssn'],
  ["create function f() returns int language sql as 'select 1'", 'email,ssn'],
  ['alter table app.customers rename ssn to zz', 'email,ssn'],
  ['alter table app.customers rename to x', 'email,ssn'],
  ['alter table app.customers set schema public', 'email,ssn'],
  ['alter table app.customers alter ssn type int using 1', 'email,ssn'],
  ['alter table app.customers add x text generated always as (ssn) stored', 'email,ssn'],
  ['alter table app.customers inherit app.other', 'email,ssn'],
  ['alter table app.other attach partition app.part1 default', 'ssn'],
  ['create rule r as on insert to app.other do also select ssn from app.customers', 'email,ssn'],
  ['create trigger t after update on app.customers execute function f()', 'email,ssn'],
  ['create policy p on app.customers using (true)', 'email,ssn'],
  ['create publication p for table app.other', 'email,ssn'],
  ['selec 1', 'email,ssn'],
]

describe('a tagged column that is only shown', () => {
  it.each(shown)('%s', async (sql, outputs) => {
    for (const bench of [strict, lenient]) {
      const { facts, statement } = await bench.one(sql)
      expect(outputsOf(statement.outputs)).toBe(outputs)
      expect(facts.exposes).toEqual([])
    }
  })
})

describe('a tagged column that is computed with', () => {
  it.each(computed)('%s', async (sql, outputs, exposes) => {
    const one = await strict.one(sql)
    expect(outputsOf(one.statement.outputs)).toBe(outputs)
    expect(one.facts.exposes.join(',')).toBe(exposes)
    const other = await lenient.one(sql)
    expect(outputsOf(other.statement.outputs)).toBe(outputs)
    expect(other.facts.exposes).toEqual([])
  })
})

describe('a tagged value that is written where its tag is not', () => {
  it.each(laundered)('%s', async (sql, exposes) => {
    expect((await strict.one(sql)).facts.exposes.join(',')).toBe(exposes)
    expect((await lenient.one(sql)).facts.exposes.join(',')).toBe(exposes)
  })
})

describe('what exposes nothing', () => {
  it.each([
    'select id, name from app.customers where id = 1 order by name',
    'create table t (like app.other)',
    'create index on app.customers (name)',
    'alter table app.customers add x int default 3',
    'alter table app.customers drop name',
    'drop table app.customers',
    'truncate app.customers',
    'grant select on app.customers to x',
    'create view t as select id from app.customers',
    'explain select ssn from app.customers',
    'prepare p as select ssn from app.customers',
    'execute p',
    'fetch c',
    'vacuum app.customers',
  ])('%s', async (sql) => {
    expect((await strict.one(sql)).facts.exposes).toEqual([])
  })
})

describe('rows of unknown width', () => {
  it('say which tags any of their columns may carry', async () => {
    const { statement } = await strict.one('select * from app.f_all()')
    expect(statement.outputs).toBe('unknown')
    expect(statement.tags).toEqual(['email', 'ssn'])
  })

  it('of a relation that nobody knows carry none', async () => {
    const { statement } = await strict.one('select * from nosuch')
    expect(statement.outputs).toBe('unknown')
    expect(statement.tags).toEqual([])
  })

  it('of an unknown name that a tagged relation has elsewhere carry its tags', async () => {
    const { statement } = await strict.one('select * from customers')
    expect(statement.outputs).toBe('unknown')
    expect(statement.tags).toEqual(['email', 'ssn'])
  })
})

describe('columns', () => {
  it('read and filtered by are named', async () => {
    const { facts } = await strict.one(
      'select c.name from app.customers c join orders o on o.customer_id = c.id',
    )
    expect(facts.context.columns).toEqual([
      'app.customers.id',
      'app.customers.name',
      'public.orders.customer_id',
    ])
    expect(facts.context.filtered_columns).toEqual(['app.customers.id', 'public.orders.customer_id'])
  })
})
