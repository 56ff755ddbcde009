import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { availableFlavours } from '../world/postgres-binaries.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { query } from '../world/raw-messages.ts'
import { RawPostgres, wordsOf } from '../world/raw-postgres.ts'
import { declarePostgres, startSallyport, type Person, type Sallyport } from '../world/sallyport.ts'
import { forms, TypedReader } from './redactors/forms.ts'
import { mark, testedTypes, typesSql, type Forms, type TestedType } from './redactors/types.ts'

const redactors = {
  full: 'full',
  last4: 'keep-last-4',
  last2: { 'keep-last': 2 },
  domain: 'keep-domain',
  hash: 'hash',
  gone: 'null',
  digits: 'digits',
  fixed: { fixed: '7' },
} as const
type Name = keyof typeof redactors

/** Which redactors leave something of a value that its type can be. */
const shownBy: Readonly<Record<Forms, readonly Name[]>> = {
  text: ['full', 'last4', 'last2', 'domain', 'hash', 'digits', 'fixed'],
  markup: ['full', 'last4', 'last2', 'domain', 'hash', 'fixed'],
  number: ['hash', 'digits', 'fixed'],
  bytes: ['hash', 'fixed'],
  constant: ['fixed'],
  none: [],
}

const policy = `
@id("readers")
permit (principal in Group::"readers", action in [Action::"connect", Action::"read", Action::"session", Action::"transaction"], resource);
@id("readers-see-some")
permit (principal in Group::"readers", action == Action::"unmask", resource == Tag::"t.seen");
`

/** Twice the one secret, once the other, and NULL. */
function tableSql(name: string): string {
  const columns = testedTypes.map((type) => `"${type.name}" ${type.sql}`).join(', ')
  const values = (which: 0 | 1) => testedTypes.map(({ secrets }) => secrets[which]).join(', ')
  return `
create table r.${name} (id int, ${columns});
insert into r.${name} values (1, ${values(0)}), (2, ${values(0)}), (3, ${values(1)});
insert into r.${name} values (4);`
}

const combined = `
create table r.many (a text, b text, c text, d text);
insert into r.many values ('one 1111 2222 3333', 'two 1111 2222 3333', 'three 1111 2222 3333', 'four 1111 2222 3333');
create view r.narrower as select a, b, c as renamed, c from r.many;
create table r.top (k int, v text) partition by list (k);
create table r.part partition of r.top default;
insert into r.top values (1, 'part 1111 2222 3333');
`

const names = Object.keys(redactors) as Name[]
const masking = {
  columns: {
    ...(Object.assign({}, ...names.map(columnsOf)) as ReturnType<typeof columnsOf>),
    'r.many.a': ['t.last4', 't.hash'],
    'r.many.b': { tags: ['t.hash', 't.seen'], redactor: { 'keep-last': 6 } },
    'r.many.c': { tags: 't.last4', redactor: { 'keep-last': 5 } },
    'r.many.d': ['t.seen', 't.last4'],
    'r.narrower.renamed': { tags: 't.last2', redactor: { 'keep-last': 4 } },
    'r.narrower.b': 't.gone',
    'r.top.v': { tags: 't.last4', redactor: { 'keep-last': 5 } },
    'r.part.v': { tags: 't.last4', redactor: { 'keep-last': 3 } },
  },
  redactors: {
    ...Object.fromEntries(names.map((name) => [`t.${name}`, redactors[name]] as const)),
    't.seen': { 'keep-last': 1 },
  },
}

/** One of each flavour, behind one gateway. */
const servers = new Map<string, Postgres>()
let sallyport: Sallyport
let reader: Person
beforeAll(async () => {
  const started = await Promise.all(
    availableFlavours().map((flavour) => startPostgres({ flavour, databases: ['shop'] })),
  )
  for (const server of started) servers.set(server.flavour, server)
  sallyport = await startSallyport({ allow: started.map(({ port }) => `127.0.0.1:${port}`) })
  await sallyport.apply({ kind: 'Policy', name: 'people', text: policy })
  reader = await sallyport.person('reader', ['readers'])
})
afterAll(async () => {
  await sallyport?.[Symbol.asyncDispose]()
  for (const server of servers.values()) await server[Symbol.asyncDispose]()
})

