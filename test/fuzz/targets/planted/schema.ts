import { once, pick, type Random } from '../../random.ts'
import { digitsTypes, harmless, secretTypes, type SecretType } from './secrets.ts'

/** A tag for each redactor. */
export const redactors = {
  'kept.nothing': 'full',
  'kept.last': 'keep-last-4',
  'kept.domain': 'keep-domain',
  'kept.same': 'hash',
  'kept.null': 'null',
  'kept.form': 'digits',
  'kept.constant': { fixed: '7' },
} as const
const tags = Object.keys(redactors)
/** What columns may have of their own. */
const own = ['full', 'keep-last-4', { 'keep-last': 6 }, 'keep-domain', 'hash', 'null'] as const

/** A column's tag, with or without a redactor of its own. */
type Tagged = string | { readonly tags: string; readonly redactor: (typeof own)[number] }

/** A random schema: the SQL that makes it, and which of its columns are tagged. */
export interface MadeSchema {
  readonly name: string
  readonly sql: string
  readonly tagged: Readonly<Record<string, Tagged>>
  /** Relations in which nothing is tagged, nor anything that they read. */
  readonly plain: readonly string[]
}

const rows = 4

/** Tables with and without tags, partitions, children, and views over all of them. */
export function makeSchema(name: string, random: Random): MadeSchema {
  const sql = [
    `create schema ${name}; set search_path to ${name};`,
    `create type tone as enum ('low', 'high'); create domain code as text check (length(value) < 90);`,
    'create type person as (alias text, number int8);',
  ]
  const tagged: Record<string, Tagged> = {}
  const tag = (table: string, { name: column, tag: one }: Planned) => {
    if (one === undefined) return
    const declared = once(random, 3) ? { tags: one, redactor: pick(random, own) } : one
    tagged[`${name}.${table}.${column}`] = declared
  }
  for (const table of ['t0', 't1', 't2']) {
    const columns = planned(random)
    columns.forEach((it) => tag(table, it))
    sql.push(`${create(table, columns)};`, ...fill(table, columns, random))
  }
  const partitioned = planned(random)
  // Tagged at the top or at a leaf: either reaches all of the tree.
  partitioned.forEach((it) => tag(once(random, 2) ? 'parts' : 'part0', it))
  sql.push(
    `${create('parts', partitioned)} partition by list (id);`,
    'create table part0 partition of parts for values in (0, 1); create table part1 partition of parts default;',
    ...fill('parts', partitioned, random),
  )
  const inherited = planned(random)
  inherited.forEach((it) => tag(once(random, 2) ? 'parent' : 'child', it))
  sql.push(
    `${create('parent', inherited)};`,
    'create table child (more text) inherits (parent);',
    ...fill('parent', inherited, random),
    ...fill('child', inherited, random),
  )
  for (const table of ['p0', 'p1']) {
    const columns = planned(random).map((it): Planned => ({ name: it.name, type: it.type, tag: undefined }))
    sql.push(`${create(table, columns)};`, ...fill(table, columns, random))
  }
  const sources = ['t0', 't1', 't2', 'parts', 'parent', 'child']
  for (const view of ['v0', 'v1', 'v2', 'v3']) {
    sql.push(`create view ${view} as ${viewOf(random, sources)};`)
    sources.push(view)
  }
  sql.push(`create materialized view m0 as ${viewOf(random, sources)};`)
  sql.push(
    'create view pv as select a.id, a.c0, b.c1 as other, a.c2::text as words from p0 a left join p1 b using (id);',
  )
  return { name, sql: sql.join('\n'), tagged, plain: ['p0', 'p1', 'pv'] }
}

interface Planned {
  readonly name: string
  readonly type: SecretType
  readonly tag: string | undefined
}

function planned(random: Random): Planned[] {
  return Array.from({ length: 6 }, (_, i) => {
    const tag = once(random, 3) ? undefined : pick(random, tags)
    return { name: `c${i}`, type: pick(random, tag === 'kept.form' ? digitsTypes : secretTypes), tag }
  })
}

function create(table: string, columns: readonly Planned[]): string {
  return `create table ${table} (id int, tone tone, ${columns.map(({ name, type }) => `${name} ${type.name}`).join(', ')})`
}

function fill(table: string, columns: readonly Planned[], random: Random): string[] {
  return Array.from({ length: rows }, (_, id) => {
    const values = columns.map(({ type, tag }) =>
      tag === undefined ? harmless(random, type) : once(random, 9) ? 'null' : type.secret(random),
    )
    return `insert into ${table} (id, tone, ${columns.map(({ name }) => name).join(', ')}) values (${id}, 'low', ${values.join(', ')});`
  })
}

/** Views of the forms that people write: projections, computed columns, joins, unions, aggregates; with their columns named alike. */
function viewOf(random: Random, sources: readonly string[]): string {
  const [one, other] = [pick(random, sources), pick(random, sources)]
  const column = (alias: string) => `${alias}.c${random.below(6)}`
  const computed = () =>
    pick(random, [
      () => column('a'),
      () => `${column('a')}::text`,
      () => `upper(${column('a')}::text)`,
      () => `coalesce(${column('a')}::text, 'none')`,
      () => `to_jsonb(${column('a')})`,
      () => `array[${column('a')}]`,
      () => `(select max(i.c${random.below(6)}::text) from ${other} i)`,
      () => `case when a.id > 1 then ${column('a')}::text end`,
      () => `row_number() over (order by ${column('a')}::text)::text`,
      () => `first_value(${column('a')}) over (order by a.id)`,
      () => `to_jsonb(a)`,
      () => `a::text`,
    ])()
  const six = (make: () => string) => Array.from({ length: 6 }, (_, i) => `${make()} as c${i}`).join(', ')
  switch (random.below(6)) {
    case 0:
      return `select id, c0, c1, c2, c3, c4, c5 from ${one}`
    case 1:
      return `select a.id, ${six(computed)} from ${one} a join ${other} b using (id)`
    case 2: {
      const texts = (source: string) => `select id, ${six(() => `c${random.below(6)}::text`)} from ${source}`
      return `${texts(one)} ${pick(random, ['union', 'union all', 'except'])} ${texts(other)}`
    }
    case 3:
      return `select a.id, ${six(() => `max(${column('a')}::text)`)} from ${one} a group by a.id`
    case 4:
      return `with w as materialized (select * from ${one}) select a.id, ${six(computed)} from w a`
    default:
      return `select distinct a.id, ${six(() => `l.x${random.below(2)}`)} from ${one} a, lateral (select ${column('a')}::text as x0, md5(${column('a')}::text) as x1) l`
  }
}
