import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isDeepStrictEqual } from 'node:util'
import type { Masking } from '@sallyport/core'
import {
  ContentReader,
  type CatalogQuery,
  type Content,
} from '../../packages/postgres/src/catalog/content.ts'
import { catalogLimits } from '../../packages/postgres/src/catalog/limits.ts'
import { madeObjects } from '../../packages/postgres/src/catalog/questions.ts'
import { availableFlavours } from '../world/postgres-binaries.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'

const masking: Masking = {
  mode: 'strict',
  columns: [{ column: 'public.customers.ssn', tag: 'ssn' }],
  detectors: [],
  redactors: {},
}

const fixture = `
create table customers (id int primary key, ssn text, born date);
create view v_cust as select id, ssn from customers;
create schema app;
create table app.plain (id int, note text);
create function app.f() returns int language sql as 'select 1';
create function int4_sum_of(int, int) returns int language sql immutable as 'select $1 + $2';
create function app.atomic() returns bigint language sql begin atomic; select count(*) from app.plain; end;
`

/** What each does to the catalogue, and whether all that people made is read for it. */
const changes: readonly (readonly [sql: string, reading: 'changes' | 'whole'])[] = [
  ['select 1', 'changes'],
  ['create table child () inherits (customers)', 'changes'],
  ['create table app.other (a int, b text, c int generated always as (a + 1) stored)', 'changes'],
  ['alter table app.other add d text', 'changes'],
  ['alter table app.other drop b', 'changes'],
  ['alter table app.other alter c drop expression', 'changes'],
  ['alter table app.other rename a to "ä"', 'changes'],
  ['alter table app.other alter d type int using 1', 'changes'],
  ['alter table app.other rename to another', 'changes'],
  ['alter table app.another set schema public', 'changes'],
  ['create index on another (c); drop index another_c_idx', 'changes'],
  ['vacuum full another', 'changes'],
  ['alter table customers rename ssn to secret', 'changes'],
  ['alter table customers rename secret to ssn', 'changes'],
  ['create view app.v as select * from v_cust', 'changes'],
  ['create or replace view app.v as select id, upper(ssn) as ssn from customers', 'changes'],
  ['alter view app.v rename id to number', 'changes'],
  ['create materialized view mv as select 1 as one', 'changes'],
  ['drop view app.v; drop materialized view mv', 'changes'],
  ['alter table child no inherit customers', 'whole'],
  ['alter table child inherit customers', 'changes'],
  ['drop table child', 'changes'],
  ['create table p (a int unique, b text) partition by range (a)', 'changes'],
  ['create table p1 partition of p for values from (0) to (9); create table p2 (b text, a int)', 'changes'],
  ['alter table p attach partition p2 for values from (9) to (99)', 'changes'],
  ['alter table p detach partition p1', 'whole'],
  ["create or replace function app.f() returns int language sql as 'select 2'", 'changes'],
  ['alter function app.f() stable', 'changes'],
  ['alter function app.f() rename to g', 'changes'],
  ['create function app.g(x int) returns int language plpgsql as $$ begin return x; end $$', 'changes'],
  ['drop function app.g(int)', 'whole'],
  ['alter table app.plain rename to plainer', 'changes'],
  ['alter schema app rename to "App"', 'changes'],
  ['create schema more; create table more.t (a int)', 'changes'],
  ['drop schema more cascade', 'whole'],
  ['create table moved (a int); create schema there; alter table moved set schema there', 'changes'],
  ['create extension if not exists plpgsql', 'changes'],
  ['alter extension plpgsql add function "App".g()', 'whole'],
  ['alter extension plpgsql drop function "App".g()', 'whole'],
  [
    `create type badge as (n int); create function to_badge(text) returns badge language sql as 'select row(1)::badge';
     create cast (text as badge) with function to_badge(text)`,
    'changes',
  ],
  ['alter type badge rename to button', 'changes'],
  ['alter type button add attribute m int', 'changes'],
  [
    `create function same(int, int) returns bool language sql as 'select true';
     create operator === (function = same, leftarg = int, rightarg = int)`,
    'changes',
  ],
  ['create aggregate app_sum(int) (sfunc = int4_sum_of, stype = int)', 'changes'],
  ['alter function int4_sum_of(int, int) rename to sum_of', 'changes'],
  ['drop operator === (int, int)', 'changes'],
  ['begin; create table never (a int); rollback', 'changes'],
  ['begin; savepoint s; create table ever (a int); release s; commit', 'changes'],
  ['drop table another; create table another (z int)', 'changes'],
  ['create sequence counts; alter sequence counts rename to numbers', 'changes'],
  ['create table swapped (a int); drop table swapped', 'changes'],
]

