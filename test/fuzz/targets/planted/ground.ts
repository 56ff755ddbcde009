import { Random } from '../../random.ts'
import { startPostgres, type Postgres } from '../../../world/postgres.ts'
import { RawPostgres, type RawFrame } from '../../../world/raw-postgres.ts'
import {
  bind,
  cstring,
  describePortal,
  execute,
  message,
  parse,
  query,
  sync,
} from '../../../world/raw-messages.ts'
import { declarePostgres, startSallyport, type Sallyport } from '../../../world/sallyport.ts'
import type { Endpoint } from '../../../world/endpoint.ts'
import type { Asked, Column, Readable } from './grammar.ts'
import { makeSchema, redactors, type MadeSchema } from './schema.ts'
import type { Kind } from './secrets.ts'

/** How many random schemas there are. An input picks one. */
const schemas = 16
/** More than the server's statement_timeout, on a busy machine. */
const patienceMs = 12_000

/** Who asks: on the server itself, or through the gateway, with and without `unmask`, on a resource of either mode. */
type Asker = 'direct' | 'seer' | 'strict' | 'lenient'
/** What each of them got, in that order. */
type Answers = [direct: RawFrame[], seer: RawFrame[], strict: RawFrame[], lenient: RawFrame[]]

const policy = `
@id("readers")
permit (principal in Group::"readers", action in [Action::"connect", Action::"read", Action::"write", Action::"session", Action::"transaction", Action::"call"], resource);
@id("seers")
permit (principal in Group::"seers", action, resource);
`

/** What one schema offers to be read: all of it, or what has nothing to do with tags. */
export interface Offer {
  readonly all: readonly Readable[]
  readonly plain: readonly Readable[]
}

/** One server with schemas full of secrets, and a gateway in front of it. */
export class PlantedGround implements AsyncDisposable {
  readonly #server: Postgres
  readonly #sallyport: Sallyport
  readonly #endpoints: Readonly<Record<Asker, Endpoint>>
  readonly #clients = new Map<Asker, RawPostgres>()
  readonly offers: readonly Offer[]

  private constructor(
    server: Postgres,
    sallyport: Sallyport,
    endpoints: Readonly<Record<Asker, Endpoint>>,
    offers: readonly Offer[],
  ) {
    this.#server = server
    this.#sallyport = sallyport
    this.#endpoints = endpoints
    this.offers = offers
  }

  static async start(): Promise<PlantedGround> {
    const made = Array.from({ length: schemas }, (_, i) => makeSchema(`s${i}`, new Random(i + 1)))
    await using life = new AsyncDisposableStack()
    const server = life.use(
      await startPostgres({ databases: ['shop'], settings: { statement_timeout: '2s', lock_timeout: '2s' } }),
    )
    for (const { name, sql } of made) {
      await server.query(sql, 'shop').catch((cause: unknown) => {
        throw new Error(`schema ${name} cannot be made: ${(cause as Error).message}\n${sql}`, { cause })
      })
    }
    await server.query('analyze', 'shop')
    const offers = await Promise.all(made.map((it) => offerOf(server, it)))
    const sallyport = life.use(await startSallyport({ allow: [`127.0.0.1:${server.port}`] }))
    const columns = Object.assign({}, ...made.map(({ tagged }) => tagged)) as MadeSchema['tagged']
    for (const mode of ['strict', 'lenient'] as const)
      await declarePostgres(sallyport, server, {
        name: mode,
        masking: { mode, columns: { ...columns }, redactors },
      })
    await sallyport.apply({ kind: 'Policy', name: 'people', text: policy })
    const reader = await sallyport.person('reader', ['readers'])
    const seer = await sallyport.person('seer', ['seers'])
    const endpoints = {
      direct: server.endpoint({ database: 'shop', tls: true }),
      seer: sallyport.endpoint(seer, 'strict', 'shop'),
      strict: sallyport.endpoint(reader, 'strict', 'shop'),
      lenient: sallyport.endpoint(reader, 'lenient', 'shop'),
    }
    life.move()
    return new PlantedGround(server, sallyport, endpoints, offers)
  }

