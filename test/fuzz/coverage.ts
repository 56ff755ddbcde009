import { Session, type Profiler } from 'node:inspector'

/** What is known of one function: its blocks that have not run yet. Those that have run are not told apart from it. */
interface Known {
  readonly unrun: Map<string, { readonly from: number; readonly to: number }>
  readonly run: Set<string>
}

/**
 * Which blocks of our code have run, by V8's own block coverage of this thread. A reading costs milliseconds, so it is taken for
 * many inputs together. V8 tells of a block only where its count differs from that of the code around it: one that ran is one
 * that was told of as not run, and no longer is. It counts the blocks of functions that are compiled while it counts: see
 * {@link countBlocks}.
 * @see https://v8.dev/blog/javascript-code-coverage
 */
export class Coverage implements Disposable {
  readonly #session = new Session()
  readonly #guide: RegExp
  readonly #functions = new Map<string, Known>()
  #size = 0
  #spentMs = 0

  /** @param guide which files count, by their URLs */
  constructor(guide: RegExp) {
    this.#guide = guide
    begin(this.#session)
  }

  /** How many functions and blocks are known to have run. */
  get size(): number {
    return this.#size
  }

  /** What the readings took so far. */
  get spentMs(): number {
    return this.#spentMs
  }

  /** Functions and blocks that ran since the last call, and are not known to have run. */
  fresh(): readonly string[] {
    const startedAt = performance.now()
    let scripts: readonly Profiler.ScriptCoverage[] = []
    // Answered before `post` returns: the session is with this very thread.
    this.#session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error !== null) throw error
      scripts = taken.result
    })
    const fresh: string[] = []
    for (const { scriptId, url, functions } of scripts) {
      if (!this.#guide.test(url)) continue
      for (const { ranges } of functions) this.#look(scriptId, ranges, fresh)
    }
    this.#spentMs += performance.now() - startedAt
    return fresh
  }

  #look(scriptId: string, ranges: readonly Profiler.CoverageRange[], fresh: string[]): void {
    const [whole] = ranges
    if (whole === undefined || whole.count === 0) return
    const key = `${scriptId}:${whole.startOffset}:${whole.endOffset}`
    const known = this.#functions.get(key) ?? { unrun: new Map(), run: new Set() }
    this.#functions.set(key, known)
    if (!known.run.has(key)) fresh.push(`${key} ${key}`)
    const notRun = ranges.filter(({ count }) => count === 0)
    for (const [block, { from, to }] of known.unrun) {
      if (!notRun.some(({ startOffset, endOffset }) => startOffset <= from && to <= endOffset))
        fresh.push(`${key} ${block}`)
    }
    for (const { startOffset, endOffset } of notRun) {
      const block = `${startOffset}:${endOffset}`
      if (!known.run.has(block)) known.unrun.set(block, { from: startOffset, to: endOffset })
    }
  }

  /** From now on these are known to have run. */
  learn(fresh: readonly string[]): void {
    for (const one of fresh) {
      const [key = '', block = ''] = one.split(' ')
      const known = this.#functions.get(key)
      if (known === undefined || known.run.has(block)) continue
      known.unrun.delete(block)
      known.run.add(block)
      this.#size++
    }
  }

  [Symbol.dispose](): void {
    this.#session.disconnect()
  }
}

/** Begins to count, for code that is loaded and run from now on. */
export function countBlocks(): void {
  begin(new Session())
}

function begin(session: Session): void {
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
}