describe.each(availableFlavours())('the catalogue of a %s PostgreSQL', (flavour) => {
  let server: Postgres
  let client: pg.Client
  const asked: string[] = []
  const query: CatalogQuery = async (sql) => {
    asked.push(sql)
    const types = { getTypeParser: () => (value: string) => value }
    return (await client.query<(string | null)[]>({ text: sql, rowMode: 'array', types })).rows
  }

  beforeAll(async () => {
    server = await startPostgres({ flavour, databases: ['shop'] })
    await server.query(fixture, 'shop')
    client = new pg.Client(server.url({ database: 'shop' }))
    await client.connect()
  })
  afterAll(async () => {
    await client?.end()
    await server?.[Symbol.asyncDispose]()
  })

  const anew = async (): Promise<Content> => {
    const reader = new ContentReader(query, masking, catalogLimits)
    await reader.read(0)
    return reader.content
  }

  test('is the same whether all of it is read or what was written since, after every change', async () => {
    const reader = new ContentReader(query, masking, catalogLimits)
    await reader.read(0)
    let before = await anew()
    for (const [sql, expected] of changes) {
      await server.query(sql, 'shop')
      asked.length = 0
      const isChanged = await reader.read(0)
      const reading = asked.includes(madeObjects) ? 'whole' : 'changes'
      const after = await anew()
      expect({ sql, reading, ...bare(reader.content) }).toEqual({ sql, reading: expected, ...bare(after) })
      expect({ sql, isChanged }).toEqual({ sql, isChanged: !isDeepStrictEqual(bare(before), bare(after)) })
      before = after
    }
  })

  test('is not read again but for what was written, whatever was written before', async () => {
    let rows = 0
    const counting = new ContentReader(
      async (sql) => {
        const answer = await query(sql)
        const listed = answer.filter(([what]) => what === 'relation' || what === 'column')
        if (answer.some(([what]) => what === 'horizon')) rows = new Set(listed.map(String)).size
        return answer
      },
      masking,
      catalogLimits,
    )
    await counting.read(0)
    expect(rows).toBeGreaterThan(20)
    await server.query('create table and_another (a int, b int)', 'shop')
    await counting.read(0)
    expect(rows).toBe(3)
  })

  test('shows what a transaction did that was open when it was last read', async () => {
    await using writer = await open(server)
    await writer.client.query('begin; create table late (a int); alter table customers add zip text')
    const reader = new ContentReader(query, masking, catalogLimits)
    await reader.read(0)
    await server.query('create table early (a int)', 'shop')
    expect(await reader.read(0)).toBe(true)
    expect(bare(reader.content)).toEqual(bare(await anew()))
    await writer.client.query('commit')
    expect(await reader.read(0)).toBe(true)
    expect(bare(reader.content)).toEqual(bare(await anew()))
  })

  test('is the same after a thousand transactions and a freeze', async () => {
    const reader = new ContentReader(query, masking, catalogLimits)
    await reader.read(0)
    await server.query('create table frozen (a int)', 'shop')
    await server.query(
      'do $$ begin for n in 1..1000 loop perform pg_current_xact_id(); commit; end loop; end $$; ',
      'shop',
    )
    await server.query('vacuum freeze', 'shop')
    await reader.read(0)
    expect(bare(reader.content)).toEqual(bare(await anew()))
  })
})

/** But for what tells when it was read. */
function bare({ made, shipped, definitions }: Content) {
  return { made: { ...made, horizon: '' }, shipped, definitions }
}

async function open(server: Postgres): Promise<AsyncDisposable & { readonly client: pg.Client }> {
  const client = new pg.Client(server.url({ database: 'shop' }))
  await client.connect()
  return { client, [Symbol.asyncDispose]: () => client.end() }
}
