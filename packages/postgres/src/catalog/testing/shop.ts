import type { Masking } from '@sallyport/core'
import type { CatalogQuery } from '../content.ts'
import type { Row } from '../listing.ts'

/** A catalogue as PostgreSQL 18 gives it, small: what its answers are is written down here. */

export interface FakeRelation {
  readonly oid: number
  readonly name: string
  readonly kind?: string
  /** Generated ones end in `*`. */
  readonly columns: string
  /** Of views. `null`: the server did not give it. */
  readonly definition?: string | null
}

export const shopRelations: readonly FakeRelation[] = [
  { oid: 20001, name: 'app.customers', columns: 'id name email ssn salary born data acct' },
  { oid: 20002, name: 'app.child', columns: 'id name email ssn salary born data acct' },
  { oid: 20003, name: 'app.other', columns: 'id note' },
  { oid: 20004, name: 'app.part', kind: 'p', columns: 'id ssn' },
  { oid: 20005, name: 'app.part1', columns: 'ssn id' },
  { oid: 20006, name: 'public.orders', columns: 'id customer_id total twice*' },
  { oid: 20007, name: 'public.seq', kind: 'S', columns: 'last_value log_cnt is_called' },
  {
    oid: 20010,
    name: 'app.v_cust',
    kind: 'v',
    columns: 'id name ssn',
    definition: ' SELECT id,\n    name,\n    ssn\n   FROM app.customers;',
  },
  {
    oid: 20011,
    name: 'app.v_renamed',
    kind: 'v',
    columns: 'id code',
    definition: ' SELECT id,\n    ssn AS code\n   FROM app.customers;',
  },
  {
    oid: 20012,
    name: 'app.mv',
    kind: 'm',
    columns: 'id code',
    definition: ' SELECT id,\n    ssn AS code\n   FROM app.customers;',
  },
  {
    oid: 20009,
    name: 'app.v_nested',
    kind: 'v',
    columns: 'up id',
    definition: ' SELECT upper(code) AS up,\n    id\n   FROM app.v_renamed v;',
  },
  {
    oid: 20013,
    name: 'app.v_stats',
    kind: 'v',
    columns: 'tablename h',
    definition: ' SELECT tablename,\n    (histogram_bounds)::text AS h\n   FROM pg_stats;',
  },
  {
    oid: 20014,
    name: 'app.v_fn',
    kind: 'v',
    columns: 'x one',
    definition: ' SELECT app.f_ssn(1) AS x,\n    1 AS one;',
  },
  { oid: 20015, name: 'app.v_locked', kind: 'v', columns: 'x', definition: null },
  { oid: 1259, name: 'pg_catalog.pg_class', columns: 'oid relname relnamespace relkind' },
  { oid: 12200, name: 'pg_catalog.pg_stats', kind: 'v', columns: 'schemaname tablename histogram_bounds' },
  { oid: 12250, name: 'pg_catalog.pg_stat_activity', kind: 'v', columns: 'pid usename query' },
  { oid: 12260, name: 'pg_catalog.pg_settings', kind: 'v', columns: 'name setting' },
]

const shopFunctions = ['app.f_all', 'app.f_ssn', 'app.rc', 'app.replace']

export const shopMasking = (mode: Masking['mode']): Masking => ({
  mode,
  columns: [
    { column: 'app.customers.ssn', tag: 'ssn' },
    { column: 'app.customers.email', tag: 'email' },
    { column: 'app.part.ssn', tag: 'ssn' },
  ],
  detectors: [],
  redactors: {},
})

/** Answers the catalogue's questions from what `relations()` says at that moment. */
export function shopQuery(
  relations: () => readonly FakeRelation[] = () => shopRelations,
  inheritance: readonly (readonly [child: number, parent: number])[] = [
    [20002, 20001],
    [20005, 20004],
  ],
): CatalogQuery {
  return (sql) => Promise.resolve(answer(sql, relations(), inheritance))
}

