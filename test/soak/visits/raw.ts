import { setTimeout as sleep } from 'node:timers/promises'
import { bind, cancelRequest, execute, parse, query, sync } from '../../world/raw-messages.ts'
import { fieldsOf, openStream, RawPostgres, type RawFrame } from '../../world/raw-postgres.ts'
import type { Role } from '../ground.ts'
import { expectThat, pick, type Visit, type Visitor } from './visit.ts'

/** Longer than anything takes on a crowded machine, and shorter than for ever. */
export const clientPatienceMs = 120_000

export const connect = ({ ground }: Visitor, role: Role, token?: string): Promise<RawPostgres> =>
  RawPostgres.connect(ground.endpoint(role, token), {}, clientPatienceMs)

export const codeOf = (frames: readonly RawFrame[]): string | undefined => {
  const error = frames.findLast(({ tag }) => tag === 'E')
  return error && fieldsOf(error)['C']
}

/** @throws Error where it is refused, with SQLSTATE and words */
export async function ask(client: RawPostgres, text: string): Promise<RawFrame[]> {
  client.send(query(text))
  const frames = await client.untilReady()
  const error = frames.find(({ tag }) => tag === 'E')
  if (error !== undefined) throw new Error(`${fieldsOf(error)['C']} ${fieldsOf(error)['M']}`)
  return frames
}

/** The first column of each row, as text. */
function firstColumn(frames: readonly RawFrame[]): string[] {
  return frames
    .filter(({ tag }) => tag === 'D')
    .map(({ body }) => body.toString('utf8', 6, 6 + body.readInt32BE(2)))
}

/** Pipelines of prepared statements, among them ones with literals that never come again. */
const pipelines: Visit = {
  name: 'raw pipelines',
  everyMs: 700,
  atOnce: 6,
  async run(visitor) {
    await using client = await connect(visitor, 'worker')
    client.send(parse('select name from customers where id = $1', { name: 's' }), sync())
    await client.untilReady()
    for (let round = 0; round < 15 && !visitor.signal.aborted; round++) {
      const id = String(1 + Math.floor(visitor.random() * 50))
      const literal = Math.floor(visitor.random() * 1e9)
      client.send(bind([id], { statement: 's' }), execute(), sync(), query(`select ${literal}`))
      const frames = await client.untilReady(2)
      expectThat(firstColumn(frames).at(-1) === String(literal), 'its own literal', codeOf(frames))
      await sleep(visitor.random() * 200)
    }
  },
}

const cancels: Visit = {
  name: 'cancels',
  everyMs: 4000,
  atOnce: 3,
  async run(visitor) {
    await using client = await connect(visitor, 'worker')
    client.send(query('select pg_sleep(20)'))
    await sleep(300)
    const stream = await openStream(visitor.ground.endpoint('worker'))
    stream.on('error', () => {}).end(cancelRequest(client.cancelKey))
    const frames = await client.untilReady()
    stream.destroy()
    expectThat(codeOf(frames) === '57014', 'a cancelled query', codeOf(frames))
    expectThat(firstColumn(await ask(client, 'select 7'))[0] === '7', 'a session that goes on')
  },
}

/** Sits there, as programs with a pool do. Every third one leaves without a word. */
const idle: Visit = {
  name: 'idle sessions',
  everyMs: 3000,
  atOnce: 20,
  async run(visitor) {
    await using client = await connect(visitor, 'worker')
    await sleep(10_000 + visitor.random() * 40_000, undefined, { signal: visitor.signal }).catch(() => {})
    await ask(client, 'select 1')
    if (visitor.random() < 1 / 3) client.destroy()
  },
}

/** Asks for a lot and does not read it: it goes, or reads on after all. */
const stalled: Visit = {
  name: 'stalled readers',
  everyMs: 9000,
  atOnce: 3,
  async run(visitor) {
    await using client = await connect(visitor, 'worker')
    client.pause()
    client.send(query("select repeat('x', 10000) from generate_series(1, 3000)"))
    await sleep(3000 + visitor.random() * 5000, undefined, { signal: visitor.signal }).catch(() => {})
    if (visitor.random() < 0.5) return client.destroy()
    client.resume()
    const frames = await client.untilReady()
    const rows = frames.filter(({ tag }) => tag === 'D').length
    expectThat(rows === 3000, '3000 rows', codeOf(frames) ?? rows)
  },
}

const failures: Visit = {
  name: 'refused statements',
  everyMs: 2000,
  atOnce: 3,
  async run(visitor) {
    await using client = await connect(visitor, 'careful')
    for (const [text, code] of [
      ['drop table orders', '42501'],
      ['select * from no_such_table', '42P01'],
      ['selekt 1', '42601'],
      ["copy orders to program 'cat'", '42501'],
    ] as const) {
      client.send(query(text))
      const frames = await client.untilReady()
      expectThat(codeOf(frames) === code, `${code} for ${text}`, codeOf(frames))
    }
    const table = pick(visitor.random, ['orders', 'products', 'customers'])
    expectThat(Number(firstColumn(await ask(client, `select count(*) from ${table}`))[0]) > 0, 'a count')
  },
}

const masked: Visit = {
  name: 'masked reads',
  everyMs: 1500,
  atOnce: 4,
  async run(visitor) {
    await using client = await connect(visitor, 'masked')
    const id = Math.floor(visitor.random() * 30)
    const reads = ['select email from customers', `select c.email from customers c where c.id > ${id}`]
    for (const text of [...reads, 'copy (select email from customers) to stdout']) {
      const frames = await ask(client, text)
      const shown = [
        ...firstColumn(frames),
        ...frames.filter(({ tag }) => tag === 'd').map(({ body }) => body.toString()),
      ]
      const clear = shown.find((value) => !value.startsWith('****'))
      expectThat(shown.length > 0 && clear === undefined, 'masked addresses only', clear ?? 'nothing')
    }
  },
}

export const rawVisits: readonly Visit[] = [pipelines, cancels, idle, stalled, failures, masked]
