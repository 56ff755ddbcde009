import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '@sallyport/core'
import { Catalog } from '../catalog/catalog.ts'
import { shopMasking, shopQuery, shopRelations, type FakeRelation } from '../catalog/testing/shop.ts'
import { Bench, objectsOf } from './testing/bench.ts'
import { viewTracer } from './views.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.create()
  await bench.analyse('select 1')
})
afterAll(() => bench[Symbol.asyncDispose]())

describe('a repeated text', () => {
  it('gives the same facts', async () => {
    const first = await bench.analyse('select * from orders')
    const again = bench.analyzer.analyse('select * from orders', { ...bench.context, searchPath: ['public'] })
    expect(again).toBe(first)
  })

  it('is judged anew under another search path, masking or database', async () => {
    const first = await bench.analyse('select * from other')
    const under = (change: object) =>
      bench.analyzer.analyse('select * from other', { ...bench.context, ...change })
    const elsewhere = await under({ searchPath: ['app'] })
    expect(objectsOf(elsewhere.facts[0] ?? fail())).toBe('shop.app.other=read')
    expect(objectsOf(first.facts[0] ?? fail())).toBe('shop.?.other=read')
    expect(await under({ searchPath: ['app'], database: 'x' })).not.toBe(elsewhere)
    expect(await under({ searchPath: ['app'], masking: shopMasking('lenient') })).not.toBe(elsewhere)
  })
})

describe('a name that the catalogue does not know', () => {
  const growing = (relations: FakeRelation[]) => {
    const masking = shopMasking('strict')
    let readings = 0
    const query = shopQuery(() => relations)
    const catalog = new Catalog({
      query: (sql) => {
        if (sql.includes('pg_inherits')) readings++
        return query(sql)
      },
      masking,
      tracer: viewTracer(bench.parser),
      clock: systemClock,
    })
    const context = { catalog, database: 'shop', searchPath: ['app'], masking }
    return { analyse: (sql: string) => bench.analyzer.analyse(sql, context), readings: () => readings }
  }

  it('is asked for once more before it counts as unknown', async () => {
    const relations = shopRelations.filter((relation) => relation.name !== 'app.v_cust')
    const { analyse } = growing(relations)
    expect(objectsOf((await analyse('select upper(ssn) from v_cust')).facts[0] ?? fail())).toBe(
      'shop.?.v_cust=read',
    )
    relations.push(...shopRelations.filter((relation) => relation.name === 'app.v_cust'))
    const { facts, statements } = await analyse('select upper(ssn) from v_cust')
    expect(objectsOf(facts[0] ?? fail())).toBe('shop.app.v_cust=read')
    expect(statements[0]?.tags).toEqual(['ssn'])
  })

  it('does not make known texts ask', async () => {
    const { analyse, readings } = growing([...shopRelations])
    for (let i = 0; i < 5; i++) await analyse('select ssn from customers')
    expect(readings()).toBe(1)
  })
})

describe('depth', () => {
  it.each([
    ['a sum', `select ${Array(900).fill('1').join('+')}`],
    ['a sum in a condition', `select 1 from app.other where id = ${Array(900).fill('id').join('+')}`],
    ['sub-selects', `select ${'(select '.repeat(100)}1${')'.repeat(100)}`],
    ['unions', Array(3000).fill('select id from orders').join(' union all ')],
    ['conditions', `select 1 from orders where ${Array(5000).fill('id = 1').join(' or ')}`],
    ['concatenations', `select ${Array(500).fill('id').join(' || ')} from orders`],
  ])('is no trouble where it is honest: %s', async (_, sql) => {
    expect((await bench.analyse(sql)).refusal).toBeUndefined()
  })

  it.each([
    ['a sum', `select ${Array(3900).fill('1').join('+')}`],
    ['negations', `select ${'not '.repeat(3900)}true`],
    ['casts', `select 1${'::int'.repeat(3900)}`],
    ['joins', `select 1 from a${' cross join b'.repeat(3900)}`],
  ])('is refused where it is not: %s', async (_, sql) => {
    const { refusal, facts } = await bench.analyse(sql)
    expect(refusal?.code).toBe('too-complex')
    expect(facts[0]?.actions).toEqual(['unparsed'])
  })
})