function answer(
  sql: string,
  relations: readonly FakeRelation[],
  inheritance: readonly (readonly [child: number, parent: number])[],
): readonly Row[] {
  if (sql.includes('pg_get_viewdef'))
    return relations.flatMap(({ oid, definition }): Row[] =>
      definition === undefined ? [] : [[String(oid), definition]],
    )
  const isAboutShipped = sql.includes('c.oid < 16384')
  const named = relations
    .filter(({ oid }) => oid < 16384 === isAboutShipped)
    .map((relation) => ({ ...relation, parts: relation.name.split('.') }))
  const listed = [
    ...named.map(({ oid, parts, kind }): Row => [
      'relation',
      `${oid}`,
      parts[0] ?? '',
      parts[1] ?? '',
      kind ?? 'r',
      null,
    ]),
    ...named.flatMap(({ oid, columns }) =>
      columns
        .split(' ')
        .map((name, position): Row => [
          'column',
          `${oid}`,
          `${position + 1}`,
          name.replace('*', ''),
          `${name.endsWith('*')}`,
          '25 -1',
        ]),
    ),
  ]
  if (isAboutShipped) return [...listed, ['outputs', 'json_each', 'key,value', null, null, null]]
  const schemas = [...new Set(relations.map(({ name }) => name.split('.')[0] ?? ''))]
  const functions: readonly Row[] = [
    ...shopFunctions.map((name): Row => [...name.split('.'), 'calm', null]),
    ['app', 'purge', 'sql', 'delete from app.other where id > 0; select 1'],
    ['app', 'purge_by', 'sql', 'BEGIN ATOMIC\n SELECT app.purge() AS purge;\nEND'],
    ['app', 'spy', 'sql', "RETURN pg_read_file('x'::text)"],
    ['app', 'look', 'sql', ' select note from app.other '],
    ['app', 'loop', 'sql', 'select app.loop(); insert into app.other values (2)'],
    ['app', 'blind', 'opaque', 'f00'],
    ['app', 'blind', 'calm', 'f01'],
    ['app', 'broken', 'sql', 'selec'],
    ['app', 'ping', 'sql', 'select app.pong(); delete from app.other where id > 0'],
    ['app', 'pong', 'sql', 'select app.ping()'],
    ['app', 'report', 'naming', 'begin return (select count(*) from app.other where app.look()); end'],
    ['app', 'log', 'naming', 'begin perform app . "purge"(); end'],
    ['app', 'log_up', 'naming', 'begin perform APP.PURGE(); end'],
    ['app', 'counts', 'naming', "begin return nextval('s'); end"],
    ['app', 'puts_together', 'naming', "begin execute 'sel' || 'ect 1'; end"],
    ['app', 'escapes', 'naming', String.raw`begin perform app.U&"p\0075rge"(); end`],
    ['app', 'burns', 'naming', "begin return 'a' operator(app.!!!) 'b'; end"],
    ['app', 'casts', 'naming', "begin return 'a' :: ash; end"],
    ['app', 'purging', 'naming', 'f02 aggregate_dummy app.purge - -'],
    ['app', 'same', 'sql', 'select $1 = $2'],
    ['app', 'burn', 'opaque', 'f03'],
  ]
  return [
    ['horizon', '700', null, null, null, null],
    ['members', null, null, null, null, null],
    ...schemas.map((schema, at): Row => ['schema', `${2200 + at}`, schema, null, null, null]),
    ...listed,
    ...inheritance.map(([child, parent]): Row => ['inherits', `${child}`, `${parent}`, null, null, null]),
    ...functions.map((row, at): Row => ['function', `${21000 + at}`, ...row]),
    ['operator', 'app', '===', 'app', 'same', null],
    ['operator', 'app', '!!!', 'app', 'burn', null],
    ['cast', 'badge', 'app', 'same', 'true', null],
    ['cast', 'ash', 'app', 'burn', 'false', null],
    ...(sql.includes("'present'")
      ? ([
          ['present', named.map(({ oid }) => oid).join(' '), null, null, null, null],
          ['count', 'schema', `${schemas.length}`, null, null, null],
          ['count', 'inherits', `${inheritance.length}`, null, null, null],
          ['count', 'function', `${functions.length}`, null, null, null],
        ] satisfies Row[])
      : []),
  ]
}
