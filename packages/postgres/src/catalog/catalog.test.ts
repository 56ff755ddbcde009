import { Fault } from '@sallyport/core'
import { FakeClock } from '@sallyport/core/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Parser } from '../facts/parser.ts'
import { viewTracer } from '../facts/views.ts'
import { Catalog } from './catalog.ts'
import type { CatalogQuery } from './content.ts'
import { catalogLimits } from './limits.ts'
import { TagMemory } from './tag-memory.ts'
import { shopMasking, shopQuery, shopRelations, type FakeRelation } from './testing/shop.ts'

let parser: Parser
beforeAll(async () => {
  parser = await Parser.create()
})
afterAll(() => parser[Symbol.asyncDispose]())

const tagsOf = (catalog: Catalog, oid: number, attnum: number) => {
  const marks = catalog.marksOf(oid, attnum)
  return marks === 'unknown' ? marks : marks.map(({ tag }) => tag)
}

const catalogOver = (query: CatalogQuery, rest: Partial<ConstructorParameters<typeof Catalog>[0]> = {}) =>
  new Catalog({
    query,
    masking: shopMasking('strict'),
    tracer: viewTracer(parser),
    clock: new FakeClock(0),
    ...rest,
  })

describe('tags of a column by OID and number', () => {
  it.each([
    ['a table', 20001, 4, ['ssn']],
    ['an untagged column', 20001, 1, []],
    ['the whole row', 20001, 0, ['email', 'ssn']],
    ['a system column', 20001, -1, []],
    ['a child', 20002, 4, ['ssn']],
    ['a partition, whatever its order', 20005, 1, ['ssn']],
    ['a view', 20010, 3, ['ssn']],
    ['a view over a view that comes later', 20009, 1, ['ssn']],
    ['a materialized view', 20012, 2, ['ssn']],
    ['a view that calls a function', 20014, 1, ['email', 'ssn']],
    ['a view over what ANALYZE kept', 20013, 2, ['email', 'ssn']],
    ['a view that could not be read', 20015, 1, ['email', 'ssn']],
    ['an unknown relation', 1, 1, 'unknown'],
    ['an unknown column', 20001, 99, 'unknown'],
  ])('%s', async (_, oid, attnum, tags) => {
    const catalog = catalogOver(shopQuery())
    await catalog.refresh()
    expect(tagsOf(catalog, oid, attnum)).toEqual(tags)
  })

  it('spread from a partition to its root and its siblings', async () => {
    const relations: FakeRelation[] = [
      { oid: 30001, name: 'app.root', columns: 'id ssn' },
      { oid: 30002, name: 'app.part', columns: 'ssn id' },
      { oid: 30003, name: 'app.sibling', columns: 'id ssn' },
    ]
    const tree: [number, number][] = [
      [30003, 30001],
      [30002, 30001],
    ]
    const catalog = catalogOver(shopQuery(() => relations, tree))
    await catalog.refresh()
    expect([tagsOf(catalog, 30001, 2), tagsOf(catalog, 30002, 1), tagsOf(catalog, 30003, 2)]).toEqual([
      ['ssn'],
      ['ssn'],
      ['ssn'],
    ])
    expect(tagsOf(catalog, 30003, 1)).toEqual([])
  })

  it('reach a table that is attached to a tagged one, and its columns that were read before', async () => {
    let tree: [number, number][] = []
    const relations: FakeRelation[] = [
      { oid: 30001, name: 'app.customers', columns: 'id ssn' },
      { oid: 30002, name: 'app.old', columns: 'ssn id' },
    ]
    const answer: CatalogQuery = (sql) => shopQuery(() => relations, tree)(sql)
    const catalog = catalogOver(answer)
    await catalog.refresh()
    expect(tagsOf(catalog, 30002, 1)).toEqual([])
    tree = [[30002, 30001]]
    await catalog.refresh()
    expect(tagsOf(catalog, 30002, 1)).toEqual(['ssn'])
    expect(tagsOf(catalog, 30002, 2)).toEqual([])
  })

  it('stay when the column or the table is renamed', async () => {
    let relations = shopRelations
    const memory = new TagMemory()
    const catalog = catalogOver(
      shopQuery(() => relations),
      { memory },
    )
    await catalog.refresh()
    relations = [{ oid: 20001, name: 'public.moved', columns: 'id name email zz salary born data acct' }]
    await catalog.refresh()
    expect(tagsOf(catalog, 20001, 4)).toEqual(['ssn'])
    const later = catalogOver(
      shopQuery(() => relations),
      { memory },
    )
    await later.refresh()
    expect(tagsOf(later, 20001, 4)).toEqual(['ssn'])
  })
})

