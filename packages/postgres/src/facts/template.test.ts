import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import type { Analysis } from './analysis.ts'
import { WatchedLiterals } from './literals.ts'
import { templateOf } from './template.ts'
import { Bench } from './testing/bench.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.create()
  await bench.analyse('select 1')
})
afterAll(() => bench[Symbol.asyncDispose]())

describe('a template', () => {
  test.for([
    ["select * from t where a = 17 and b = 'x''y'", 'select * from t where a = \0n and b = \0s'],
    ['select $1, $$a 1$$, $t$ 2 $t$, 3', 'select $1, $$a 1$$, $t$ 2 $t$, \0n'],
    [
      'select t1.a2, "c 3", 4 -- 5\n, 6 /* 7 /* 8 */ 9 */',
      'select t1.a2, "c 3", \0n -- 5\n, \0n /* 7 /* 8 */ 9 */',
    ],
    ['select 1.5, .5, 1e6, 0x1F, 1_000, 123456789', 'select 1.5, .5, 1e6, 0x1F, 1_000, \0n'],
    [
      'select 1999999999, 2147483647, 2147483648, 3000000000, 999999999999999999',
      'select \0n, 2147483647, 2147483648, \0b, \0b',
    ],
    ['select 1234567890123456789, 01234567890, 1', 'select 1234567890123456789, 01234567890, \0n'],
  ] as const)('of %s', ([text, shape]) => {
    expect(templateOf(text)?.shape).toBe(shape)
  })

  test.for([
    'select a from t',
    "select E'a\\'b'",
    "select b'1', 2",
    "select U&'a', 1 from x'2'",
    'select 1\0',
  ])('is not made of %s', (text) => {
    expect(templateOf(text)).toBeUndefined()
  })
})

describe('an analysis', () => {
  const again = async (one: string, other: string): Promise<[Analysis, Analysis]> => [
    await bench.analyse(one),
    await bench.analyse(other),
  ]

  test.for([
    ['select * from orders where id = 1', 'select * from orders where id = 2000'],
    ["select id from orders where note = 'a'", "select id from orders where note = 'it''s 7'"],
    [
      'update orders set total = total + -17 where id = 3',
      'update orders set total = total + -1 where id = 99',
    ],
    ['select * from orders where id = 3000000000', 'select * from orders where id = 1234567890123'],
    ["insert into orders values (1, 'x', 2)", "insert into orders values (20, '', 0)"],
    ["select 'é', 1 from orders limit 5", "select 'ü, 2', 3 from orders limit 50"],
  ] as const)('of %s is that of other literals too', async ([one, other]) => {
    const [first, second] = await again(one, other)
    expect(second).toBe(first)
  })

  test.for([
    ['update orders set total = 1 where 1 = 2', 'update orders set total = 1 where 1 = 1'],
    ["delete from orders where note like '%'", "delete from orders where note like 'a'"],
    ['select name, ssn from customers order by 1', 'select name, ssn from customers order by 2'],
    ["select nextval('a')", "select nextval('b')"],
    ["select set_config('search_path', 'a', false)", "select set_config('work_mem', 'a', false)"],
    ["set work_mem = '1MB'", "set work_mem = '2MB'"],
    ["prepare p as select 1, 'a'", "prepare p as select 2, 'a'"],
    ['select substr(ssn, 1) from customers', "select substr(ssn, 'x') from customers"],
    ["copy orders to stdout with (delimiter ',')", "copy orders to stdout with (delimiter ';')"],
    ["select 'a'\n'b'", "select 'a'\n'c'"],
    ['select 2147483647', 'select 2147483648'],
    ['select 1000000000', 'select 3000000000'],
  ] as const)('of %s is its own', async ([one, other]) => {
    const [first, second] = await again(one, other)
    expect(second).not.toBe(first)
  })

  it('is what it would be without a template, whatever the literals', async () => {
    const pieces = [
      'select id, $ from orders where note = $ and total > $',
      'update orders set note = $ where id = $ or $ = $',
      'delete from orders where $ = $ and note like $',
      'select substring(ssn from $ for $) from customers where name = $',
      'select name, ssn from customers order by $ limit $',
      'insert into orders (note) select left(ssn, $) from customers where $',
      'select coalesce(ssn, $), $::text || $ from customers group by $, ssn',
    ]
    const literal = fc.oneof(
      fc.integer({ min: 0, max: 3 }).map(String),
      fc.constantFrom(
        "'a'",
        "'%'",
        "'1'",
        "''",
        "'it''s'",
        'true',
        'null',
        '-1',
        '- 2',
        "E'x'",
        '1.5',
        "'é'",
      ),
    )
    await using fresh = await Bench.create()
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...pieces),
        fc.array(literal, { minLength: 4, maxLength: 4 }),
        async (piece, literals) => {
          let next = 0
          const text = piece.replaceAll('$', () => literals[next++ % literals.length]!)
          // Something in front, so that it is of no shape that was seen before.
          const alone = await fresh.analyse(`${text} /* ${next}${literals.join()} */`)
          const { facts, statements } = await bench.analyse(text)
          expect({ facts, statements }).toEqual({ facts: alone.facts, statements: alone.statements })
        },
      ),
      { numRuns: 400 },
    )
  })
})

test('literals that were watched are again what they were', () => {
  const parsed = bench.parser.parse("select 5, 'a', -7")
  if (parsed instanceof Promise || parsed.kind !== 'tree') throw new Error('it parses')
  const before = JSON.stringify(parsed.statements)
  const text = "select 5, 'a', -7"
  const literals = new WatchedLiterals(parsed.statements, text, templateOf(text)!.places)
  expect(literals.isComplete).toBe(true)
  expect(literals.wasRead).toBe(false)
  expect(JSON.stringify(parsed.statements)).toBe(before)
  expect(literals.wasRead).toBe(true)
  literals[Symbol.dispose]()
  expect(JSON.stringify(parsed.statements)).toBe(before)
})
