import { once, pick, type Choices } from '../../random.ts'

/**
 * Makes statements at random, and knows what each of them does: `actions` must be among what the classifier says of the text,
 * wherever in it they stand.
 */
export class Grammar {
  readonly actions = new Set<string>()
  /** `schema.table action`. */
  readonly objects = new Set<string>()
  readonly #choices: Choices
  #depth = 0

  constructor(choices: Choices) {
    this.#choices = choices
  }

  /** One to a few statements. */
  text(): string {
    const statements = Array.from({ length: once(this.#choices, 5) ? 1 + this.#choices.below(4) : 1 }, () =>
      this.statement(),
    )
    return this.#noise(statements.join(';'))
  }

  statement(): string {
    switch (this.#choices.below(10)) {
      case 0:
      case 1:
      case 2:
        return this.query()
      case 3:
      case 4:
        return this.#change()
      case 5:
        return this.#wrapped()
      case 6:
        return this.#copy()
      case 7:
      case 8:
        return this.#simple(definitions)
      default:
        return this.#simple(session)
    }
  }

  query(): string {
    return this.#deeper('select 1', () => {
      const body = pick(this.#choices, [
        () => `select ${this.#targets()} from ${this.#from()}${this.#where()}`,
        () => `select ${this.#targets()}`,
        () => `values (${this.expression()}), (${this.expression()})`,
        () => `(${this.query()}) union all (${this.query()})`,
        () => `table ${this.#relation()}`,
        () => `select ${this.expression()} from (${this.query()}) q${this.#where()} order by 1 limit 3`,
      ])()
      return once(this.#choices, 4) ? `with ${this.#clause()} ${body}` : body
    })
  }

  expression(): string {
    return this.#deeper('1', () =>
      pick(this.#choices, [
        () => pick(this.#choices, literals),
        () => pick(this.#choices, columns),
        () => `(${this.expression()} ${pick(this.#choices, operators)} ${this.expression()})`,
        () => `${pick(this.#choices, harmless)}(${this.expression()})`,
        () => this.#dangerous(),
        () => `(${this.query()})`,
        () => `exists (${this.query()})`,
        () => `case when ${this.expression()} then ${this.expression()} else ${this.expression()} end`,
        () =>
          `(${this.expression()})::${pick(this.#choices, ['text', 'int', 'numeric(10,2)', 'jsonb', 'text[]'])}`,
        () => `array[${this.expression()}, ${this.expression()}]`,
        () => `row(${this.expression()}, ${this.expression()})`,
        () => `(${this.expression()}) in (${this.expression()}, ${this.expression()})`,
        () => `coalesce(${this.expression()}, ${this.expression()})`,
        () => `count(*) filter (where ${this.expression()}) over (partition by ${this.expression()})`,
      ])(),
    )
  }

  /** Calls that do more than compute. */
  #dangerous(): string {
    const [call, action] = pick(this.#choices, dangerous)
    this.actions.add(action)
    return call
  }

