import { Worker } from 'node:worker_threads'
import type { Parsed } from './engine.ts'
import type { ParserLimits } from './limits.ts'

/** A worker for texts that may take long: one at a time, each with a time limit that ends the worker. */
export class ParseRoom implements AsyncDisposable {
  readonly #limits: ParserLimits
  readonly #module: WebAssembly.Module
  #worker: Worker | undefined
  #waiting = 0
  #last: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(limits: ParserLimits, module: WebAssembly.Module) {
    this.#limits = limits
    this.#module = module
  }

  /** `undefined` where it took too long, failed, or too many wait. */
  async parse(text: string): Promise<Parsed | undefined> {
    if (this.#waiting >= this.#limits.maxWaiting || this.#isClosed) return undefined
    this.#waiting++
    const turn = this.#last.then(() => this.#parseNow(text))
    this.#last = turn
    try {
      return await turn
    } finally {
      this.#waiting--
    }
  }

  async #parseNow(text: string): Promise<Parsed | undefined> {
    if (this.#isClosed) return undefined
    const worker = (this.#worker ??= new Worker(new URL('./parse-worker.ts', import.meta.url), {
      workerData: this.#module,
      resourceLimits: { stackSizeMb: 4, maxOldGenerationSizeMb: 512 },
    }))
    worker.ref()
    const parsed = await answer(worker, text, this.#limits.maxParseMs)
    if (parsed === undefined) {
      this.#worker = undefined
      await worker.terminate()
    } else worker.unref()
    return parsed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    await this.#worker?.terminate()
    await this.#last
  }
}

function answer(worker: Worker, text: string, timeoutMs: number): Promise<Parsed | undefined> {
  return new Promise((resolve) => {
    const settle = (parsed: Parsed | undefined) => {
      clearTimeout(timer)
      worker.off('message', settle).off('error', fail).off('exit', fail)
      resolve(parsed)
    }
    const fail = () => settle(undefined)
    const timer = setTimeout(fail, timeoutMs)
    worker.on('message', settle).on('error', fail).on('exit', fail)
    worker.postMessage(text)
  })
}
