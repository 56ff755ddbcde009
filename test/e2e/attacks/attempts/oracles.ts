import { attempts, type Group } from './attempt.ts'

const predicates: Group = {
  by: 'what depends on it',
  attempts: attempts('analyst', 'refused', {
    'WHERE =': "select id from app.customers where ssn = '900'",
    LIKE: "select id from app.customers where ssn like '9%'",
    'a regular expression': "select id from app.customers where ssn ~ '^9'",
    BETWEEN: "select id from app.customers where ssn between '8' and '9'",
    IN: "select id from app.customers where ssn in ('8', '9')",
    'IS NULL': 'select id from app.customers where ssn is null',
    'IS DISTINCT FROM': "select id from app.customers where ssn is distinct from ''",
    'a sub-select in WHERE': "select 1 where (select ssn from app.customers where id = 1) like '9%'",
    EXISTS: "select 1 where exists (select from app.customers where ssn like '9%')",
    'the row in WHERE': "select id from app.customers c where c::text like '%900%'",
    'the row compared': 'select a.id from app.customers a, app.customers b where a > b',
    'ORDER BY': 'select id from app.customers order by ssn',
    'ORDER BY its place': 'select ssn, id from app.customers order by 1',
    'ORDER BY an alias': 'select ssn as s, id from app.customers order by s',
    'ORDER BY CASE': "select id from app.customers order by case when ssn like '9%' then 1 end",
    'GROUP BY': 'select count(*) from app.customers group by ssn',
    HAVING: "select id from app.customers group by id having min(ssn) like '9%'",
    DISTINCT: 'select distinct ssn from app.customers',
    'DISTINCT ON': 'select distinct on (ssn) id from app.customers',
    UNION: 'select ssn from app.customers union select note from app.other',
    INTERSECT: "select ssn from app.customers intersect select '900'",
    'a join': 'select a.id, b.id from app.customers a join app.customers b on a.ssn = b.ssn',
    'a join by name': 'select a.id from app.customers a join app.customers b using (ssn)',
    'a natural join': 'select count(*) from app.customers natural join app.part',
    'an outer join': "select o.id from app.other o left join app.customers c on c.ssn like '9%'",
    LIMIT: 'select id from app.other limit (select length(ssn) from app.customers where id = 1)',
    OFFSET: 'select id from app.other offset (select length(ssn) from app.customers where id = 1)',
    'OFFSET of an arm':
      '(select 1 union all select 2 offset (select length(ssn) from app.customers limit 1)) union all select 3',
    'a sample of so many':
      'select id from app.customers tablesample system ((select length(ssn) from app.customers limit 1))',
    'so many rows of a series': 'select generate_series(1, length(ssn)) from app.customers where id = 1',
    'WHERE of an UPDATE': "update app.customers set name = name where ssn like '9%'",
    'WHERE of a DELETE':
      "delete from app.other where exists (select from app.customers where ssn like 'zz%')",
    'WHEN of a MERGE':
      "merge into app.other o using app.customers c on o.id = c.id when matched and c.ssn like 'zz%' then delete",
    'a column of a view': "select id from app.v_renamed where code like '9%'",
    'a CTE that writes if':
      "with w as (select from app.customers where ssn like '9%') select count(*) from w",
    'a plan for it': "explain select id from app.customers where ssn < '900'",
    'a plan that ran': "explain (analyze, timing off) select id from app.customers where ssn like '9%'",
    'the time it takes':
      "select pg_sleep(case when ssn like '9%' then 0.01 else 0 end) from app.customers limit 1",
    'the time a series takes':
      "select count(*) from generate_series(1, (select case when ssn like '9%' then 1000000 else 1 end from app.customers where id = 1))",
    'a lock where it is so': "select id from app.customers where ssn like '9%' for update nowait",
  }),
}

const errors: Group = {
  by: 'casts and errors that tell it',
  attempts: [
    ...attempts('analyst', 'refused', {
      'a cast to int': 'select ssn::int from app.customers',
      'a cast to date': 'select ssn::date from app.customers',
      'a cast to a class': 'select ssn::regclass from app.customers',
      'a cast to JSON': 'select ssn::json from app.customers',
      'a cast to uuid': 'select cast(ssn as uuid) from app.customers',
      'a cast to a length': 'select ssn::varchar(3) from app.customers',
      'a sum of digits': "select replace(ssn, '-', '')::bigint + 0 from app.customers",
      'a division': 'select 1 / (length(ssn) - 11) from app.customers',
      'a date by a format': "select to_date(ssn, 'YYYY') from app.customers",
      'a number by a format': "select to_number(ssn, '999') from app.customers",
      'a query of words': 'select to_tsquery(ssn) from app.customers',
      'a setting of that name': 'select current_setting(ssn) from app.customers',
      'a regular expression that is wrong': "select 'x' ~ (ssn || '(') from app.customers",
      'a character set of that name': "select convert_from('x', ssn) from app.customers",
      'an error of pg_input_is_valid': "select pg_input_is_valid(ssn, 'int') from app.customers",
      'the key of an INSERT': 'insert into app.other (note) select ssn from app.customers',
      'RAISE in a block':
        "do $$ begin raise exception using errcode = '00001', constraint = (select ssn from app.customers limit 1), message = 'x'; end $$",
      'RAISE NOTICE in a block':
        "do $$ begin raise notice '%', (select ssn from app.customers limit 1); end $$",
      'a block in single quotes': "do 'begin perform 1/0; end'",
    }),
    ...attempts('analyst', 'fails 23505', {
      'a row that is there': 'insert into app.customers (id, ssn) values (1, null)',
    }),
    ...attempts('analyst', 'fails 42703', {
      'a long s': 'select ſsn from app.customers',
      'a name in full width': 'select ｓｓｎ from app.customers',
      'a space that is a letter': 'select ssn\u00a0from from app.customers',
    }),
  ],
}

export const byOracles: readonly Group[] = [predicates, errors]
