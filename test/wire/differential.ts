import type { Endpoint } from '../world/endpoint.ts'
import type { Postgres } from '../world/postgres.ts'
import { RawPostgres, wordsOf, type RawFrame } from '../world/raw-postgres.ts'
import * as say from '../world/raw-messages.ts'

/** What a client sends at once, and what it waits for before it goes on. */
export interface Step {
  readonly send: readonly Uint8Array[]
  /** A number: that many ReadyForQuery. A tag: the first message with it, a flushed batch's last or a CopyInResponse. */
  readonly until: number | string
}

/** What one client does on a connection of its own. */
export interface Script {
  readonly name: string
  readonly steps: readonly Step[]
  /** Start-up parameters beside user and database. */
  readonly parameters?: Readonly<Record<string, string>>
}

/** Everything a server said to a script. */
export interface Transcript {
  readonly name: string
  readonly greeting: readonly RawFrame[]
  /** By step. */
  readonly answers: readonly (readonly RawFrame[])[]
}

export interface Difference {
  readonly script: string
  /** Counted from 1; 0 is the log-in. */
  readonly step: number
  readonly direct: string
  readonly proxied: string
}

/** The simple protocol: one Query message. */
export function simple(text: string): Step {
  return { send: [say.query(text)], until: 1 }
}

/** The extended protocol, all at once: parse, bind, describe, execute, sync. */
export function extended(
  text: string,
  values: readonly say.Value[] = [],
  options: { types?: readonly number[]; formats?: readonly number[]; results?: readonly number[] } = {},
): Step {
  return {
    send: [
      say.parse(text, { types: options.types ?? [] }),
      say.bind(values, options),
      say.describePortal(),
      say.execute(),
      say.sync(),
    ],
    until: 1,
  }
}

/** Messages of one's own choice, sent together. */
export function batch(...send: readonly Uint8Array[]): Step {
  return { send, until: 1 }
}

export function until(last: number | string, ...send: readonly Uint8Array[]): Step {
  return { send, until: last }
}

