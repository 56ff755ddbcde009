import { Worker } from 'node:worker_threads'
import type { Finding, Progress } from './search.ts'
import type { Target } from './target.ts'

/** What a worker is given. */
export interface Assignment {
  readonly target: string
  readonly servers: boolean
  readonly seed: number
  readonly units: number
  readonly lastsMs: number
  /** Where it writes the input that it runs: see {@link Desk}. */
  readonly desk: SharedArrayBuffer
}

export type Report =
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'over'; readonly progress: Progress }

/** An input may run so long before its worker is ended. */
const hangsMs = 60_000
/** All of a worker's objects. */
const heapMb = 1_500

/** The input that a worker runs, where its watcher sees it whatever becomes of the worker: a count, a length, the bytes. */
export class Desk {
  readonly shared: SharedArrayBuffer
  readonly #head: Int32Array
  readonly #bytes: Uint8Array

  constructor(shared: SharedArrayBuffer) {
    this.shared = shared
    this.#head = new Int32Array(shared, 0, 2)
    this.#bytes = new Uint8Array(shared, 8)
  }

  static for(maxBytes: number): Desk {
    return new Desk(new SharedArrayBuffer(8 + maxBytes))
  }

  /** How many inputs there were. */
  get count(): number {
    return Atomics.load(this.#head, 0)
  }

  get input(): Buffer {
    return Buffer.from(this.#bytes.slice(0, Atomics.load(this.#head, 1)))
  }

  put(input: Buffer): void {
    this.#bytes.set(input.subarray(0, this.#bytes.length))
    Atomics.store(this.#head, 1, Math.min(input.length, this.#bytes.length))
    Atomics.add(this.#head, 0, 1)
  }
}

/**
 * Searches in a thread of its own, so that an input that never ends, or takes all memory, is a finding like others, and the next
 * search goes on without it.
 */
export async function watchedSearch(
  target: Target,
  options: Omit<Assignment, 'target' | 'desk'>,
  onProgress: (progress: Progress) => void,
): Promise<Progress> {
  const desk = Desk.for(target.maxBytes)
  const assignment: Assignment = { ...options, target: target.name, desk: desk.shared }
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    workerData: assignment,
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  })
  let last: Progress = { inputs: 0, units: 0, corpus: 0, blocks: 0, seconds: 0, findings: [] }
  const { promise: over, resolve } = Promise.withResolvers<Finding | undefined>()
  const died = (words: string): void => resolve({ target: target.name, input: desk.input, words })
  worker.on('message', (report: Report) => {
    last = received(report.progress)
    if (report.kind === 'over') resolve(undefined)
    else onProgress(last)
  })
  worker.on('error', (error: Error) => died(`the search died: ${error.stack ?? error.message}`))
  worker.on('exit', (code) => died(`the search ended with code ${code}`))
  let seen = desk.count
  const watch = setInterval(() => {
    if (desk.count === seen && seen > 0) died(`it did not end within ${hangsMs} ms`)
    seen = desk.count
  }, hangsMs)
  try {
    const finding = await over
    return finding === undefined ? last : { ...last, findings: [...last.findings, finding] }
  } finally {
    clearInterval(watch)
    await worker.terminate()
  }
}

/** Buffers come over as plain arrays. */
function received(progress: Progress): Progress {
  return { ...progress, findings: progress.findings.map((it) => ({ ...it, input: Buffer.from(it.input) })) }
}
