import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bench } from './testing/bench.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.create()
})
afterAll(() => bench[Symbol.asyncDispose]())

const isUnfiltered = async (sql: string) => (await bench.one(sql)).facts.context.unfiltered

describe('a condition that chooses rows', () => {
  it.each([
    'id = 1',
    'id = $1',
    '1 = id',
    "note = 'x' and true",
    'id = 1 or id = 2',
    'id in (1, 2)',
    'id = any($1)',
    'id = any(array[1, 2])',
    'id between 1 and 5',
    'id > 5',
    "note like 'x%'",
    "note ~ '^x'",
    "lower(note) = 'x'",
    "note::text = 'x'",
    'note is null',
    'id is not distinct from 3',
    'id = (select max(id) from orders)',
    'id in (select id from orders)',
    'id in (select id from app.other where note = $1)',
    '(id, note) = (1, $1)',
    '(id, note) in ((1, 2))',
    'exists (select 1 from orders o where o.id = other.id)',
    'id = 1 and (note is not null or true)',
    'id = 1 or 1 = 0',
    'other.id = 1',
    'id = 1 + $1',
    "born < now() - interval '1 day' and id = 2",
    'current of c',
    'false',
    'id = null',
  ])('is filtered: where %s', async (condition) => {
    expect(await isUnfiltered(`update app.other set note = 1 where ${condition}`)).toBe(false)
    expect(await isUnfiltered(`delete from app.other where ${condition}`)).toBe(false)
  })

  it.each([
    'true',
    '1 = 1',
    "'a' = 'a'",
    '2 > 1',
    'not false',
    'id = id',
    'id is not null',
    'id <> 1',
    'id != -1',
    'id not in (1)',
    "note like '%'",
    "note like '%%'",
    "note ~ '.*'",
    "note !~ 'x'",
    'id = 1 or true',
    'id = 1 or id is not null',
    'id = 1 or note = note',
    'not (id = 1)',
    'id = note',
    'coalesce(id, 1) = 1',
    'id * 0 = 0',
    'id in (select id from other)',
    'exists (select 1)',
    'exists (select 1 from orders where id = 1)',
    '(select true)',
    '1 in (1, 2)',
    '$1',
    '$1 = $2',
    'random() >= 0',
    "'t'",
    "'t'::bool",
    'nosuch is not null',
  ])('is unfiltered: where %s', async (condition) => {
    expect(await isUnfiltered(`update app.other set note = 1 where ${condition}`)).toBe(true)
    expect(await isUnfiltered(`delete from app.other where ${condition}`)).toBe(true)
  })
})

describe('a statement', () => {
  it.each([
    'delete from app.other',
    'update app.other set note = 1',
    'truncate app.other',
    'with d as (delete from app.other returning 1) select 1',
    'explain analyze delete from app.other',
    'prepare p as delete from app.other',
    'copy (delete from app.other returning *) to stdout',
    'delete from app.other using orders where orders.id = 1',
    'update app.other set note = 1 from orders where orders.id = orders.customer_id',
    'merge into app.other t using orders s on true when matched then delete',
    'merge into app.other t using orders s on t.id = s.id when not matched by source then delete',
    'create rule r as on insert to app.other do also delete from orders',
    'do_nothing_here', // not SQL: nothing is known to be filtered or not
  ])('%s', async (sql) => {
    expect(await isUnfiltered(sql)).toBe(sql !== 'do_nothing_here')
  })

  it.each([
    'select 1',
    'insert into app.other values (1)',
    'explain delete from app.other',
    'delete from app.other using orders where orders.id = app.other.id and orders.total = 1',
    'delete from app.other o using orders where orders.id = o.id',
    'merge into app.other t using orders s on t.id = s.id when matched then delete',
    'merge into app.other t using orders s on true when matched and t.id = 1 then delete',
    'merge into app.other t using orders s on true when not matched then insert values (1)',
  ])('is filtered: %s', async (sql) => {
    expect(await isUnfiltered(sql)).toBe(false)
  })
})