/** Runs the scripts one after the other, each on a new connection. */
async function transcribe(endpoint: Endpoint, scripts: readonly Script[]): Promise<readonly Transcript[]> {
  const transcripts: Transcript[] = []
  for (const script of scripts) {
    try {
      transcripts.push(await transcribeOne(endpoint, script))
    } catch (error) {
      throw new Error(`${script.name}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      })
    }
  }
  return transcripts
}

/**
 * Compares every byte, in order. Apart are only: BackendKeyData, the process id in a notification, the order of ParameterStatus
 * in the greeting, and the numbers that PostgreSQL gave to tables and types made by the scripts: those are replaced, on both
 * sides, by the order of their appearance.
 */
function differences(direct: readonly Transcript[], proxied: readonly Transcript[]): readonly Difference[] {
  if (direct.length !== proxied.length) throw new TypeError('transcripts of different scripts')
  return direct.flatMap((one, at) => differencesOfOne(one, proxied[at]!))
}

/**
 * The whole of it: the same scripts against the server itself and against `proxied`, each time in a fresh copy of `template` under
 * the name that `proxied` says. Both must reach `server`.
 */
export async function differential(
  server: Postgres,
  template: string,
  proxied: Endpoint,
  scripts: readonly Script[],
  options: { readonly targetDatabase?: string } = {},
): Promise<readonly Difference[]> {
  const database = options.targetDatabase ?? proxied.database
  const inFreshDatabase = async (endpoint: Endpoint): Promise<readonly Transcript[]> => {
    await server.dropDatabase(database)
    await server.createDatabase(database, template)
    return transcribe(endpoint, scripts)
  }
  const expected = await inFreshDatabase(server.endpoint({ database }))
  const got = await inFreshDatabase(proxied)
  await server.dropDatabase(database)
  return differences(expected, got)
}

async function transcribeOne(endpoint: Endpoint, script: Script): Promise<Transcript> {
  await using client = await RawPostgres.connect(endpoint, script.parameters)
  const answers: RawFrame[][] = []
  for (const step of script.steps) {
    client.send(...step.send)
    const { until: last } = step
    answers.push(
      typeof last === 'number'
        ? await client.untilReady(last)
        : await client.until(({ tag }) => tag === last),
    )
  }
  return { name: script.name, greeting: client.greeting, answers }
}

function differencesOfOne(direct: Transcript, proxied: Transcript): Difference[] {
  const numbers = [new Appearances(), new Appearances()] as const
  const steps = [
    [greetingOf(direct), greetingOf(proxied)],
    ...direct.answers.map((answer, at) => [answer, proxied.answers[at] ?? []] as const),
  ] as const
  const found: Difference[] = []
  for (const [step, [expected, got]] of steps.entries()) {
    const want = expected!.map((frame) => comparable(frame, numbers[0]))
    const have = got!.map((frame) => comparable(frame, numbers[1]))
    if (areEqual(want, have)) continue
    const at = firstDifference(want, have)
    found.push({ script: direct.name, step, direct: excerpt(want, at), proxied: excerpt(have, at) })
  }
  return found
}

function greetingOf({ greeting }: Transcript): RawFrame[] {
  const settings = greeting.filter(({ tag }) => tag === 'S').toSorted((a, b) => a.body.compare(b.body))
  return [...settings, ...greeting.filter(({ tag }) => tag !== 'S' && tag !== 'K')]
}

const firstUserOid = 16_384

/** Numbers of things that the scripts made, by when they were first seen. */
class Appearances {
  readonly #order = new Map<number, number>()

  place(oid: number): number {
    if (oid < firstUserOid) return oid
    const known = this.#order.get(oid)
    if (known !== undefined) return known
    this.#order.set(oid, firstUserOid + this.#order.size)
    return this.place(oid)
  }
}

function comparable(frame: RawFrame, numbers: Appearances): RawFrame {
  if (frame.tag !== 'A' && frame.tag !== 'T' && frame.tag !== 't') return frame
  const body = Buffer.from(frame.body)
  const replaceAt = (at: number): void => void body.writeUInt32BE(numbers.place(body.readUInt32BE(at)), at)
  if (frame.tag === 'A') body.writeUInt32BE(0, 0)
  if (frame.tag === 't') for (let at = 2; at < body.length; at += 4) replaceAt(at)
  if (frame.tag === 'T') {
    for (let at = 2; at < body.length; at += 18) {
      at = body.indexOf(0, at) + 1 // the column's name
      replaceAt(at) // of its table
      replaceAt(at + 6) // of its type
    }
  }
  return { tag: frame.tag, body }
}

function areEqual(a: readonly RawFrame[], b: readonly RawFrame[]): boolean {
  return a.length === b.length && firstDifference(a, b) === a.length
}

function firstDifference(a: readonly RawFrame[], b: readonly RawFrame[]): number {
  const at = a.findIndex((frame, i) => frame.tag !== b[i]?.tag || !frame.body.equals(b[i].body))
  return at === -1 ? a.length : at
}

/** Where they part, in few words. */
function excerpt(frames: readonly RawFrame[], at: number): string {
  const around = frames.slice(Math.max(0, at - 2), at + 3).map((frame) => {
    if (frame.tag === 'E' || frame.tag === 'N') return `${frame.tag}(${wordsOf(frame)}: ${printable(frame)})`
    return `${frame.tag}(${printable(frame)})`
  })
  return `${frames.length} messages, from ${Math.max(0, at - 2) + 1}: ${around.join(' ')}`
}

function printable({ body }: RawFrame): string {
  const text = body.toString('latin1').replaceAll(/[^\x20-\x7e]/g, '·')
  return text.length > 160 ? `${text.slice(0, 160)}… ${text.length} bytes` : text
}