  #change(): string {
    return this.#deeper('delete from app.other', () => {
      const table = pick(this.#choices, tables)
      switch (this.#choices.below(5)) {
        case 0:
          this.#does(table, 'insert')
          return `insert into ${table} ${pick(this.#choices, [() => this.query(), () => 'default values', () => `values (${this.expression()})`])()}${pick(this.#choices, ['', ' on conflict do nothing'])}${this.#returned()}`
        case 1:
          this.#does(table, 'update')
          return `update ${table} set id = ${this.expression()}${this.#where()}${this.#returned()}`
        case 2:
          this.#does(table, 'delete')
          return `delete from ${table}${this.#where()}${this.#returned()}`
        case 3:
          this.#does(table, 'update')
          this.#does(table, 'delete')
          return `merge into ${table} using app.other o on o.id = ${this.expression()} when matched and o.id > 1 then update set id = ${this.expression()} when matched then delete`
        default:
          this.#does(table, 'delete')
          return `truncate ${table}`
      }
    })
  }

  #returned(): string {
    if (once(this.#choices, 2)) return ''
    this.actions.add('read')
    return ` returning ${this.expression()}`
  }

  #clause(): string {
    const name = pick(this.#choices, ['w', 'customers', '"Odd Name"'])
    const body = this.#choices.below(2) === 0 ? this.query() : this.#returning()
    return `${once(this.#choices, 4) ? 'recursive ' : ''}${name} as ${pick(this.#choices, ['', 'materialized '])}(${body})`
  }

  /** A change that may stand in a WITH. */
  #returning(): string {
    const table = pick(this.#choices, tables)
    this.actions.add('read')
    const action = pick(this.#choices, ['insert', 'update', 'delete'] as const)
    this.#does(table, action)
    if (action === 'insert') return `insert into ${table} default values returning id`
    if (action === 'update')
      return `update ${table} set id = ${this.expression()}${this.#where()} returning *`
    return `delete from ${table}${this.#where()} returning id`
  }

  /** Statements around statements. */
  #wrapped(): string {
    return this.#deeper('select 1', () =>
      pick(this.#choices, [
        () =>
          `explain (analyze, ${pick(this.#choices, ['buffers', 'verbose', 'costs off'])}) ${this.#changeOrQuery()}`,
        () => `explain analyze ${this.#changeOrQuery()}`,
        () => `prepare p as ${this.#changeOrQuery('session')}`,
        () => `declare c cursor with hold for ${this.#with('session', () => this.query())}`,
        () =>
          `create ${pick(this.#choices, ['', 'temp ', 'unlogged '])}table made as ${this.#with('ddl', () => this.query())}`,
        () => `create materialized view made as ${this.#with('ddl', () => this.query())}`,
        () => `select * into made from (${this.#with('ddl', () => this.query())}) q`,
      ])(),
    )
  }

  #changeOrQuery(action?: string): string {
    if (action !== undefined) this.actions.add(action)
    if (once(this.#choices, 2)) return this.query()
    const table = pick(this.#choices, tables)
    this.#does(table, 'delete')
    return `delete from ${table}${this.#where()}`
  }

  #with(action: string, make: () => string): string {
    this.actions.add(action)
    return make()
  }

  #copy(): string {
    const table = pick(this.#choices, tables)
    switch (this.#choices.below(5)) {
      case 0:
        this.#does(table, 'insert')
        return `copy ${table} from stdin`
      case 1:
        this.#does(table, 'read')
        return `copy ${table} to stdout (format csv)`
      case 2:
        this.#does(table, 'insert')
        this.actions.add('copy_program')
        return `copy ${table} from program 'true'`
      case 3:
        this.#does(table, 'read')
        this.actions.add('admin')
        return `copy ${table} to '/tmp/x'`
      default:
        return `copy (${this.query()}) to stdout`
    }
  }

  #simple(from: readonly (readonly [text: string, action: string])[]): string {
    const [text, action] = pick(this.#choices, from)
    this.actions.add(action)
    return text
  }

  #does(table: string, action: string): void {
    this.actions.add(action)
    this.objects.add(`${table} ${action}`)
  }

  #relation(): string {
    const table = pick(this.#choices, tables)
    this.#does(table, 'read')
    return table
  }

  #from(): string {
    return pick(this.#choices, [
      () => this.#relation(),
      () => `${this.#relation()} c`,
      () => `${this.#relation()} a join ${this.#relation()} b on ${this.expression()}`,
      () => `${this.#relation()} a, lateral (${this.query()}) l`,
      () => `generate_series(1, 3) g(id)`,
      () => `only ${this.#relation()} tablesample system (10)`,
      () => `rows from (unnest(array[1]), ${this.#dangerousSet()}) r`,
    ])()
  }

  #dangerousSet(): string {
    this.actions.add('admin')
    return `pg_ls_dir('.')`
  }

  #targets(): string {
    return Array.from({ length: 1 + this.#choices.below(3) }, () =>
      once(this.#choices, 5) ? '*' : this.expression(),
    ).join(', ')
  }

  #where(): string {
    return once(this.#choices, 2) ? '' : ` where ${this.expression()}`
  }

  #deeper(leaf: string, make: () => string): string {
    if (this.#depth >= 5) return leaf
    this.#depth++
    try {
      return make()
    } finally {
      this.#depth--
    }
  }

  /** Spelling that means nothing: case, comments, white space. */
  #noise(text: string): string {
    switch (this.#choices.below(8)) {
      case 0:
        return text.replaceAll(' ', '/* ; -- /* nested */ */ ')
      case 1:
        return `-- select\n${text.replaceAll(' ', '\n\t')}\r\n;;`
      case 2:
        // Strings keep their case.
        return text.includes("'") || text.includes('"') || text.includes('$') ? text : text.toUpperCase()
      case 3:
        return `  ;${text}; -- drop table x`
      default:
        return text
    }
  }
}

const tables = ['app.customers', 'app.other', 'public.orders'] as const

const columns = [
  'id',
  'c.id',
  'ssn',
  'c.ssn',
  'email',
  'note',
  'c.*',
  '"Odd Name"',
  'größe',
  'ctid',
  '$1',
] as const