describe('redactors of columns', () => {
  const own = (column: string, tag: string, count: number) => ({
    column,
    tag,
    redactor: { kind: 'keep-last', count } as const,
  })

  it('go with the column through views, children and renames, each with its tag', async () => {
    const masking = {
      ...shopMasking('strict'),
      columns: [
        own('app.customers.ssn', 'ssn', 4),
        own('app.child.ssn', 'ssn', 2),
        own('app.v_renamed.code', 'code', 3),
        { column: 'app.customers.email', tag: 'email' },
      ],
    }
    let relations = shopRelations
    const catalog = catalogOver(
      shopQuery(() => relations),
      { masking },
    )
    await catalog.refresh()
    const marks = (oid: number, attnum: number) => {
      const found = catalog.marksOf(oid, attnum)
      if (found === 'unknown') return found
      return found.map(({ tag, redactor }) =>
        redactor?.kind === 'keep-last' ? `${tag} ${redactor.count}` : tag,
      )
    }
    expect(marks(20001, 4).toString()).toBe('ssn 4,ssn 2')
    expect(marks(20002, 4).toString()).toBe('ssn 2,ssn 4')
    expect(marks(20011, 2).toString()).toBe('ssn 4,ssn 2,code 3')
    expect(marks(20009, 1).toString()).toBe('code,ssn')
    expect(marks(20001, 0).toString()).toBe('email,ssn')
    relations = [{ oid: 20001, name: 'public.moved', columns: 'id name email zz' }]
    await catalog.refresh()
    expect(marks(20001, 4).toString()).toBe('ssn 4,ssn 2')
  })
})

describe('a snapshot', () => {
  it('has a new version when the content changes, and only then', async () => {
    let relations = shopRelations
    const catalog = catalogOver(shopQuery(() => relations))
    expect(catalog.version).toBe(0)
    await catalog.refresh()
    await catalog.refresh()
    expect(catalog.version).toBe(1)
    relations = relations.slice(1)
    await catalog.refresh()
    expect(catalog.version).toBe(2)
  })

  it('is fresh until it is old, or something changed', async () => {
    const clock = new FakeClock(1000)
    const catalog = catalogOver(shopQuery(), { clock })
    expect(catalog.isFresh).toBe(false)
    await catalog.refresh()
    expect(catalog.isFresh).toBe(true)
    clock.advance(catalogLimits.maxAgeMs + 1)
    expect(catalog.isFresh).toBe(false)
    await catalog.refresh()
    catalog.invalidate()
    expect(catalog.isFresh).toBe(false)
  })

  it('grows old as before when somebody sets the clock', async () => {
    const clock = new FakeClock(1000)
    const catalog = catalogOver(shopQuery(), { clock })
    await catalog.refresh()
    clock.set(3_600_000)
    expect(catalog.isFresh).toBe(true)
    clock.set(-7_200_000)
    clock.advance(catalogLimits.maxAgeMs + 1)
    expect(catalog.isFresh).toBe(false)
  })

  it('is not fresh where it was invalidated while it was read', async () => {
    const answer = shopQuery()
    const catalog: Catalog = catalogOver((sql) => {
      catalog.invalidate()
      return answer(sql)
    })
    await catalog.refresh()
    expect(catalog.version).toBe(1)
    expect(catalog.isFresh).toBe(false)
  })

  it('is read once for all who ask at the same time', async () => {
    let readings = 0
    const answer = shopQuery()
    const catalog = catalogOver((sql) => {
      if (sql.includes('pg_inherits')) readings++
      return answer(sql)
    })
    await Promise.all([catalog.refresh(), catalog.refresh(), catalog.refresh()])
    expect(readings).toBe(1)
  })
})

