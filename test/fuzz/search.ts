import { Coverage } from './coverage.ts'
import { mutate } from './mutate.ts'
import { once, pick, Random } from './random.ts'
import { kindOf, shrink } from './shrink.ts'
import { Broken, type Subject, type Target } from './target.ts'

/** An input for which something does not hold. */
export interface Finding {
  readonly target: string
  readonly input: Buffer
  /** The error, with its stack. */
  readonly words: string
}

export interface SearchOptions {
  readonly seed: number
  /** It ends after so many units, or milliseconds, whichever comes first. */
  readonly units: number
  readonly lastsMs: number
  /** Told before an input runs: who watches can save the one that never ends. */
  readonly onInput?: (input: Buffer) => void
  readonly onProgress?: (progress: Progress) => void
}

export interface Progress {
  readonly inputs: number
  readonly units: number
  /** Inputs kept, since each reached code that none before it had. */
  readonly corpus: number
  /** Blocks of the target's code that ran. */
  readonly blocks: number
  readonly seconds: number
  readonly findings: readonly Finding[]
}

/** How many inputs run between two readings of the coverage: the dearer those are, the more. */
const batchSize = { least: 32, most: 4_096 }
/** The part of the time that readings may take. */
const maxReading = 0.15
/** More different finds than this nobody mends in one go. */
const maxFindings = 20
const progressMs = 2_000
const readableLines = 12

/**
 * Looks for an input that breaks a target's promise: seeds first, then fresh inputs, and changes of those that reached code
 * that none had reached before.
 */
export async function search(target: Target, subject: Subject, options: SearchOptions): Promise<Progress> {
  using coverage = new Coverage(target.guide)
  return await new Search(target, subject, options, coverage).run()
}

class Search {
  readonly #target: Target
  readonly #subject: Subject
  readonly #options: SearchOptions
  readonly #coverage: Coverage
  readonly #random: Random
  readonly #startedAt = performance.now()
  readonly #corpus: Buffer[] = []
  readonly #findings = new Map<string, Finding>()
  #inputs = 0
  #units = 0
  #toldAt = performance.now()

  constructor(target: Target, subject: Subject, options: SearchOptions, coverage: Coverage) {
    this.#target = target
    this.#subject = subject
    this.#options = options
    this.#coverage = coverage
    this.#random = new Random(options.seed)
  }

