import { attempts, type Group } from './attempt.ts'

/** A masked column that is shown, by whatever name and through whatever it is reached. */
const plain: Group = {
  by: 'another name for the column',
  attempts: attempts('analyst', 'masked', {
    'the column itself': 'select ssn from app.customers',
    'an alias': 'select ssn as id from app.customers',
    'an alias that a system column has': 'select xmin from (select upper(ssn) as xmin from app.customers) s',
    'the same by its table': 'select s.cmax from (select lower(ssn) as cmax from app.customers) s',
    'an escaped name': 'select u&"\\0073sn" from app.customers',
    'a name with an escape of its own': `select u&"!0073sn" uescape '!' from app.customers`,
    'other letters': 'select SsN from APP.cUSTOMERS',
    'a name in brackets': 'select (((ssn))) from app.customers',
    'the row in brackets': 'select (c).ssn from app.customers c',
    'a database before it': 'select shop.app.customers.ssn from shop.app.customers',
    'names for all columns': 'select d from app.customers as c(a, b, c, d)',
    everything: 'select * from app.customers',
    'everything of the row': 'select (c).* from app.customers c',
    TABLE: 'table app.customers',
    'a comment in the midst': 'select /* id from app.other -- */ ssn/**/from/**/app.customers',
    'nested comments': 'select /* /* */ id, */ ssn from app.customers',
    'a comment that a return ends': 'select -- id\rssn from app.customers',
    'a tab and a form feed': 'select\f\tssn\vfrom app.customers'.replace('\v', '\n'),
    'a LATERAL': 'select l.z from app.customers c, lateral (select c.ssn as z) l',
    'a LATERAL of VALUES': 'select l.z from app.customers c, lateral (values (c.ssn)) l(z)',
    'a join': 'select j.ssn from (app.customers join app.other using (id)) j',
    'a join with a name for what is shared':
      'select c.ssn from app.customers c join app.other o using (id) as s',
    'a sub-select': 'select (select ssn from app.customers where id = 2)',
    'a correlated sub-select': 'select (select c.ssn) from app.customers c',
    'sub-selects in one another': 'select x from (select x from (select ssn x from app.customers) a) b',
    'an output of VALUES': 'values (1, (select ssn from app.customers where id = 1))',
    'UNION ALL': "select 'x' union all select ssn from app.customers",
    'an arm with an order of its own':
      '(select ssn from app.customers order by id limit 1) union all (select note from app.other)',
    'a CTE': 'with c as (select * from app.customers) select ssn from c',
    'a CTE that is computed first':
      'with c as materialized (select ssn from app.customers) select ssn from c',
    'a CTE with names for its columns': 'with c(x) as (select ssn from app.customers) select x from c',
    'a CTE called as a table': 'with other as (select ssn as note from app.customers) select note from other',
    'CTEs in the other order':
      'with recursive a as (select x from b), b as (select upper(ssn) as x from app.customers) select x from a',
    'three CTEs backwards':
      'with recursive a as (table b), b as (table c), c(x) as (select concat(ssn) from app.customers) select x from a',
    'a CTE that feeds itself':
      'with recursive t(n, s) as (select 1, ssn from app.customers union all select n + 1, s from t where n < 3) select s from t',
    'columns that turn in a CTE':
      'with recursive t(n, a, b, c) as (select 1, ssn, name, name from app.customers union all select n + 1, b, c, a from t where n < 4) select a, b, c from t',
    'a CTE that writes':
      'with u as (update app.customers set name = name where id = 1 returning ssn) select ssn from u',
    'a view': 'select ssn from app.v_cust',
    'a view that renames': 'select code from app.v_renamed',
    'a view over a view that computes': 'select up from app.v_upper',
    'a materialized view': 'select code from app.mv',
    'a partition': 'select ssn from app.part1',
    'the table of partitions': 'select * from app.part',
    'a child': 'select * from app.child union all select * from app.customers',
    ONLY: 'select ssn from only app.customers',
    'a sample': 'select ssn from app.customers tablesample system (100)',
    RETURNING: 'update app.customers set name = name where id = 1 returning ssn',
    'RETURNING of all':
      'update app.customers c set name = name from app.other o where c.id = o.id returning *',
    'a lock': 'select ssn from app.customers where id = 1 for update',
    'a column of JSON': 'select data from app.customers',
    'what a search_path finds': 'set search_path to app; select ssn from customers',
    'a temporary search_path': 'begin; set local search_path to app; select ssn from customers; commit',
  }),
}

