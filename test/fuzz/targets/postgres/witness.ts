import pg from 'pg'
import type { Analysis } from '../../../../packages/postgres/src/facts/analysis.ts'
import { startPostgres, type Postgres } from '../../../world/postgres.ts'

/** Every so many texts are tried on the server: it is slower than a classifier. */
const oneIn = 25

/** A real PostgreSQL that is asked whether a text that is called harmless is. */
export class Witness implements AsyncDisposable {
  readonly #server: Postgres
  readonly #client: pg.Client
  #texts = 0

  private constructor(server: Postgres, client: pg.Client) {
    this.#server = server
    this.#client = client
  }

  static async start(): Promise<Witness> {
    const server = await startPostgres({ databases: ['shop'] })
    const client = new pg.Client({ connectionString: server.url({ database: 'shop' }) })
    client.on('error', () => {})
    await client.connect()
    await client.query(schema)
    return new Witness(server, client)
  }

  /**
   * A text that only reads runs in a read-only transaction, where PostgreSQL itself refuses every change (25006); one without
   * facts is an empty query to it.
   */
  async contradicts(text: string, { facts, refusal }: Analysis): Promise<string | undefined> {
    if (refusal !== undefined || text.includes('\0')) return undefined
    if (facts.length > 0 && this.#texts++ % oneIn !== 0) return undefined
    if (!facts.every(({ actions }) => actions.every((action) => action === 'read'))) return undefined
    await this.#client.query('begin read only; set local statement_timeout = 300')
    try {
      const results = (await this.#client.query(text)) as pg.QueryResult | pg.QueryResult[]
      const all = Array.isArray(results) ? results : [results]
      const commands = all.flatMap(({ command }) => (command === null ? [] : [command]))
      if (facts.length === 0 && commands.length > 0)
        return `said to be empty, and the server did ${commands.join(', ')}: ${text}`
      return undefined
    } catch (thrown) {
      const code = thrown instanceof pg.DatabaseError ? thrown.code : undefined
      return code === '25006'
        ? `said to read only, and the server says: ${(thrown as Error).message}: ${text}`
        : undefined
    } finally {
      await this.#client.query('rollback')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end()
    await this.#server[Symbol.asyncDispose]()
  }
}

/** What the classifier's own catalogue of these tests holds. */
const schema = `
create schema app;
create table app.customers (id int, name text, email text, ssn text, salary numeric, born date, data jsonb, acct text);
create table app.child () inherits (app.customers);
create table app.other (id int, note text);
create table app.part (id int, ssn text) partition by list (id);
create table public.orders (id int, customer_id int, total numeric);
create sequence public.seq;
create view app.v_cust as select id, name, ssn from app.customers;
create function app.f(int) returns int language sql as 'select $1';
insert into app.customers (id, name, ssn) values (1, 'a', '1'), (2, 'b', '2');
insert into app.other values (1, 'x');
insert into public.orders values (1, 1, 10);
`
