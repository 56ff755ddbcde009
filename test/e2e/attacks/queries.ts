import type { Random } from '../../fuzz/random.ts'

/** A FROM item: how it is written, and its columns, which are texts. */
interface Item {
  readonly sql: string
  readonly alias: string
  readonly columns: readonly string[]
}

const maxDepth = 3
/** Names that mislead: of system columns, of what is masked, of tables. */
const names = ['x', 'ssn', 'xmin', 'ctid', 'id', 'name', 'customers', 'upper', 'tableoid']

/**
 * Queries over the arena's tables that nobody wrote: every way that values take from a table to an output, in one another. Their
 * columns are texts, so that nearly all of them run.
 */
export class Queries {
  readonly #random: Random
  #aliases = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** As a client may send it, in one text. */
  statement(): string {
    const query = this.#query(0, []).sql
    switch (this.#random.below(8)) {
      case 0:
        return `begin; declare c cursor for ${query}; fetch all in c; commit`
      case 1:
        return `prepare p as ${query}; execute p; deallocate p`
      case 2:
        return `copy (${query}) to stdout`
      case 3:
        return `copy (${query}) to stdout (format csv)`
      default:
        return query
    }
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random.below(items.length)]!
  }

  #alias(): string {
    return `t${this.#aliases++}`
  }

  #query(depth: number, ctes: readonly Item[]): Item {
    const alias = this.#alias()
    if (depth < maxDepth && this.#random.below(4) === 0) return { ...this.#withCtes(depth, ctes), alias }
    if (depth < maxDepth && this.#random.below(5) === 0) {
      const [one, other] = [this.#select(depth + 1, ctes, 1), this.#select(depth + 1, ctes, 1)]
      const union = this.#pick(['union all', 'union', 'except', 'intersect all'])
      return { sql: `(${one.sql}) ${union} (${other.sql})`, alias, columns: one.columns }
    }
    return this.#select(depth, ctes)
  }

  #withCtes(depth: number, outer: readonly Item[]): Item {
    const isRecursive = this.#random.below(2) === 0
    const ctes: Item[] = [...outer]
    const written: string[] = []
    for (let i = 0; i <= this.#random.below(3); i++) {
      const { sql, columns } = this.#query(depth + 1, ctes)
      const name = `c${this.#aliases++}`
      const kept = columns.map((_, at) => `k${at}`)
      written.push(`${name}(${kept.join(', ')}) as ${this.#pick(['', 'materialized '])}(${sql})`)
      ctes.push({ sql: name, alias: name, columns: kept })
    }
    const body = this.#select(depth + 1, ctes)
    // Where they may be in any order, they are.
    const ordered = isRecursive ? written.toReversed() : written
    return { ...body, sql: `with ${isRecursive ? 'recursive ' : ''}${ordered.join(', ')} ${body.sql}` }
  }

  #select(depth: number, ctes: readonly Item[], width?: number): Item {
    const items = [this.#item(depth, ctes)]
    if (depth < maxDepth && this.#random.below(3) === 0) items.push(this.#lateral(items[0]!, depth))
    const outputs = Array.from({ length: width ?? 1 + this.#random.below(3) }, (_, at) => {
      const name = `${this.#pick(names)}${at}`
      const bare = this.#random.below(3) === 0 ? this.#pick(names.slice(2, 4)) : name
      return { sql: this.#expression(depth, items, ctes), name: at === 0 ? bare : name }
    })
    const [first] = items
    const isAll = width === undefined && this.#random.below(5) === 0
    const list = isAll
      ? this.#pick(['*', `${first!.alias}.*`, `(${first!.alias}).*`])
      : outputs.map(({ sql, name }) => `${sql} as ${name}`).join(', ')
    const columns = isAll
      ? list === '*'
        ? items.flatMap((item) => item.columns)
        : first!.columns
      : outputs.map(({ name }) => name)
    const from = items.map(({ sql, alias }) => (sql === alias ? sql : `${sql} ${alias}`)).join(', ')
    return {
      sql: `select ${list} from ${from} where true limit 5`,
      alias: this.#alias(),
      columns: [...new Set(columns)],
    }
  }

  #item(depth: number, ctes: readonly Item[]): Item {
    const alias = this.#alias()
    if (ctes.length > 0 && this.#random.below(2) === 0) return this.#pick(ctes)
    if (depth < maxDepth && this.#random.below(2) === 0) {
      const { sql, columns } = this.#query(depth + 1, ctes)
      return { sql: `(${sql})`, alias, columns }
    }
    return this.#pick<Item>([
      { sql: 'app.customers', alias, columns: ['name', 'ssn'] },
      { sql: 'only app.customers', alias, columns: ['name', 'ssn', 'email'] },
      { sql: 'app.v_cust', alias, columns: ['ssn', 'name'] },
      { sql: 'app.v_renamed', alias, columns: ['code'] },
      { sql: 'app.v_upper', alias, columns: ['up'] },
      { sql: 'app.mv', alias, columns: ['code'] },
      { sql: 'app.part', alias, columns: ['ssn'] },
      { sql: 'app.f_all()', alias, columns: ['ssn', 'name'] },
      { sql: '(app.customers join app.other using (id))', alias, columns: ['ssn', 'note'] },
      { sql: "(values ('a'), ('b'))", alias, columns: ['column1'] },
    ])
  }

  /** An item that is computed from the one before it. */
  #lateral(before: Item, depth: number): Item {
    const alias = this.#alias()
    const row = before.alias
    const value = this.#expression(depth + 1, [before], [])
    return this.#pick<Item>([
      { sql: `lateral (select ${value} as l)`, alias, columns: ['l'] },
      { sql: `lateral (values (${value}))`, alias, columns: ['column1'] },
      { sql: `coalesce(${row})`, alias, columns: before.columns },
      { sql: `jsonb_each_text(to_jsonb(${row}))`, alias, columns: ['key', 'value'] },
      { sql: `unnest(array[${value}])`, alias, columns: [alias] },
      { sql: `string_to_table(${value}, ',')`, alias, columns: [alias] },
      { sql: `lateral (select array_agg(${row}) as a)`, alias, columns: [] },
    ])
  }

  #expression(depth: number, items: readonly Item[], ctes: readonly Item[]): string {
    const item = this.#pick(items.filter(({ columns }) => columns.length > 0))
    const column = `${item.alias}.${this.#pick(item.columns)}`
    if (depth >= maxDepth) return column
    const inner = (): string => this.#expression(depth + 1, items, ctes)
    switch (this.#random.below(24)) {
      case 0:
        return `upper(${inner()})`
      case 1:
        return `concat(${inner()}, ${inner()})`
      case 2:
        return `coalesce(${inner()}, 'none')`
      case 3:
        return `(${inner()} || ${inner()})`
      case 4:
        return `case when ${inner()} is null then ${inner()} else ${inner()} end`
      case 5:
        return `reverse(${inner()})`
      case 6:
        return `substr(${inner()}, 1, 20)`
      case 7:
        return `(array[${inner()}, ${inner()}])[1]`
      case 8:
        return `(select ${this.#expression(depth + 1, items, ctes)})`
      case 9:
        return `(${this.#select(depth + 1, ctes, 1).sql.replace(/limit 5$/, 'limit 1')})`
      case 10:
        return `json_build_object('k', ${inner()})::text`
      case 11:
        return `(row(${inner()}, ${inner()}))::text`
      case 12:
        return `(${item.alias})::text`
      case 13:
        return `row_to_json(${item.alias})::text`
      case 14:
        return `lag(${column}, 0) over ()`
      case 15:
        return `greatest(${inner()}, '')`
      case 16:
        return `(select string_agg(q.v, ',') from (select ${inner()} as v) q)`
      case 17:
        return `(select mode() within group (order by q.v) from (select ${inner()} as v) q)`
      case 18:
        return `array_to_string(array(select ${inner()}), '')`
      case 19:
        return `encode(convert_to(${inner()}, 'UTF8'), 'hex')`
      case 20:
        return `xmlserialize(content xmlelement(name r, ${inner()}) as text)`
      default:
        return column
    }
  }
}
