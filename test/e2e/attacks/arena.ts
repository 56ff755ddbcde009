import pg from 'pg'
import { presets } from '@sallyport/policy'
import { startPostgres, type Postgres } from '../../world/postgres.ts'
import { RawPostgres } from '../../world/raw-postgres.ts'
import { declarePostgres, startSallyport, type Person, type Sallyport } from '../../world/sallyport.ts'

const fixture = `
create schema app;
create table app.customers (id int primary key, name text, email varchar(100), ssn text, salary numeric(10,2), born date, data jsonb, acct int8);
insert into app.customers select i, 'n'||i, 'u'||i||'@ex.com', '900-00-'||lpad(i::text, 4, '0'), 1000+i, '1990-01-01'::date+i,
  jsonb_build_object('ssn', '900-00-'||lpad(i::text, 4, '0')), 4000000000+i from generate_series(1, 5) i;
create view app.v_cust as select id, name, ssn from app.customers;
create view app.v_renamed as select id, ssn as code from app.customers;
create view app.v_upper as select id, upper(code) as up from app.v_renamed;
create materialized view app.mv as select id, ssn as code from app.customers;
create table app.child () inherits (app.customers);
create function app.f_all() returns setof app.customers language sql as 'select * from app.customers';
create function app.f_ssn(int) returns text language sql as 'select ssn from app.customers where id = $1';
create function app.rc() returns refcursor language plpgsql as
  $$ declare r refcursor := 'myrc'; begin open r for select ssn from app.customers; return r; end $$;
create table app.part (id int, ssn text) partition by range (id);
create table app.part1 partition of app.part for values from (0) to (100);
insert into app.part values (1, '900-11-0001');
create table app.other (id int primary key, note text);
insert into app.other values (1, 'x');
create function app.leak(app.other) returns text language plpgsql as
  $$ begin return (select ssn from app.customers where id = $1.id); end $$;
create function app.same(text, text) returns text language plpgsql immutable as
  $$ begin return (select ssn from app.customers where id = 1); end $$;
create operator app.=== (function = app.same, leftarg = text, rightarg = text);
create function app.cleanup(int) returns int language sql as 'select $1';
create function app.purge() returns void language plpgsql as $$ begin delete from app.other; end $$;
create function app.purge_sql() returns void language sql as 'delete from app.other';
create function app.purge_atomic() returns void begin atomic delete from app.other; end;
create function app.nested() returns void language sql as 'select app.purge_sql()';
create function app.purge_row(app.other) returns text language plpgsql as $$ begin delete from app.other; return ''; end $$;
create function app.purge_stably() returns void language plpgsql stable as $$ begin perform app.purge(); end $$;
create function app.purge_surely() returns void language sql immutable as 'select app.purge()';
create function app.purge_state(int, int) returns int language plpgsql as $$ begin delete from app.other; return 1; end $$;
create aggregate app.purging(int) (sfunc = app.purge_state, stype = int, initcond = 0);
create function app.purge_by(int, int) returns bool language plpgsql as $$ begin delete from app.other; return true; end $$;
create operator app.!!! (function = app.purge_by, leftarg = int, rightarg = int);
create type app.ash as (n int);
create function app.burn(app.other) returns app.ash language plpgsql as $$ begin delete from app.other; return row(1)::app.ash; end $$;
create cast (app.other as app.ash) with function app.burn(app.other);
create function app.ping(n int) returns int language sql as 'select n';
create function app.pong(n int) returns int language sql as 'select app.ping(n - 1)';
create or replace function app.ping(n int) returns int language sql as
  'delete from app.other where n = 1; select case when n > 0 then app.pong(n) end';
create function app.counts_notes() returns bigint language plpgsql stable as $$ begin return (select count(*) from app.other); end $$;
create extension pg_prewarm;
create extension tablefunc;
create table app.counted (id int primary key, n int default 0);
insert into app.counted select i from generate_series(1, 20) i;
create function app.count_one() returns void language sql as 'update app.counted set n = n + 1 where id = 14';
create function app.purge_unseen() returns void language plpgsql as $$ begin perform app.purge(); end $$;
create table app.large (id int, ssn text);
alter table app.large alter ssn set storage external;
insert into app.large values (1, repeat('900-00-0001 ', 1000));
create function public.dblink(text, text) returns setof record language sql as 'select ssn from app.customers';
select lo_from_bytea(4711, convert_to(string_agg(ssn, ','), 'UTF8')) from app.customers;
create statistics app.kept (mcv) on id, ssn from app.customers;
analyze;
`

const columns = Object.fromEntries(
  ['customers.ssn', 'customers.data', 'part.ssn', 'large.ssn'].map((name) => [`app.${name}`, 'pii.ssn']),
)

