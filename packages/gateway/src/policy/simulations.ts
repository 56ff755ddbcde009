import type { KeyObject } from 'node:crypto'
import { on } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { SimulationLine } from '@sallyport/api'
import { principalId, type Clock, type Resource, type Subject } from '@sallyport/core'
import type { PolicyText } from '@sallyport/policy'
import type { Recordings } from '@sallyport/recording'
import type { SessionFilter, SessionRow, Store } from '@sallyport/store'
import type { Authorize } from '../api/authorize.ts'
import { time } from '../api/views.ts'
import { invalidPolicy, ProblemError } from '../front/problem.ts'
import type { PolicyWords } from './in-force.ts'
import type { SimulationTold, SimulationWork } from './simulation-work.ts'
import { noneYet } from './versions.ts'

export interface SimulationParts {
  readonly store: Pick<Store, 'read' | 'write'>
  readonly recordings: Pick<Recordings, 'settle'>
  /** Where the processes of this gateway record, or have recorded. */
  readonly directories: readonly string[]
  readonly encryptionKey: KeyObject
  readonly words: PolicyWords
  readonly authorize: Pick<Authorize, 'mayReplayOn'>
  readonly clock: Clock
}

export interface SimulationRequest {
  readonly policies: readonly PolicyText[]
  /** Without those policies in force that are not among them. */
  readonly prune: boolean
  readonly since?: string | undefined
  readonly resource?: string | undefined
  readonly principal?: string | undefined
}

/** Judges recorded operations by other policies than those in force, one simulation at a time, beside the event loop. */
export class Simulations {
  readonly #parts: SimulationParts
  #isRunning = false

  constructor(parts: SimulationParts) {
    this.#parts = parts
  }

  /**
   * Resolves when the policies are known to stand; then tells how far it is, and the report as its last.
   * @throws ProblemError conflict, invalid-policy
   */
  async start(by: Subject, request: SimulationRequest): Promise<AsyncIterable<SimulationLine>> {
    if (this.#isRunning)
      throw new ProblemError('conflict', 'another simulation is running', { next: 'wait until it is done' })
    this.#isRunning = true
    await using life = new AsyncDisposableStack()
    life.defer(() => void (this.#isRunning = false))
    const { work, leftOut } = await this.#work(by, request)
    const worker = new Worker(new URL('./simulation-worker.ts', import.meta.url), {
      workerData: work,
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    })
    life.defer(async () => void (await worker.terminate()))
    const told = messagesOf(worker)
    const first = await told.next()
    if (first.done !== true && first.value.kind === 'invalid') throw invalidPolicy(first.value.problems)
    return lines(told, leftOut, life.move())
  }

  async #work(
    by: Subject,
    { policies, prune, since, resource, principal }: SimulationRequest,
  ): Promise<{ work: SimulationWork; leftOut: LeftOut }> {
    const { store, recordings, directories, encryptionKey, words, clock } = this.#parts
    const sinceMs = since === undefined ? clock.now() - defaultSinceMs : Date.parse(since)
    const wanted =
      principal === undefined || principal.includes(':') ? principal : principalId('user', principal)
    const over = [resource, wanted].filter((it) => it !== undefined).join(', ') || 'all resources'
    await store.write(by, 'policies', (tx) => {
      tx.note(`policies simulated over the recorded sessions of ${over} since ${time(sinceMs)}`, {
        kind: 'report',
      })
      return Promise.resolve()
    })
    const inForce = ((await store.read.policies.current()) ?? noneYet).texts
    const given = new Set(policies.map(({ name }) => name))
    const kept = prune ? [] : inForce.filter(({ name }) => !given.has(name))
    const resources = new Map((await store.read.resources.list()).map((it) => [it.name, it]))
    const rows = await this.#rows({
      livedSinceMs: sinceMs,
      ...(resource === undefined ? {} : { resource }),
      ...(wanted === undefined ? {} : { principalId: wanted }),
    })
    const seen = await this.#seenBy(by, resources)
    const own = (row: SessionRow): boolean =>
      row.principal.id === by.principal.id && by.actor.id === by.principal.id
    const judged = rows.filter((row) => resources.has(row.resource) && (seen.has(row.resource) || own(row)))
    const sessions: SimulationWork['sessions'][number][] = []
    for (const { id, endedAt } of judged) {
      const sizeBytes = endedAt === null ? await recordings.settle(id) : undefined
      sessions.push({ session: id, ...(sizeBytes === undefined ? {} : { sizeBytes }) })
    }
    const deleted = rows.filter((row) => !resources.has(row.resource)).length
    return {
      work: {
        before: [...inForce],
        after: [...kept, ...policies],
        vocabulary: words.protocols.map(({ name, actions, facts }) => ({ name, actions, facts })),
        detectorTags: words.detectorTags,
        directories,
        encryptionKey,
        sessions,
        resources,
        sinceMs,
      },
      leftOut: { deletedResource: deleted, notPermitted: rows.length - judged.length - deleted },
    }
  }

  /** Newest first. */
  async #rows(filter: Omit<SessionFilter, 'limit'>): Promise<SessionRow[]> {
    const rows: SessionRow[] = []
    for (;;) {
      const last = rows.at(-1)
      const page = await this.#parts.store.read.sessions.list({
        ...filter,
        ...(last === undefined ? {} : { beforeId: last.id }),
        limit: pageRows,
      })
      rows.push(...page)
      if (page.length < pageRows || rows.length >= maxSessions) return rows
    }
  }

  /** Names of the resources whose recordings they may look at. */
  async #seenBy(by: Subject, resources: ReadonlyMap<string, Resource>): Promise<ReadonlySet<string>> {
    const seen = new Set<string>()
    for (const name of resources.keys()) if (await this.#parts.authorize.mayReplayOn(by, name)) seen.add(name)
    return seen
  }
}

interface LeftOut {
  readonly deletedResource: number
  readonly notPermitted: number
}

/** Ends with the worker: @throws Error where that fails */
async function* messagesOf(worker: Worker): AsyncGenerator<SimulationTold> {
  for await (const [told] of on(worker, 'message', { close: ['exit'] })) yield told as SimulationTold
}

async function* lines(
  told: AsyncIterable<SimulationTold>,
  leftOut: LeftOut,
  life: AsyncDisposableStack,
): AsyncGenerator<SimulationLine> {
  await using _ = life
  yield { kind: 'progress', sessions: 0, operations: 0 }
  for await (const one of told) {
    if (one.kind === 'progress') yield one
    if (one.kind !== 'done') continue
    const { unreadable, changes, ...counts } = one.report
    yield {
      kind: 'report',
      ...counts,
      leftOut: { ...leftOut, unreadable },
      changes: changes.map(({ watchers, ...group }) => ({
        ...group,
        ...(watchers && { watchers: watchers.map((groups) => [...groups]) }),
        policies: [...group.policies],
        masked: [...group.masked],
        unmasked: [...group.unmasked],
        principals: [...group.principals],
        examples: group.examples.map((example) => ({ ...example, at: time(example.at) })),
      })),
    }
    return
  }
}

const defaultSinceMs = 7 * 86_400_000
const pageRows = 1000
/** The newest are taken. */
const maxSessions = 200_000