  /** What each of the askers gets. One after the other where they would wait for each other's locks. */
  async askAll(asked: Asked): Promise<Answers> {
    if (!asked.isChange)
      return await Promise.all([
        this.#ask('direct', asked),
        this.#ask('seer', asked),
        this.#ask('strict', asked),
        this.#ask('lenient', asked),
      ])
    const direct = await this.#ask('direct', asked)
    const seen = await this.#ask('seer', asked)
    return [direct, seen, await this.#ask('strict', asked), await this.#ask('lenient', asked)]
  }

  /** All that comes back. A session that ends is begun anew the next time. */
  async #ask(asker: Asker, asked: Asked): Promise<RawFrame[]> {
    let client = this.#clients.get(asker)
    if (client === undefined || client.isOver) {
      client = await RawPostgres.connect(this.#endpoints[asker], {}, patienceMs)
      this.#clients.set(asker, client)
    }
    const { batch, ready } = bytesOf(asked)
    client.send(...batch)
    try {
      return await client.untilReady(ready)
    } catch (thrown) {
      if (client.isOver) return await client.untilOver()
      client.destroy()
      throw thrown
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients.values()) client.destroy()
    await this.#sallyport[Symbol.asyncDispose]()
    await this.#server[Symbol.asyncDispose]()
  }
}

/** The messages of a statement, and how often the server is ready before it is over. */
function bytesOf({ sql, manner, isChange }: Asked): { batch: Buffer[]; ready: number } {
  const { batch, ready } = plainly(sql, manner)
  return isChange
    ? { batch: [query('begin'), ...batch, query('rollback')], ready: ready + 2 }
    : { batch, ready }
}

function plainly(sql: string, manner: Asked['manner']): { batch: Buffer[]; ready: number } {
  const extended = (text: string, ...formats: number[]) => [
    parse(text),
    bind([], { results: formats }),
    describePortal(),
    execute(),
    sync(),
  ]
  switch (manner) {
    case 'simple':
    case 'copy':
      return { batch: [query(sql)], ready: 1 }
    case 'text':
      return { batch: extended(sql, 0), ready: 1 }
    case 'binary':
      return { batch: extended(sql, 1), ready: 1 }
    case 'mixed':
      return {
        batch: [
          parse(sql, { name: 'kept' }),
          message('D', Buffer.from('S'), cstring('kept')),
          sync(),
          bind([], { statement: 'kept', portal: 'some', results: [1] }),
          describePortal('some'),
          execute({ portal: 'some', maxRows: 2 }),
          execute({ portal: 'some' }),
          message('C', Buffer.from('S'), cstring('kept')),
          sync(),
          query('deallocate all'),
        ],
        ready: 3,
      }
    case 'cursor':
      return {
        batch: [
          query('begin'),
          query(`declare c cursor for ${sql}`),
          query('fetch 2 from c'),
          ...extended('fetch all from c', 1),
          query('rollback'),
        ],
        ready: 5,
      }
    case 'prepare':
      return {
        batch: [query(`prepare p as ${sql}`), ...extended('execute p', 1), query('deallocate all')],
        ready: 3,
      }
    case 'execute':
      return {
        batch: [query(`prepare p as ${sql}`), query('execute p'), query('deallocate all')],
        ready: 3,
      }
  }
}

async function offerOf(
  server: Postgres,
  { name, plain }: { readonly name: string; readonly plain: readonly string[] },
): Promise<Offer> {
  const rows = await server.query(
    `select c.relname::text as relation, a.attname::text as name, t.typname::text as type, t.typcategory::text as category
     from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
       join pg_type t on t.oid = a.atttypid
     where n.nspname = '${name}' and c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0
     order by c.relname, a.attnum`,
    'shop',
  )
  const relations = new Map<string, Column[]>()
  for (const row of rows as Record<'relation' | 'name' | 'type' | 'category', string>[]) {
    const columns = relations.get(row.relation) ?? []
    columns.push({
      name: row.name,
      kind: kindOf(row.type, row.category),
      isRow: row.type === 'person',
      isArray: row.category === 'A',
    })
    relations.set(row.relation, columns)
  }
  const all = [...relations].map(([relation, columns]) => ({ name: `${name}.${relation}`, columns }))
  const isPlain = (it: Readable) => plain.some((one) => it.name === `${name}.${one}`)
  return { all, plain: all.filter(isPlain) }
}

function kindOf(type: string, category: string): Kind {
  if (type === 'json' || type === 'jsonb') return 'json'
  if (type === 'int4' || type === 'int8') return 'int'
  if (category === 'S') return 'text'
  if (category === 'N') return 'num'
  return category === 'D' ? 'date' : 'other'
}