describe('a catalogue of thousands of functions', () => {
  it('is worked out in turns, between which others work, and once', async () => {
    const body = `select ${Array.from({ length: 100 }, (_, at) => at).join(', ')}`
    const rows = Array.from({ length: 2_000 }, (_, at) => [
      'function',
      `${40000 + at}`,
      'app',
      `f${at}`,
      'sql',
      `${body} /* ${at} */`,
    ])
    const answer = shopQuery()
    const catalog = catalogOver(async (sql) => {
      const listed = await answer(sql)
      if (!listed.some(([what]) => what === 'horizon')) return listed
      const counted = listed.map((row) =>
        row[0] === 'count' && row[1] === 'function' ? [row[0], row[1], `${Number(row[2]) + 2_000}`] : row,
      )
      return [...counted, ...rows, ['schema', `${turns}`, `s${turns}`, null, null, null]]
    })
    let turns = 0
    let next: NodeJS.Immediate
    const work = (): void => {
      turns++
      next = setImmediate(work)
    }
    next = setImmediate(work)
    try {
      await catalog.refresh()
      expect(turns).toBeGreaterThan(5)
      expect(catalog.snapshot.hasFunction('app', 'f1999')).toBe(true)
      const before = turns
      await catalog.refresh()
      expect(catalog.version).toBe(2)
      expect(turns - before).toBeLessThan(3)
    } finally {
      clearImmediate(next)
    }
  })
})

describe('after a server with fewer transactions has taken over', () => {
  it('what people made is read whole', async () => {
    const questions: string[] = []
    const answer = shopQuery()
    let horizon = '4294967999'
    const catalog = catalogOver(async (sql) => {
      questions.push(sql)
      return (await answer(sql)).map((row) =>
        row[0] === 'horizon' ? ['horizon', horizon, null, null, null, null] : row,
      )
    })
    const isPartial = (sql: string) => sql.includes("'present'")
    await catalog.refresh()
    questions.length = 0
    await catalog.refresh()
    expect(questions.filter((sql) => sql.includes('pg_inherits')).map(isPartial)).toEqual([true])
    expect(questions[0]).toContain("'703'::pg_catalog.xid")
    horizon = '12'
    questions.length = 0
    await catalog.refresh()
    expect(questions.filter((sql) => sql.includes('pg_inherits')).map(isPartial)).toEqual([true, false])
  })
})

describe('after DDL', () => {
  it('what people made is read again, and what PostgreSQL ships is not', async () => {
    const clock = new FakeClock(0)
    const answer = shopQuery()
    let shippedRows = 0
    const catalog = catalogOver(
      async (sql) => {
        const rows = await answer(sql)
        shippedRows += rows.filter(
          ([what, , schema]) => what === 'relation' && schema === 'pg_catalog',
        ).length
        return rows
      },
      { clock },
    )
    await catalog.refresh()
    expect(shippedRows).toBe(4)
    catalog.invalidate()
    await catalog.refresh()
    expect(shippedRows).toBe(4)
    expect(tagsOf(catalog, 12250, 3)).toEqual(['email', 'ssn'])
    clock.advance(catalogLimits.maxAgeMs + 1)
    await catalog.refresh()
    expect(shippedRows).toBe(8)
  })
})

describe('a catalogue that cannot be read', () => {
  const broken: CatalogQuery = () => Promise.reject(new Error('gone'))

  it('is a fault where columns are masked', async () => {
    const catalog = catalogOver(broken)
    await expect(catalog.refresh()).rejects.toThrow(Fault)
    expect(catalog.isFresh).toBe(false)
  })

  it('keeps the fault that the side connection had', async () => {
    const fault = new Fault('target/closed', 'gone')
    await expect(catalogOver(() => Promise.reject(fault)).refresh()).rejects.toBe(fault)
  })

  it('is no matter where none are', async () => {
    const masking = { ...shopMasking('strict'), columns: [] }
    const catalog = catalogOver(broken, { masking })
    await catalog.refresh()
    expect(catalog.isFresh).toBe(true)
    expect(tagsOf(catalog, 20001, 4)).toBe('unknown')
  })

  it.each([
    ['too many relations', { maxRelations: 3 }],
    ['too many columns', { maxColumns: 3 }],
  ])('counts as one where it holds %s', async (_, limit) => {
    await expect(
      catalogOver(shopQuery(), { limits: { ...catalogLimits, ...limit } }).refresh(),
    ).rejects.toThrow(Fault)
  })

  it('but for its views takes them to carry every tag', async () => {
    const answer = shopQuery()
    const catalog = catalogOver((sql) =>
      sql.includes('pg_get_viewdef')
        ? Promise.reject(new Error('lock timeout'))
        : sql.startsWith('select oid::text, null')
          ? Promise.resolve([['20010', null]])
          : answer(sql),
    )
    await catalog.refresh()
    expect(tagsOf(catalog, 20010, 1)).toEqual(['email', 'ssn'])
    expect(tagsOf(catalog, 20001, 4)).toEqual(['ssn'])
  })
})
