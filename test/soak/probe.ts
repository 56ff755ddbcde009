import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { Exposition } from './exposition.ts'
import { soon } from '../world/soon.ts'
import type { Ground } from './ground.ts'
import type { Sample } from './sample.ts'

/** Looks at everything from outside: the gateway's metrics, /proc, the target, the disk. */
export class Probe implements AsyncDisposable {
  readonly #ground: Ground
  readonly #target: pg.Client
  #before: { readonly atMs: number; readonly metrics: Exposition } | undefined
  /** Of the recordings: files are many, and are not looked at each time. */
  #recordings = 0
  #looks = 0

  private constructor(ground: Ground, target: pg.Client) {
    this.#ground = ground
    this.#target = target
  }

  static async open(ground: Ground): Promise<Probe> {
    const target = new pg.Client({ connectionString: ground.server.url() })
    await target.connect()
    return new Probe(ground, target)
  }

  get dataDirectory(): string {
    return join(this.#ground.sallyport.directory, 'data')
  }

  async metrics(): Promise<Exposition> {
    try {
      return new Exposition(await soon(() => this.#scrape().catch(() => undefined), patienceMs))
    } catch (cause) {
      const said = this.#ground.sallyport.gateway.output.split('\n').slice(-20).join('\n')
      throw new Error(`the gateway's metrics cannot be read; it said last:\n${said}`, { cause })
    }
  }

  /** Undefined where it has no time: a request that is not read within seconds is refused. */
  async #scrape(): Promise<string | undefined> {
    const { metrics: port } = this.#ground.sallyport.ports
    // A connection of its own: one that is kept may be closed just when it is used again.
    const asked = get({ host: '127.0.0.1', port, path: '/metrics', agent: false })
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    const said = await text(answer)
    return answer.statusCode === 200 ? said : undefined
  }

  /** Connections to the target but this one. */
  async backends(): Promise<number> {
    const { rows } = await this.#target.query<{ n: number }>(
      "select count(*)::int as n from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
    )
    return rows[0]?.n ?? 0
  }

  async look(atMs: number, clients: Pick<Sample, 'visits' | 'unexpected'>): Promise<Sample> {
    const { sallyport } = this.#ground
    const metrics = await this.metrics()
    const before = this.#before ?? { atMs: atMs - 1, metrics }
    this.#before = { atMs, metrics }
    const seconds = (atMs - before.atMs) / 1000
    const perSecond = (name: string): number => (metrics.sum(name) - before.metrics.sum(name)) / seconds
    if (this.#looks++ % lookAtFilesEach === 0)
      this.#recordings = sizeOf(join(this.dataDirectory, 'recordings'))
    return {
      atMs,
      gateway: {
        rss: metrics.sum('process_resident_memory_bytes'),
        heap: metrics.sum('nodejs_heap_size_used_bytes'),
        descriptors: metrics.sum('process_open_fds'),
        connections: metrics.sum('sallyport_client_connections'),
        sessions: metrics.sum('sallyport_sessions_live'),
        streams: metrics.sum('sallyport_tunnel_streams'),
        reviewsWaiting: metrics.sum('sallyport_reviews_waiting'),
        loopDelayMs: metrics.quantileSince(before.metrics, 'sallyport_event_loop_delay_seconds', 0.99) * 1000,
        cpu: perSecond('process_cpu_seconds_total'),
        operationsPerSecond: perSecond('sallyport_operations_total'),
        journal: metrics.sum('sallyport_journal_bytes'),
      },
      agent: { rss: residentOf(sallyport.agent.pid), descriptors: descriptorsOf(sallyport.agent.pid) },
      machineLoad: loadavg()[0]! / availableParallelism(),
      backends: await this.backends(),
      recordings: this.#recordings,
      store: storeSize(this.dataDirectory),
      ...clients,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#target.end()
  }
}

function residentOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

export function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

function storeSize(dataDirectory: string): number {
  const files = readdirSync(dataDirectory).filter((name) => name.startsWith('store.db'))
  return files.reduce((sum, name) => sum + sizeOfFile(join(dataDirectory, name)), 0)
}

function sizeOf(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + sizeOfFile(join(parentPath, name)), 0)
}

/** 0 where it has just gone. */
function sizeOfFile(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

const lookAtFilesEach = 10
const patienceMs = 120_000
