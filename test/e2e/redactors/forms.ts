import type { Endpoint } from '../../world/endpoint.ts'
import {
  bind,
  copyData,
  copyDone,
  execute,
  parse,
  query,
  sync,
  type Value,
} from '../../world/raw-messages.ts'
import { RawPostgres, wordsOf, type RawFrame } from '../../world/raw-postgres.ts'

/** All that came for a table, and what the server makes of its values when they are given back: texts, and NULL. */
export interface Shown {
  readonly raw: Buffer
  readonly rows: readonly (readonly (string | null)[])[]
}

/** Every way in which a table's rows come. */
export const forms: Readonly<
  Record<string, (asker: RawPostgres, reader: TypedReader, table: string) => Promise<Shown>>
> = {
  text: (asker, reader, table) => rows(asker, reader, 0, query(`select * from ${table} order by id`)),
  binary: (asker, reader, table) =>
    rows(
      asker,
      reader,
      1,
      parse(`select * from ${table} order by id`),
      bind([], { results: [1] }),
      execute(),
      sync(),
    ),
  'cursor, text': (asker, reader, table) => cursor(asker, reader, 0, table),
  'cursor, binary': (asker, reader, table) => cursor(asker, reader, 1, table),
  'COPY text': (asker, reader, table) => copy(asker, reader, table, ''),
  'COPY csv': (asker, reader, table) => copy(asker, reader, table, '(format csv, header)'),
  'COPY binary': (asker, reader, table) => copy(asker, reader, table, '(format binary)'),
  'COPY of a query, binary': (asker, reader, table) =>
    copy(asker, reader, `(select * from ${table} order by id)`, '(format binary)'),
}

/** A connection to the server itself, by which masked values are read as values of their columns' types. */
export class TypedReader implements AsyncDisposable {
  readonly #direct: RawPostgres
  /** By column. */
  readonly #types: readonly string[]

  private constructor(direct: RawPostgres, types: readonly string[]) {
    this.#direct = direct
    this.#types = types
  }

  static async open(endpoint: Endpoint, types: readonly string[]): Promise<TypedReader> {
    const direct = await RawPostgres.connect(endpoint)
    const columns = types.map((type, i) => `c${i} ${type}`).join(', ')
    await done(direct, query(`create temp table back (${columns})`))
    return new TypedReader(direct, types)
  }

  /** @throws Error with the server's words where one of them is no value of its type */
  async read(values: readonly (readonly Value[])[], format: number): Promise<Shown['rows']> {
    const list = this.#types.map((type, i) => `($${i + 1}::${type})::text`).join(', ')
    const said = values.flatMap((row) => [bind(row, { formats: [format] }), execute()])
    const frames = await done(this.#direct, parse(`select ${list}`), ...said, sync())
    return valuesOf(frames).map((row) => row.map((value) => value?.toString() ?? null))
  }

  /** The same, of what COPY gave. */
  async readCopy(copied: readonly Buffer[], options: string): Promise<Shown['rows']> {
    await done(this.#direct, query(`copy back from stdin ${options}`), ...copied.map(copyData), copyDone())
    const list = this.#types.map((_, i) => `c${i}::text`).join(', ')
    const frames = await done(this.#direct, query(`select ${list} from back order by c0`))
    await done(this.#direct, query('truncate back'))
    return valuesOf(frames).map((row) => row.map((value) => value?.toString() ?? null))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#direct[Symbol.asyncDispose]()
  }
}

async function rows(
  asker: RawPostgres,
  reader: TypedReader,
  format: number,
  ...said: readonly Buffer[]
): Promise<Shown> {
  const frames = await done(asker, ...said)
  return { raw: rawOf(frames), rows: await reader.read(valuesOf(frames), format) }
}

async function cursor(
  asker: RawPostgres,
  reader: TypedReader,
  format: number,
  table: string,
): Promise<Shown> {
  const kind = format === 1 ? 'binary cursor' : 'cursor'
  await done(asker, query('begin'))
  await done(asker, query(`declare k ${kind} for select * from ${table} order by id`))
  const shown = await rows(asker, reader, format, query('fetch all from k'))
  await done(asker, query('rollback'))
  return shown
}

async function copy(
  asker: RawPostgres,
  reader: TypedReader,
  source: string,
  options: string,
): Promise<Shown> {
  const frames = await done(asker, query(`copy ${source} to stdout ${options}`))
  const copied = frames.filter(({ tag }) => tag === 'd').map(({ body }) => body)
  return { raw: rawOf(frames), rows: await reader.readCopy(copied, options) }
}

async function done(client: RawPostgres, ...said: readonly Buffer[]): Promise<readonly RawFrame[]> {
  client.send(...said)
  const frames = await client.untilReady()
  const error = frames.find(({ tag }) => tag === 'E')
  if (error !== undefined) throw new Error(wordsOf(error))
  return frames
}

function valuesOf(frames: readonly RawFrame[]): (Buffer | null)[][] {
  return frames.filter(({ tag }) => tag === 'D').map(({ body }) => valuesIn(body))
}

function valuesIn(body: Buffer): (Buffer | null)[] {
  const values: (Buffer | null)[] = []
  for (let at = 2; at < body.length;) {
    const length = body.readInt32BE(at)
    values.push(length === -1 ? null : body.subarray(at + 4, at + 4 + length))
    at += 4 + Math.max(0, length)
  }
  return values
}

function rawOf(frames: readonly RawFrame[]): Buffer {
  return Buffer.concat(frames.map(({ body }) => body))
}