  async run(): Promise<Progress> {
    const seeds = this.#subject.seeds.map((seed) => seed.subarray(0, this.#target.maxBytes))
    for (const seed of seeds) if (!this.#isOver) await this.#try(seed)
    this.#coverage.fresh()
    await this.#sift(seeds)
    while (!this.#isOver) {
      const batch: Buffer[] = []
      do {
        const input = this.#next()
        batch.push(input)
        await this.#try(input)
      } while (
        !this.#isOver &&
        (batch.length < batchSize.least || (this.#isReadingDear && batch.length < batchSize.most))
      )
      const fresh = this.#coverage.fresh()
      if (fresh.length > 0) {
        await this.#sift(batch)
        // What ran only once, such as the filling of a cache, is nobody's merit.
        this.#coverage.learn(fresh)
      }
      if (performance.now() - this.#toldAt > progressMs) this.#tell()
    }
    this.#tell()
    return this.#progress
  }

  get #isOver(): boolean {
    const { units, lastsMs } = this.#options
    return this.#units >= units || this.#findings.size >= maxFindings || this.#elapsedMs >= lastsMs
  }

  get #isReadingDear(): boolean {
    return this.#coverage.spentMs > maxReading * this.#elapsedMs
  }

  get #elapsedMs(): number {
    return performance.now() - this.#startedAt
  }

  #next(): Buffer {
    const { invent, change, words } = this.#subject
    const { maxBytes } = this.#target
    const random = this.#random
    if (this.#corpus.length === 0 || once(random, 3))
      return (invent?.(random) ?? random.bytes(1 + random.below(Math.min(maxBytes, 512)))).subarray(
        0,
        maxBytes,
      )
    // Newer inputs reach farther: half of the time one of the last few. Shorter ones are quicker: the shorter of two.
    const recent = once(random, 2) ? this.#corpus.slice(-16) : this.#corpus
    const [one, rival] = [pick(random, recent), pick(random, recent)]
    const input = one.length <= rival.length ? one : rival
    const other = pick(random, this.#corpus)
    const changed =
      change !== undefined && !once(random, 3)
        ? change(input, other, random)
        : mutate(input, other, words, random)
    return changed.subarray(0, maxBytes)
  }

  /** Runs inputs again, in halves of halves, and keeps each that reaches something new. */
  async #sift(inputs: readonly Buffer[]): Promise<void> {
    for (const input of inputs) {
      // What is not sifted any more is only not changed further.
      if (this.#isOver) return
      await this.#run(input)
    }
    const fresh = this.#coverage.fresh()
    const [first] = inputs
    if (fresh.length === 0 || first === undefined) return
    if (inputs.length === 1) {
      this.#coverage.learn(fresh)
      this.#corpus.push(first)
      return
    }
    const middle = inputs.length >> 1
    await this.#sift(inputs.slice(0, middle))
    await this.#sift(inputs.slice(middle))
  }

  async #try(input: Buffer): Promise<void> {
    this.#inputs++
    const startedAt = performance.now()
    const { units, thrown } = await this.#run(input)
    this.#units += units
    if (thrown !== undefined) await this.#found(input)
    else if (performance.now() - startedAt > this.#target.slowMs) await this.#weigh(input)
  }

  /** Most inputs end in a fault, and most of what a fault costs is its stack: made only where somebody will read it. */
  async #run(input: Buffer, stackLines = 0): Promise<{ readonly units: number; readonly thrown?: unknown }> {
    this.#options.onInput?.(input)
    Error.stackTraceLimit = stackLines
    try {
      const units = this.#subject.run(input)
      return { units: typeof units === 'number' ? units : await units }
    } catch (thrown) {
      return { units: 1, thrown: thrown ?? new Broken('nothing was thrown') }
    } finally {
      Error.stackTraceLimit = readableLines
    }
  }

  /** It took long, but the machine may have been busy: what counts is the processor time of a second try. */
  async #weigh(input: Buffer): Promise<void> {
    const before = process.threadCpuUsage()
    await this.#run(input)
    const { user, system } = process.threadCpuUsage(before)
    const tookMs = (user + system) / 1000
    const { slowMs } = this.#target
    if (tookMs > slowMs)
      this.#keep(
        input,
        new Broken(`slow: ${tookMs.toFixed()} ms for ${input.length} bytes, at most ${slowMs}`),
      )
  }

  async #found(input: Buffer): Promise<void> {
    const { thrown } = await this.#run(input, readableLines)
    if (thrown === undefined) return this.#keep(input, new Broken('it broke once, and not again'))
    const kind = kindOf(thrown)
    if (this.#findings.has(kind)) return
    const smaller = await shrink(input, async (tried) => {
      const again = await this.#run(tried, readableLines)
      return again.thrown !== undefined && kindOf(again.thrown) === kind
    })
    this.#keep(smaller, (await this.#run(smaller, readableLines)).thrown ?? thrown)
  }

  #keep(input: Buffer, thrown: unknown): void {
    const words = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
    this.#findings.set(kindOf(thrown), { target: this.#target.name, input: Buffer.from(input), words })
    this.#tell()
  }

  get #progress(): Progress {
    return {
      inputs: this.#inputs,
      units: this.#units,
      corpus: this.#corpus.length,
      blocks: this.#coverage.size,
      seconds: this.#elapsedMs / 1000,
      findings: [...this.#findings.values()],
    }
  }

  #tell(): void {
    this.#toldAt = performance.now()
    this.#options.onProgress?.(this.#progress)
  }
}