const literals = [
  '1',
  '-1.5e10',
  'null',
  'true',
  "'text'",
  "'it''s'",
  "E'\\'quoted\\\\'",
  '$$dollar $x$ quoted$$',
  "$tag$ ' ; -- $$ $tag$",
  "U&'d\\0061t\\+000061'",
  "B'101'",
  "X'1F'",
  "date '2025-01-01'",
  "interval '1' day",
  "'日本語 🐘'",
  "'multi'\n'line'",
] as const

const operators = [
  '+',
  '-',
  '*',
  '||',
  '=',
  '<>',
  '<=',
  'and',
  'or',
  'like',
  'is distinct from',
  '->>',
  '@>',
  'operator(pg_catalog.+)',
  '~',
  '!~*',
] as const

const harmless = [
  'lower',
  'length',
  'abs',
  'pg_catalog.upper',
  'to_json',
  'md5',
  'count',
  'max',
  '"left"',
] as const

const dangerous = [
  [`nextval('public.seq')`, 'update'],
  [`setval('public.seq', 5)`, 'update'],
  [`pg_read_file('/etc/passwd')`, 'admin'],
  [`pg_catalog.pg_terminate_backend(0)`, 'admin'],
  [`lo_create(0)`, 'update'],
  [`lo_export(1, '/tmp/x')`, 'admin'],
  [`query_to_xml('delete from app.other', true, true, '')`, 'call'],
  [`set_config('work_mem', '64kB', false)`, 'session'],
  [`pg_notify('a', 'b')`, 'session'],
  [`"pg_reload_conf"()`, 'admin'],
  [`PG_SLEEP(0)`, 'call'],
  [`dblink_exec('x', 'y')`, 'admin'],
] as const

const definitions = [
  ['create table app.made (id int primary key, note text default now()::text)', 'ddl'],
  ['create table app.made partition of app.part for values in (1)', 'ddl'],
  ['drop table if exists app.other cascade', 'ddl'],
  ['alter table app.other add column x int', 'ddl'],
  ['alter table app.other owner to postgres', 'ddl'],
  ['create index concurrently on app.other (id)', 'ddl'],
  ['create or replace view app.v as select * from app.customers', 'ddl'],
  ['create function app.f() returns int language sql as $$ select 1 $$', 'ddl'],
  ['create trigger t before insert on app.other for each row execute function app.f()', 'ddl'],
  ['create rule r as on insert to app.other do instead delete from app.customers', 'ddl'],
  ['create schema s create table t (id int)', 'ddl'],
  ["create type mood as enum ('a')", 'ddl'],
  ['create domain d as int check (value > 0)', 'ddl'],
  ['create extension dblink', 'admin'],
  ['create role r login superuser', 'grant'],
  ["alter role postgres password 'x'", 'grant'],
  ['drop owned by current_user', 'grant'],
  ['grant all on all tables in schema app to public', 'grant'],
  ['revoke select on app.other from public', 'grant'],
  ['alter default privileges grant all on tables to public', 'grant'],
  ["comment on table app.other is 'x'", 'ddl'],
  ['refresh materialized view app.mv', 'ddl'],
  ["alter system set work_mem = '1GB'", 'admin'],
  ['vacuum full', 'admin'],
  ['create publication p for all tables', 'admin'],
  ['create server s foreign data wrapper postgres_fdw', 'admin'],
  ['reassign owned by a to b', 'grant'],
  ['security label on table app.other is null', 'admin'],
] as const

const session = [
  ['set search_path to app, public', 'session'],
  ['set local role postgres', 'session'],
  ['reset all', 'session'],
  ['show all', 'session'],
  ['discard all', 'session'],
  ['listen a', 'session'],
  ["notify a, 'b'", 'session'],
  ['lock table app.other in share mode', 'session'],
  ['deallocate all', 'session'],
  ['execute p(1)', 'session'],
  ['fetch 3 from c', 'session'],
  ['close all', 'session'],
  ['begin isolation level serializable', 'transaction'],
  ['commit and chain', 'transaction'],
  ['rollback to savepoint s', 'transaction'],
  ["prepare transaction 'x'", 'admin'],
  ['call app.rc()', 'call'],
  ['do $$ begin perform 1; end $$', 'call'],
  ['set session characteristics as transaction read only', 'session'],
  ['set constraints all deferred', 'session'],
  ['checkpoint', 'admin'],
  ["load 'x'", 'admin'],
] as const
