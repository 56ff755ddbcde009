import { pick, type Choices } from '../../random.ts'
import type { Kind } from './secrets.ts'

/** A relation as the generator knows it. */
export interface Readable {
  readonly name: string
  readonly columns: readonly Column[]
}

export interface Column {
  readonly name: string
  readonly kind: Kind
  /** Whether it is of a composite type. */
  readonly isRow?: boolean
  readonly isArray?: boolean
}

/** How a statement is asked: each gives its rows in another way. */
export const manners = ['simple', 'text', 'binary', 'mixed', 'cursor', 'prepare', 'execute'] as const

export interface Asked {
  readonly manner: (typeof manners)[number] | 'copy'
  readonly sql: string
  /** Runs in a transaction that is rolled back. */
  readonly isChange: boolean
}

const maxDepth = 4

/** SELECTs of all forms over given relations, and what else shows rows; mostly such that the server takes them. */
export class PlantedGrammar {
  readonly #choices: Choices
  readonly #relations: readonly Readable[]
  /** What the enclosing queries can be named by. */
  #scope: readonly Source[] = []
  #ctes: readonly Readable[] = []
  #depth = 0
  #names = 0

  constructor(choices: Choices, relations: readonly Readable[]) {
    this.#choices = choices
    this.#relations = relations
  }