/** Small grammars make statements that parse, nested in each other at random. */
const { statement } = fc.letrec<{ expression: string; query: string; item: string; statement: string }>(
  (tie) => ({
    expression: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom('ssn', 'c.ssn', 'c', 'id', 'c.*', 'nosuch', '1', "'x'", '$1', 'null', 'x.y.z', 'ctid'),
      fc
        .tuple(
          fc.constantFrom('upper', 'app.f', 'count', 'set_config', 'row_to_json', 'nextval'),
          tie('expression'),
        )
        .map(([name, arg]) => `${name}(${arg})`),
      fc
        .tuple(
          tie('expression'),
          fc.constantFrom('+', '||', '=', '->>', 'and', 'like', 'is distinct from'),
          tie('expression'),
        )
        .map((parts) => `(${parts.join(' ')})`),
      tie('expression').map((arg) => `(${arg})::text`),
      tie('expression').map((arg) => `case when ${arg} is null then 1 else ${arg} end`),
      tie('expression').map((arg) => `array[${arg}]`),
      tie('query').map((query) => `(${query})`),
      tie('query').map((query) => `exists (${query})`),
      tie('query').map((query) => `array(${query})`),
      fc.tuple(tie('expression'), tie('query')).map(([arg, query]) => `${arg} in (${query})`),
    ),
    item: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(
        'app.customers c',
        'app.other',
        'app.v_nested x',
        'nosuch',
        'w',
        'generate_series(1, 2) g',
        'app.f_all() f',
      ),
      tie('query').map((query) => `(${query}) s`),
      tie('query').map((query) => `lateral (${query}) l`),
      fc.tuple(tie('item'), tie('item')).map(([left, right]) => `(${left} natural join ${right})`),
      fc
        .tuple(tie('item'), tie('item'), tie('expression'))
        .map(([left, right, on]) => `(${left} left join ${right} on ${on})`),
    ),
    query: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom('select 1', 'table app.customers', 'values (1, 2)', 'select * from app.customers c'),
      fc
        .tuple(tie('expression'), tie('item'), tie('expression'))
        .map(([target, item, where]) => `select ${target}, * from ${item} where ${where}`),
      fc.tuple(tie('query'), tie('query')).map(([left, right]) => `(${left}) union (${right})`),
      fc
        .tuple(tie('query'), tie('query'))
        .map(([cte, body]) => `with recursive w as (${cte}) ${body.startsWith('with') ? `(${body})` : body}`),
      tie('expression').map((target) => `select ${target} from app.customers c group by 1 order by 1`),
    ),
    statement: fc.oneof(
      { maxDepth: 2 },
      tie('query'),
      tie('query').map((query) => `insert into app.other (note) ${query}`),
      tie('query').map((query) => `create table t as ${query}`),
      tie('query').map((query) => `explain analyze ${query}`),
      tie('query').map((query) => `declare c cursor for ${query}`),
      tie('query').map((query) => `copy (${query}) to stdout`),
      fc
        .tuple(tie('expression'), tie('expression'))
        .map(([value, where]) => `update app.customers c set name = ${value} where ${where} returning *`),
      tie('expression').map((where) => `delete from app.customers c using app.other where ${where}`),
    ),
  }),
)

describe('statements made at random', () => {
  it('are all understood, and expose nothing that they do not name', async () => {
    let understood = 0
    await fc.assert(
      fc.asyncProperty(statement, async (sql) => {
        const { facts, statements, refusal } = await bench.analyse(sql)
        expect(facts.length).toBe(1)
        if (statements[0]?.kind !== 'unparsed') understood++
        else return
        const mayExpose = /ssn|customers|nosuch|app\.f|v_nested/.test(sql)
        expect(mayExpose || facts[0]?.exposes.length === 0).toBe(true)
        expect(refusal === undefined || refusal.code === 'unsupported').toBe(true)
      }),
      { numRuns: 1000 },
    )
    expect(understood).toBeGreaterThan(500)
  })

  it('never lose the tag of a column by wrapping a query', async () => {
    const wrappers = [
      (query: string) => `select * from (${query}) q(v)`,
      (query: string) => `with q(v) as (${query}) select v from q`,
      (query: string) => `with q(v) as materialized (${query}) select (select q.v) from q`,
      (query: string) => `(${query}) union all select 'x'`,
      (query: string) => `select (${query})`,
      (query: string) => `select upper(v) from (${query}) q(v)`,
      (query: string) => `select l.v from app.other o, lateral (${query}) l(v)`,
      (query: string) => `values ((${query}))`,
      (query: string) => `select array_agg(v) from (${query}) q(v)`,
      (query: string) => `select row_to_json(q) from (${query}) q(v)`,
      (query: string) => `select v || 'x' from (${query} limit 1) q(v)`,
    ]
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...wrappers), { maxLength: 6 }), async (chosen) => {
        const sql = chosen.reduce((query, wrap) => wrap(query), 'select ssn from app.customers')
        const { statements } = await bench.analyse(sql)
        if (statements[0]?.kind === 'unparsed') return // `limit` behind a set operation or VALUES may not stand there
        expect(statements[0]?.tags).toContain('ssn')
      }),
      { numRuns: 500 },
    )
  })
})

function fail(): never {
  throw new Error('no facts')
}