const policy = `
@id("analysts")
permit (principal in Group::"analyst", action in [Action::"connect", Action::"read", Action::"write", Action::"dangerous", Action::"session"], resource);
@id("readers")
permit (principal in Group::"reader", action in [Action::"connect", Action::"read", Action::"session", Action::"transaction"], resource);
@id("read-only")
forbid (principal in Group::"reader", action in [Action::"session", Action::"transaction"], resource)
when { context.settings.containsAny(["transaction_read_only", "default_transaction_read_only"]) };
@id("guarded")
permit (principal in Group::"guarded", action in [Action::"connect", Action::"read", Action::"write", Action::"session", Action::"call", Action::"admin", Action::"unmask"], resource);
@id("by-review") @review("dba") @within("1m")
permit (principal in Group::"developer", action in [Action::"read", Action::"write", Action::"call"], resource);
@id("developers")
permit (principal in Group::"developer", action in [Action::"connect", Action::"session", Action::"unmask"], resource);
`

export type Name = 'analyst' | 'reader' | 'guarded' | 'developer' | 'dba' | 'both'
const names: readonly Name[] = ['analyst', 'reader', 'guarded', 'developer', 'dba', 'both']

/** One deployment for many attempts, none of which may leave a trace on the server. */
export class Arena implements AsyncDisposable {
  readonly #life = new AsyncDisposableStack()
  readonly #people = new Map<Name, Person>()
  #direct!: pg.Client
  #before = ''
  #toast = ''
  server!: Postgres
  sallyport!: Sallyport

  readonly open = async (): Promise<void> => {
    this.server = this.#life.use(await startPostgres({ databases: ['shop'] }))
    await this.server.query(fixture, 'shop')
    this.#direct = new pg.Client({ connectionString: this.server.url({ database: 'shop' }) })
    await this.#direct.connect()
    this.#life.defer(() => this.#direct.end())
    this.sallyport = this.#life.use(await startSallyport({ allow: [`127.0.0.1:${this.server.port}`] }))
    await declarePostgres(this.sallyport, this.server, { masking: { columns } })
    await declarePostgres(this.sallyport, this.server, {
      name: 'lenient-db',
      masking: { mode: 'lenient', columns },
    })
    const forbids = presets
      .filter(({ name }) => name.startsWith('no-'))
      .map(({ text }) => text.replaceAll(/\bprincipal,/g, 'principal in Group::"guarded",'))
    await this.sallyport.apply({ kind: 'Policy', name: 'people', text: [policy, ...forbids].join('\n') })
    for (const name of names)
      this.#people.set(
        name,
        await this.sallyport.person(name, name === 'both' ? ['developer', 'dba'] : [name]),
      )
    this.#before = await this.#state()
    const [large] = await this.query(`select 'app.large'::regclass::oid as oid`)
    this.#toast = `pg_toast_${String(large?.['oid'])}`
  }

  /** As it is sent: `pg_toast_LARGE` is where this server keeps the large values of `app.large`. */
  textOf(sql: string): string {
    return sql.replaceAll('pg_toast_LARGE', this.#toast)
  }

  person(name: Name): Person {
    return this.#people.get(name)!
  }

  connect(name: Name): Promise<RawPostgres> {
    return RawPostgres.connect(this.sallyport.endpoint(this.person(name), 'orders-db', 'shop'))
  }

  /** What is on the server now that was not, or the other way round. */
  async change(): Promise<string | undefined> {
    const now = await this.#state()
    return now === this.#before ? undefined : now
  }

  async query(text: string): Promise<Record<string, unknown>[]> {
    return (await this.#direct.query<Record<string, unknown>>(text)).rows
  }

  async #state(): Promise<string> {
    const [row] = await this.query(`
      select (select string_agg(o::text, ';' order by id) from app.other o) as other,
        (select md5(string_agg(c::text, ';' order by id)) from app.customers c) as customers,
        (select string_agg(oid::regclass::text, ' ' order by oid) from pg_class where oid >= 16384 and relkind not in ('t', 'i')) as relations,
        (select string_agg(oid::regprocedure::text, ' ' order by oid) from pg_proc where oid >= 16384) as functions,
        (select string_agg(attname, ' ' order by attnum) from pg_attribute where attrelid = 'app.customers'::regclass) as columns,
        (select count(*) from pg_largeobject_metadata) as large_objects, (select count(*) from pg_roles) as roles,
        (select count(*) from pg_trigger) as triggers, (select count(*) from pg_rewrite) as rules,
        (select count(*) from pg_prepared_xacts) as prepared, (select count(*) from pg_foreign_server) as servers`)
    return JSON.stringify(row)
  }

  readonly [Symbol.asyncDispose] = (): Promise<void> => this.#life.disposeAsync()
}