  statement(): Asked {
    switch (this.#choices.below(12)) {
      case 11:
        return { manner: 'copy', sql: this.#copy(), isChange: true }
      case 1:
        return { manner: this.#pick(['simple', 'binary', 'text']), sql: this.#change(), isChange: true }
      case 2:
        return { manner: this.#pick(['simple', 'binary']), sql: this.#withChange(), isChange: true }
      case 3:
        return {
          manner: 'simple',
          sql: `explain (verbose, costs off${this.#pick(['', ', format json', ', analyze, timing off, summary off'])}) ${this.query().sql}`,
          isChange: true,
        }
      default:
        return { manner: this.#pick(manners), sql: this.query().sql, isChange: false }
    }
  }

  /** A query with its columns. */
  query(): { readonly sql: string; readonly columns: readonly Column[] } {
    const [scope, ctes] = [this.#scope, this.#ctes]
    if (this.#depth >= maxDepth) return { sql: 'select 1 as id', columns: [{ name: 'id', kind: 'int' }] }
    this.#depth++
    try {
      const clauses = this.#once(4) ? `with ${this.#clause()}` : ''
      const body = this.#once(6) ? this.#setOperation() : this.#select()
      return { sql: `${clauses}${body.sql}`, columns: body.columns }
    } finally {
      this.#depth--
      this.#scope = scope
      this.#ctes = ctes
    }
  }

  /** A query that sees nothing of what is around it. */
  #apart(): ReturnType<PlantedGrammar['query']> {
    const scope = this.#scope
    this.#scope = []
    const made = this.query()
    this.#scope = scope
    return made
  }

  #clause(): string {
    const name = this.#name('w')
    if (this.#once(5)) {
      const scope = this.#scope
      this.#scope = []
      const { sql, columns } = this.#select()
      this.#scope = scope
      this.#ctes = [...this.#ctes, { name, columns }]
      return `recursive ${name} as (${sql} union all select * from ${name} where false) `
    }
    const { sql, columns } = this.#apart()
    const renamed = this.#once(4)
    const known = renamed ? columns.map((it, i) => ({ ...it, name: `r${i}` })) : columns
    this.#ctes = [...this.#ctes, { name, columns: known }]
    const list = renamed ? `(${known.map((it) => it.name).join(', ')})` : ''
    return `${name}${list} as ${this.#pick(['', 'materialized ', 'not materialized '])}(${sql}) `
  }

  #setOperation(): { sql: string; columns: Column[] } {
    const width = 1 + this.#choices.below(3)
    const side = (): string => {
      const scope = this.#scope
      const from = this.#from()
      const list = Array.from({ length: width }, (_, i) => `${this.#text()} as u${i}`).join(', ')
      this.#scope = scope
      return `select ${list} from ${from}`
    }
    const columns = Array.from({ length: width }, (_, i): Column => ({ name: `u${i}`, kind: 'text' }))
    const operator = this.#pick(['union', 'union all', 'intersect', 'except', 'except all'])
    return { sql: `${side()} ${operator} ${side()}${this.#once(3) ? ' order by 1' : ''}`, columns }
  }

  #select(): { sql: string; columns: Column[] } {
    const outer = this.#scope
    const from = this.#from()
    try {
      if (this.#once(5)) return this.#grouped(from)
      const isTop = this.#depth === 1
      if (this.#once(6)) {
        const source = this.#pick(this.#scope)
        const star = isTop && this.#once(3) ? '*' : `${source.alias}.*`
        return { sql: `select ${star} from ${from}${this.#tail()}`, columns: [...source.columns] }
      }
      const columns: Column[] = []
      const list = Array.from({ length: 1 + this.#choices.below(4) }, (_, i) => {
        const { sql, kind } = this.#any()
        columns.push({ name: `x${i}`, kind })
        return isTop && this.#once(3) ? sql : `${sql} as x${i}`
      })
      const distinct = this.#pick(['', '', '', '', 'distinct ', `distinct on (${this.#text()}) `])
      return { sql: `select ${distinct}${list.join(', ')} from ${from}${this.#tail()}`, columns }
    } finally {
      this.#scope = outer
    }
  }

  #grouped(from: string): { sql: string; columns: Column[] } {
    const key = this.#text()
    const by = this.#pick([key, `rollup (${key})`, `grouping sets ((${key}), ())`, key])
    const sql = `select ${key} as x0, ${this.#aggregate()} as x1, count(*) as x2 from ${from}${this.#where()} group by ${by}${this.#once(4) ? ` having ${this.#aggregate()} is not null` : ''}`
    return {
      sql,
      columns: [
        { name: 'x0', kind: 'text' },
        { name: 'x1', kind: 'other' },
        { name: 'x2', kind: 'int' },
      ],
    }
  }

  #tail(): string {
    const order = this.#once(4)
      ? ` order by ${this.#pick([() => '1', () => this.#text(), () => `${this.#column().sql} desc nulls last`])()}`
      : ''
    return `${this.#where()}${order}${this.#once(5) ? ' limit 5' : ''}`
  }

  #where(): string {
    return this.#once(3) ? ` where ${this.#condition()}` : ''
  }

  #condition(): string {
    return this.#deeper('true', () =>
      this.#pick([
        () => `${this.#text()} = ${this.#text()}`,
        () => `${this.#text()} like '%a%'`,
        () => `${this.#column().sql} is not null`,
        () => `${this.#text()} in (${this.#one()})`,
        () => `exists (${this.query().sql})`,
        () => `${this.#int()} > 3`,
        () => `(${this.#condition()} or not ${this.#condition()})`,
        () => `${this.#text()} ~ 'Z.*'`,
        () => `${this.#cast('int')} > 0`,
      ])(),
    )
  }

  // What is read from.

  #from(): string {
    const items = [this.#item()]
    for (let i = 0; i < 2 && this.#once(3); i++) items.push(this.#joined())
    return items.join('')
  }

  #joined(): string {
    const before = this.#scope
    switch (this.#choices.below(5)) {
      case 0: {
        const item = this.#item()
        return ` ${this.#pick(['join', 'left join', 'full join', 'right join'])} ${item} on true`
      }
      case 1: {
        const item = this.#item()
        const source = this.#scope.at(-1)!
        const isShared =
          source.columns.some(({ name }) => name === 'id') &&
          before.at(-1)?.columns.some(({ name }) => name === 'id') === true
        const isAlone = before.length === 1
        return isShared && isAlone
          ? ` ${this.#pick(['join', 'left join', 'full join'])} ${item} using (id)`
          : ` cross join ${item}`
      }
      case 2: {
        const { sql, columns } = this.query()
        const alias = this.#name('l')
        this.#scope = [...this.#scope, { alias, columns }]
        return `${this.#pick([', lateral', ' cross join lateral', ' left join lateral'])} (${sql}) ${alias}`.replace(
          /^( left join lateral .*)$/s,
          '$1 on true',
        )
      }
      case 3:
        return `, ${this.#function()}`
      default:
        return `, ${this.#item()}`
    }
  }

  /** Rows made of what stands before. */
  #function(): string {
    const alias = this.#name('f')
    const arrays = this.#scope.flatMap((source) =>
      source.columns.filter(({ isArray }) => isArray).map(({ name }) => `${source.alias}.${name}`),
    )
    const array = arrays.length > 0 ? this.#pick(arrays) : undefined
    const json = this.#json()
    const text = this.#text()
    const row = this.#pick(this.#scope).alias
    this.#scope = [...this.#scope, { alias, columns: [{ name: 'g', kind: 'text' }] }]
    return this.#pick([
      () => `unnest(${array ?? `array[${text}]`}) ${alias}(g)`,
      () => `regexp_split_to_table(${text}, ',') ${alias}(g)`,
      () => `jsonb_path_query(to_jsonb(${row}), '$.*') ${alias}(g)`,
      () => `jsonb_each_text(jsonb_build_object('k', ${json})) ${alias}(k, g)`,
      () => `lateral (values (${text}), ('v')) ${alias}(g)`,
      () => `json_array_elements(json_build_array(${json})) ${alias}(g)`,
      () => `rows from (unnest(array[${text}]), generate_series(1, 2)) ${alias}(g, n)`,
      () => `jsonb_to_recordset(jsonb_build_array(to_jsonb(${row}))) ${alias}(g text, c0 text)`,
    ])()
  }

  #item(): string {
    const alias = this.#name('a')
    if (this.#depth < maxDepth && this.#once(4)) {
      const { sql, columns } = this.#apart()
      const renamed = this.#once(5) ? columns.map((it, i) => ({ ...it, name: `n${i}` })) : columns
      this.#scope = [...this.#scope, { alias, columns: renamed }]
      return `(${sql}) ${alias}${renamed === columns ? '' : `(${renamed.map(({ name }) => name).join(', ')})`}`
    }
    const relation =
      this.#ctes.length > 0 && this.#once(2) ? this.#pick(this.#ctes) : this.#pick(this.#relations)
    this.#scope = [...this.#scope, { alias, columns: relation.columns }]
    return `${this.#once(12) ? 'only ' : ''}${relation.name} ${this.#pick(['', 'as '])}${alias}`
  }

  // What is computed.

  #any(): { sql: string; kind: Kind } {
    return this.#pick<() => { sql: string; kind: Kind }>([
      () => this.#column(),
      () => this.#column(),
      () => ({ sql: this.#text(), kind: 'text' }),
      () => ({ sql: this.#text(), kind: 'text' }),
      () => ({ sql: this.#int(), kind: 'int' }),
      () => ({ sql: this.#json(), kind: 'json' }),
      () => ({ sql: this.#other(), kind: 'other' }),
      () => ({ sql: `(${this.#condition()})`, kind: 'other' }),
      () => ({ sql: this.#window(), kind: 'other' }),
    ])()
  }

  #column(): { sql: string; kind: Kind; isArray?: boolean } {
    const source = this.#pick(this.#scope)
    const column = this.#pick(source.columns)
    const sql = `${source.alias}.${column.name}`
    if (column.isRow && this.#once(2))
      return this.#pick<() => { sql: string; kind: Kind }>([
        () => ({ sql: `(${sql}).alias`, kind: 'text' }),
        () => ({ sql: `(${sql}).number`, kind: 'int' }),
      ])()
    return { sql, kind: column.kind, isArray: column.isArray === true }
  }

  #of(kind: Kind): string | undefined {
    const all = this.#scope.flatMap((source) =>
      source.columns.filter((it) => it.kind === kind).map(({ name }) => `${source.alias}.${name}`),
    )
    return all.length === 0 ? undefined : this.#pick(all)
  }

  #text(): string {
    if (this.#depth >= maxDepth + 1) return this.#of('text') ?? "'leaf'"
    return this.#deeper("'leaf'", () =>
      this.#pick([
        () => this.#of('text') ?? `${this.#column().sql}::text`,
        () => `${this.#column().sql}::text`,
        () =>
          `${this.#pick(['upper', 'lower', 'initcap', 'reverse', 'trim', 'quote_literal', 'quote_ident'])}(${this.#text()})`,
        () => `substr(${this.#text()}, ${1 + this.#choices.below(4)})`,
        () => `${this.#pick(['left', 'right'])}(${this.#text()}, ${3 + this.#choices.below(20)})`,
        () => `(${this.#text()} || ${this.#text()})`,
        () =>
          `${this.#pick(['concat(', "concat_ws('-', ", "format('%s %L', "])}${this.#text()}, ${this.#text()})`,
        () => `coalesce(${this.#text()}, ${this.#text()})`,
        () => `nullif(${this.#text()}, 'x')`,
        () => `greatest(${this.#text()}, ${this.#text()})`,
        () => `case when ${this.#condition()} then ${this.#text()} else ${this.#text()} end`,
        () => `encode(convert_to(${this.#text()}, 'UTF8'), ${this.#pick(["'hex'", "'base64'", "'escape'"])})`,
        () => `replace(${this.#text()}, 'q', 'q')`,
        () => `regexp_replace(${this.#text()}, '(.*)', '<\\1>')`,
        () => `(regexp_match(${this.#text()}, '.+'))[1]`,
        () => `split_part(${this.#text()}, '@', 1)`,
        () => `lpad(${this.#text()}, 30, '*')`,
        () => `array_to_string(array[${this.#text()}, ${this.#text()}], ',')`,
        () => `to_json(${this.#column().sql})::text`,
        () => `(${this.#json()})#>>'{}'`,
        () => `row(${this.#text()}, ${this.#column().sql})::text`,
        () => `${this.#pick(this.#scope).alias}::text`,
        () => `(${this.#one()})`,
        () => `(${this.#text()})::${this.#pick(['varchar(40)', 'bytea', 'name', 'text', 'char(30)'])}::text`,
        () => `${this.#text()} collate "C"`,
        () => `to_char(${this.#of('date') ?? "date '2024-01-01'"}, 'YYYY-MM-DD')`,
        () => `to_char(${this.#int()}, 'FM9999999999999999')`,
        () => `format('%s', ${this.#pick(this.#scope).alias})`,
        () => `xmlelement(name x, ${this.#text()})::text`,
        () => `translate(${this.#text()}, 'y', 'z')`,
        () => `overlay(${this.#text()} placing '' from 1 for 0)`,
        () => `array(select ${this.#text()})::text`,
        () => this.#cast('text'),
      ])(),
    )
  }

  #int(): string {
    return this.#deeper('1', () =>
      this.#pick([
        () => this.#of('int') ?? '2',
        () => this.#of('int') ?? '3',
        () => `length(${this.#text()})`,
        () => `(${this.#int()} + ${this.#pick(['0', '1', this.#int()])})`,
        () => `abs(${this.#int()})`,
        () => this.#cast('int8'),
        () => `(${this.#of('num') ?? '1.5'})::int8`,
        () => `extract(epoch from ${this.#of('date') ?? "date '2024-01-01'"})::int8`,
        () => `coalesce(${this.#int()}, 0)`,
        () => `ascii(${this.#text()})`,
        () => `(${this.#of('date') ?? "date '2024-01-01'"})::date - date '2000-01-01'`,
      ])(),
    )
  }

  #json(): string {
    return this.#deeper("'{}'::jsonb", () =>
      this.#pick([
        () => `to_jsonb(${this.#column().sql})`,
        () => `to_jsonb(${this.#pick(this.#scope).alias})`,
        () => `jsonb_build_object('k', ${this.#column().sql}, 'l', ${this.#text()})`,
        () => `jsonb_build_array(${this.#column().sql}, ${this.#int()})`,
        () => `row_to_json(${this.#pick(this.#scope).alias})::jsonb`,
        () => `jsonb_set(${this.#json()}, '{a}', ${this.#json()})`,
        () => `(${this.#json()} || ${this.#json()})`,
        () => `to_jsonb(array[${this.#text()}])`,
      ])(),
    )
  }

  #other(): string {
    return this.#deeper('true', () =>
      this.#pick([
        () => `array[${this.#text()}, ${this.#text()}]`,
        () => `array[${this.#column().sql}]`,
        () => `array(${this.#one()})`,
        () => `row(${this.#column().sql}, ${this.#text()})`,
        () => this.#pick(this.#scope).alias,
        () => `string_to_array(${this.#text()}, ',')`,
        () => `convert_to(${this.#text()}, 'UTF8')`,
        () => `int8range(${this.#int()}, null)`,
        () => `${this.#of('date') ?? "date '2024-01-01'"} + interval '1 hour'`,
        () => `(${this.#of('num') ?? '1.5'})::numeric * 1.0`,
        () => `md5(${this.#text()})`,
        () => this.#cast('date'),
        () => `xmlforest(${this.#text()} as x)`,
        () => `to_tsvector('simple', ${this.#text()})`,
      ])(),
    )
  }

  /** A cast that fails for most values, and says for which. */
  #cast(to: string): string {
    return `(${this.#deeper("'7'", () => this.#pick([() => `${this.#column().sql}::text`, () => "'12'", () => this.#text()])())})::${to}`
  }

  #aggregate(): string {
    return this.#pick([
      () => `${this.#pick(['max', 'min'])}(${this.#text()})`,
      () => `string_agg(${this.#text()}, ',' order by ${this.#text()})`,
      () => `array_agg(${this.#column().sql})`,
      () => `jsonb_agg(${this.#pick(this.#scope).alias})`,
      () => `json_object_agg(coalesce(${this.#text()}, 'k'), ${this.#column().sql})`,
      () => `sum(${this.#int()})`,
      () => `avg(${this.#int()})`,
      () => `count(distinct ${this.#text()})`,
      () => `mode() within group (order by ${this.#text()})`,
      () => `max(${this.#text()}) filter (where ${this.#condition()})`,
      () => `percentile_disc(0.5) within group (order by ${this.#column().sql})`,
      () => `xmlagg(xmlelement(name x, ${this.#text()}))`,
    ])()
  }

  #window(): string {
    const over = `over (partition by ${this.#pick(['true', this.#text()])} order by ${this.#text()})`
    return this.#pick([
      () => `first_value(${this.#column().sql}) ${over}`,
      () => `lag(${this.#text()}, 1, 'none') ${over}`,
      () => `row_number() ${over}`,
      () => `max(${this.#text()}) ${over}`,
      () => `nth_value(${this.#text()}, 2) over (order by 1)`,
      () => `array_agg(${this.#text()}) ${over}`,
    ])()
  }

  /** A query of one text. */
  #one(): string {
    if (this.#depth >= maxDepth) return `select 'deep'`
    const scope = this.#scope
    this.#depth++
    try {
      const from = this.#from()
      return `select ${this.#text()} from ${from} order by 1 limit 1`
    } finally {
      this.#depth--
      this.#scope = scope
    }
  }

  // What else shows rows.

  #copy(): string {
    const form = this.#pick([
      '',
      ' (format csv, header, force_quote *)',
      ' (format csv)',
      ' (format binary)',
      " (delimiter '|', null 'nil')",
      " (format csv, quote '$', escape '!')",
    ])
    const relation = this.#pick(this.#relations)
    if (!relation.name.includes('.v') && !relation.name.includes('.pv') && this.#once(3))
      return `copy ${relation.name}${this.#once(2) ? ` (id, ${this.#pick(relation.columns).name})`.replace('(id, id)', '(id)') : ''} to stdout${form}`
    return `copy (${this.#once(6) ? this.#change() : this.query().sql}) to stdout${form}`
  }

  #change(): string {
    const tables = this.#relations.filter(({ name }) => /\.(t|p|parent|child|parts)\d?$/.test(name))
    const table = this.#pick(tables)
    const scope = this.#scope
    this.#scope = [{ alias: 'z', columns: table.columns }]
    try {
      const returning = this.#pick([
        () => '*',
        () => this.#any().sql,
        () => `${this.#column().sql}, ${this.#text()}, z.id`,
        () => 'z',
      ])()
      return this.#pick([
        () => `update ${table.name} z set id = id where ${this.#condition()} returning ${returning}`,
        () => `update ${table.name} z set tone = 'high' returning ${returning}`,
        () => `delete from ${table.name} z where z.id < 3 returning ${returning}`,
        () => `insert into ${table.name} as z (id) select 9 returning ${returning}`,
        () => `insert into ${table.name} as z select * from ${table.name} returning ${returning}`,
      ])()
    } finally {
      this.#scope = scope
    }
  }

  #withChange(): string {
    const change = this.#change().replace(/returning .*$/s, 'returning *')
    return `with made as (${change}) ${this.#pick(['select * from made', 'select made::text from made', 'select id, to_jsonb(made) from made'])}`
  }

  #name(letter: string): string {
    return `${letter}${this.#names++}`
  }

  /** Once in so many times; never at the end of the input, where all choices are the first. */
  #once(inSoMany: number): boolean {
    return this.#choices.below(inSoMany) === inSoMany - 1
  }

  #pick<T>(from: readonly T[]): T {
    return pick(this.#choices, from)
  }

  #deeper(leaf: string, make: () => string): string {
    if (this.#depth > maxDepth) return leaf
    this.#depth++
    try {
      return make()
    } finally {
      this.#depth--
    }
  }
}

interface Source {
  readonly alias: string
  readonly columns: readonly Column[]
}