describe.each(availableFlavours())('%s PostgreSQL', (flavour) => {
  let server: Postgres
  let asker: RawPostgres
  let back: TypedReader

  beforeAll(async () => {
    server = servers.get(flavour)!
    await server.query(typesSql + names.map(tableSql).join('') + combined, 'shop')
    await declarePostgres(sallyport, server, { name: flavour, masking })
    asker = await RawPostgres.connect(sallyport.endpoint(reader, flavour, 'shop'))
    const types = ['int', ...testedTypes.map(({ base }) => base)]
    back = await TypedReader.open(server.endpoint({ database: 'shop' }), types)
  })
  afterAll(async () => {
    await asker?.[Symbol.asyncDispose]()
    await back?.[Symbol.asyncDispose]()
  })

  test.each(names)(
    'the redactor %s leaves of every type a value of it, or NULL, and nothing that it does not keep, in any form',
    async (name) => {
      const { rows } = await forms['text']!(asker, back, `r.${name}`)
      expect(rows).toHaveLength(4)
      expect(testedTypes.flatMap((type) => mistakesOf(name, type, shownAs(type.name, rows)))).toEqual([])
      for (const ask of Object.values(forms)) {
        const shown = await ask(asker, back, `r.${name}`)
        expect(shown.rows).toEqual(rows)
        // Letters stay where only digits change.
        expect(shown.raw.includes(mark) && name !== 'digits').toBe(false)
      }
    },
  )

  test('equal numbers have equal hashes under a domain and without one', async () => {
    const { rows } = await forms['text']!(asker, back, 'r.hash')
    expect(shownAs('key', rows)).toEqual(shownAs('int4', rows))
    expect(shownAs('code', rows)).toEqual(shownAs('text', rows))
  })

  test('a constant is the same in every type that has it', async () => {
    const { rows } = await forms['binary']!(asker, back, 'r.fixed')
    const typed = testedTypes.filter((type) => type.forms !== 'none')
    const constants = typed.map(({ constant, base }) => {
      const value = `'${constant}'::${base.replace(/\[\]$/, '')}`
      return `(${base.endsWith('[]') ? `array[${value}]` : value})::${base}::text`
    })
    const [expected] = await server.query(`select json_build_array(${constants.join(', ')}) as them`, 'shop')
    expect(typed.map(({ name }) => shownAs(name, rows)[0])).toEqual(expected!['them'])
  })

  test.each([
    ['two tags of one column with nothing in common', 'select a from r.many', '****'],
    ['a column’s own redactor, in place of those of its tags', 'select b from r.many', '****223333'],
    ['the same under an alias, in a sub-select', 'select x from (select c as x from r.many) s', '****23333'],
    ['a tag that is shown beside one that is not', 'select d from r.many', '****3333'],
    ['a view, its own and the table’s, of which the shorter', 'select renamed from r.narrower', '****3333'],
    ['a view without its own', 'select c from r.narrower', '****23333'],
    ['a view whose tag has the stricter one', 'select b from r.narrower', null],
    ['a table and its partition, of which the shorter', 'select v from r.top', '****333'],
    ['the partition by itself', 'select v from r.part', '****333'],
    ['two columns in one', 'select c from r.many union all select b from r.many', '****'],
    ['the first of two that are there', "select coalesce(c, 'none') from r.many", '****'],
    [
      'rows that are written',
      'select x from (values (1)) v(k), lateral (select c as x from r.many) l',
      '****23333',
    ],
  ])('%s: nothing is shown that one of their redactors would hide', async (_, sql, shown) => {
    for (const copies of [false, true]) {
      asker.send(query(copies ? `copy (${sql}) to stdout` : sql))
      const frames = await asker.untilReady()
      const first = frames.find(({ tag }) => tag === (copies ? 'd' : 'D'))
      if (first === undefined) throw new Error(frames.map(wordsOf).join('; '))
      // What is computed has stars in rows, and NULL in COPY, which does not tell its type.
      const isComputed = shown === '****' && !sql.startsWith('select a ')
      const inCopy = shown === null || isComputed ? '\\N' : shown
      expect(copies ? first.body.toString().trimEnd() : valueIn(first.body)).toBe(copies ? inCopy : shown)
    }
  })
})

/** The only one of a row. */
function valueIn(body: Buffer): string | null {
  return body.readInt32BE(2) === -1 ? null : body.subarray(6).toString()
}

function columnsOf(name: Name) {
  const declared = (type: TestedType) =>
    name === 'fixed' ? { tags: 't.fixed', redactor: { fixed: type.constant } } : `t.${name}`
  return Object.fromEntries(testedTypes.map((type) => [`r.${name}.${type.name}`, declared(type)]))
}

function shownAs(type: string, rows: readonly (readonly (string | null)[])[]): readonly (string | null)[] {
  const column = 1 + testedTypes.findIndex(({ name }) => name === type)
  return rows.map((row) => row[column]!)
}

/** What is wrong with what is shown of twice the one secret, once the other, and NULL. */
function mistakesOf(name: Name, type: TestedType, shown: readonly (string | null)[]): readonly string[] {
  const [one, same, other, nothing] = shown
  const isShown = shownBy[type.forms].includes(name)
  const mistakes = [
    nothing !== null && 'NULL is a value',
    one !== same && 'equal values are not equal',
    (one !== null) !== isShown && `it is ${one}`,
    one !== null && one === other && name === 'hash' && 'different values are equal',
    ...[one, other].map((value, i) => (value === null ? undefined : leaked(name, type.secrets[i]!, value!))),
  ]
  return mistakes.filter((it) => typeof it === 'string').map((it) => `${type.name}: ${it}`)
}

/** What may be chance is shorter. */
const telling = 7

/** A piece of a secret that is in what is shown of it, beside what the redactor keeps. */
function leaked(name: Name, secret: string, shown: string): string | undefined {
  const symbols = (text: string): string =>
    text.replace(name === 'digits' ? /\D/g : /[^\p{L}\p{N}]/gu, '').toLowerCase()
  const kept = name === 'last4' ? 4 : name === 'last2' ? 2 : 0
  const hidden =
    name === 'domain'
      ? shown.replaceAll('@mail.example.org', '')
      : shown.replace(/\w+/g, (word) => word.slice(0, word.length - kept))
  const where = symbols(hidden)
  const all = symbols(secret)
  for (let at = 0; at + telling <= all.length; at++)
    if (where.includes(all.slice(at, at + telling))) return all.slice(at, at + telling)
  return undefined
}
