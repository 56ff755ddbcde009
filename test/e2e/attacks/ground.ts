import { isDeepStrictEqual } from 'node:util'
import { startPostgres, type Postgres } from '../../world/postgres.ts'
import { copyFail, describeStatement, parse, sync } from '../../world/raw-messages.ts'
import { fieldsOf, RawPostgres, type RawFrame } from '../../world/raw-postgres.ts'
import { declarePostgres, startSallyport, type Person, type Sallyport } from '../../world/sallyport.ts'

const fixture = `
create schema app;
create table app.customers (id int primary key, ssn text);
insert into app.customers select i, '900-00-' || lpad(i::text, 4, '0') from generate_series(1, 5) i;
create table app.kept (id int primary key, note text);
insert into app.kept values (1, 'as it was');
create table app.inbox (id int, note text);
create view app.distinct_ids as select id from app.kept union select id from app.kept;
create function app.ssn_of(int) returns text language sql as 'select ssn from app.customers where id = $1';
create function app.lasting_ssn(int) returns text language plpgsql immutable as
  $$ begin return (select ssn from app.customers where id = $1); end $$;
create function app.open_cursor(name text) returns refcursor language plpgsql as
  $$ declare opened refcursor := name; begin open opened for select upper(ssn) from app.customers; return opened; end $$;
create function app.reopen_cursor(name text) returns refcursor language plpgsql as
  $$ declare opened refcursor := name; begin
       begin close opened; exception when others then null; end;
       open opened for select upper(ssn) from app.customers; return opened; end $$;
create function app.quote_ssn(int) returns text language plpgsql as
  $$ begin execute 'select ' || (select ssn from app.customers where id = $1) || ' zzz yyy'; return ''; end $$;
create function app.raise_ssn(int) returns text language plpgsql as
  $$ begin raise exception using errcode = '42P01', message = (select ssn from app.customers where id = $1); end $$;
create function app.notice_ssn(int) returns text language plpgsql as
  $$ begin raise notice '%', (select ssn from app.customers where id = $1); return ''; end $$;
select lo_from_bytea(4711, convert_to(string_agg(ssn, ','), 'UTF8')) from app.customers;
create schema mine;
create table mine.kept (id int primary key, note text);
create table mine.customers (id int, ssn text);
insert into mine.customers values (1, 'nothing');
alter database shop set search_path to app;
`

const policy = `
@id("readers")
permit (principal in Group::"readers", action in [Action::"connect", Action::"read", Action::"call", Action::"session", Action::"transaction"], resource);
@id("own-schema")
permit (principal in Group::"readers", action == Action::"delete", resource in Object::"orders-db/shop/mine");
@id("writers")
permit (principal in Group::"writers", action in [Action::"connect", Action::"read", Action::"insert", Action::"session", Action::"transaction"], resource);
`

/** Who attacks: `reader` may read, and delete in a schema of its own; `writer` may insert besides. */
export type Attacker = 'reader' | 'writer'
export const reader = 'reader'
export const writer = 'writer'

/** What a client may send at once. */
export type Batch = readonly Buffer[]

/** A question that no policy is asked about, and its answer, which is like no other. */
const fence: Batch = [parse('', { types: [16, 16, 16, 16, 16] }), describeStatement(), sync()]
const isFence = ({ tag }: RawFrame) => tag === 't'

export const update = (note: string) => `update app.kept set note = '${note}'`
export const clear = "select 'x'::text as upper"
export const secret = 'select upper(ssn) from app.customers'

export const codes = (frames: readonly RawFrame[]) =>
  frames.filter(({ tag }) => tag === 'E').map((frame) => fieldsOf(frame)['C'])
export const text = (frames: readonly RawFrame[]) =>
  Buffer.concat(frames.map(({ body }) => body)).toString('latin1')
export const masked = (frames: readonly RawFrame[]) => text(frames).match(/900-00-\d{4}|-00-000/)?.[0]

/** One deployment for all attacks. Nobody may change `app.kept` in any of them. */
export class Ground implements AsyncDisposable {
  #server!: Postgres
  #sallyport!: Sallyport
  #people!: Readonly<Record<Attacker, Person>>

  readonly open = async (): Promise<void> => {
    this.#server = await startPostgres({ databases: ['shop'] })
    await this.#server.query(fixture, 'shop')
    this.#sallyport = await startSallyport({ allow: [`127.0.0.1:${this.#server.port}`] })
    const masking = { columns: { 'app.customers.ssn': 'pii.ssn' } }
    await declarePostgres(this.#sallyport, this.#server, { masking })
    await this.#sallyport.apply({ kind: 'Policy', name: 'people', text: policy })
    this.#people = {
      reader: await this.#sallyport.person('reader', ['readers']),
      writer: await this.#sallyport.person('writer', ['writers']),
    }
  }

  readonly connect = (who: Attacker = reader): Promise<RawPostgres> =>
    RawPostgres.connect(this.#sallyport.endpoint(this.#people[who], 'orders-db', 'shop'))

  /** Sends batch after batch, each once the one before is answered, and gives all that came; also where the session ends. */
  readonly attack = async (who: Attacker, ...batches: readonly Batch[]): Promise<RawFrame[]> => {
    await using client = await this.connect(who)
    const seen: RawFrame[] = []
    for (const batch of batches) {
      client.send(...batch, copyFail('enough'), sync(), ...fence)
      const answers = await client.until(isFence, 10_000).catch(() => undefined)
      if (answers === undefined) return [...seen, ...(await client.untilOver(2_000))]
      seen.push(...answers, ...(await client.untilReady()))
    }
    return seen
  }

  /** What is masked and came through, in any message. */
  readonly shown = async (who: Attacker, ...batches: readonly Batch[]): Promise<string | undefined> =>
    masked(await this.attack(who, ...batches))

  readonly changes = async (who: Attacker, ...batches: readonly Batch[]): Promise<boolean> => {
    await this.attack(who, ...batches)
    return this.isChanged()
  }

  readonly isChanged = async (): Promise<boolean> =>
    !isDeepStrictEqual(await this.#server.query('select note from app.kept', 'shop'), [{ note: 'as it was' }])

  readonly [Symbol.asyncDispose] = async (): Promise<void> => {
    await this.#sallyport?.[Symbol.asyncDispose]()
    await this.#server?.[Symbol.asyncDispose]()
  }
}