const reached: Group = {
  by: 'cursors, prepared statements and COPY',
  attempts: attempts('analyst', 'masked', {
    'a cursor': 'begin; declare c cursor for select ssn from app.customers; fetch all in c; commit',
    'a binary cursor':
      'begin; declare c binary cursor for select ssn from app.customers; fetch all in c; commit',
    'a cursor that scrolls':
      'begin; declare c scroll cursor for select upper(ssn) from app.customers; fetch last in c; fetch prior in c; commit',
    'a cursor that stays':
      'declare h cursor with hold for select upper(ssn) from app.customers; fetch all in h; close h',
    'an updated row of a cursor':
      'begin; declare c cursor for select id from app.customers for update; fetch 1 in c; update app.customers set name = name where current of c returning upper(ssn); rollback',
    'a prepared statement': 'prepare p as select ssn from app.customers; execute p; deallocate p',
    'a prepared statement with parameters':
      'prepare p(int) as select upper(ssn), $1 from app.customers where id = $1; execute p(1); deallocate p',
    'EXECUTE behind a change of path':
      'set search_path to app; prepare p as select upper(ssn) from customers; execute p; deallocate p; reset search_path',
    'COPY of the table': 'copy app.customers to stdout',
    'COPY of the column': 'copy app.customers (ssn) to stdout',
    'COPY of a partition': 'copy app.part1 to stdout',
    'COPY of a view': 'copy (select * from app.v_upper) to stdout',
    'COPY as CSV': 'copy (select id, ssn from app.customers) to stdout (format csv, header, force_quote *)',
    'COPY as binary': 'copy (select ssn, id from app.customers) to stdout (format binary)',
    'COPY with another delimiter':
      "copy (select upper(ssn), id from app.customers) to stdout (delimiter '-')",
    'COPY with a NULL that looks like data': "copy (select ssn from app.customers) to stdout (null '900')",
    'COPY of RETURNING': 'copy (update app.customers set name = name where id = 1 returning ssn) to stdout',
  }),
}

const rows: Group = {
  by: 'rows as values',
  attempts: attempts('analyst', 'hidden', {
    'the row': 'select c from app.customers c',
    'the row as text': 'select c::text from app.customers c',
    'the row of a view': 'select v from app.v_upper v',
    row_to_json: 'select row_to_json(c) from app.customers c',
    'row_to_json as a column': 'select c.row_to_json from app.customers c',
    'to_jsonb and a field': "select to_jsonb(c) ->> 'ssn' from app.customers c",
    'to_jsonb, one field after the other': 'select value from app.customers c, jsonb_each_text(to_jsonb(c))',
    'a field of jsonb by its place': 'select (jsonb_each_text(to_jsonb(c))).value from app.customers c',
    'a path into jsonb': "select jsonb_path_query(to_jsonb(c), '$.ssn') from app.customers c",
    'a row of rows': 'select row(c.*, 1) from app.customers c',
    'an array of rows': 'select array_agg(c) from app.customers c',
    'columns of a row that a sub-select gave': 'select (select c from app.customers c limit 1).*',
    'a column of a row that a sub-select gave': 'select (select c from app.customers c limit 1).ssn',
    'columns of a row of a function': 'select (app.f_all()).*',
    'a column of a row of a function': 'select (app.f_all()).ssn',
    'a row through COALESCE': 'select (coalesce(c)).* from app.customers c',
    'a row through COALESCE in FROM': 'select d.* from app.customers c, coalesce(c) d',
    'a row through NULLIF in FROM': 'select d.ssn from app.customers c, nullif(c, null) d',
    'places moved by a function of another width':
      'select d.*, a.* from app.customers c, coalesce(c) d, pg_stat_get_subscription_stats(0) a',
    'places moved back by another':
      'select a.*, upper(c.ssn), b.* from app.customers c, pg_stat_get_wal() a, pg_stat_get_subscription_stats(0) b',
    'a row by jsonb_populate_record': "select (jsonb_populate_record(c, '{}')).ssn from app.customers c",
    'rows by jsonb_populate_recordset':
      "select s.* from app.customers c, jsonb_populate_recordset(c, '[{}]') s",
    'a record with its columns told':
      'select r.s from app.customers c, jsonb_to_record(to_jsonb(c)) as r(s text, ssn text)',
    'rows from arrays': 'select u.* from (select array_agg(c) a from app.customers c) s, unnest(s.a) u',
    'ROWS FROM':
      'select * from app.customers c, rows from (generate_series(1, 1), json_each_text(to_json(c))) r',
    'a function called as a column': 'set search_path to app; select o.leak from other o',
    'a function called as a column of a row in brackets':
      'set search_path to app; select (o).leak from other o',
    'a function of all': 'select * from app.f_all()',
    'a function of one': 'select app.f_ssn(1)',
    'a function in an expression': "select concat(app.f_ssn(1), 'x')",
    'a function in FROM under other names': 'select z from app.f_all() as f(a, b, c, z)',
    'an operator of somebody': "select 'a' operator(app.===) 'b'",
    'an operator by the path': "set search_path to app; select 'a' === 'b'",
    'a plan that runs an operator': "explain verbose select 'a' operator(app.===) 'b'",
  }),
}

export const byColumns: readonly Group[] = [plain, reached, rows]
