import { setTimeout as sleep } from 'node:timers/promises'
import { soon } from '../world/soon.ts'
import { layBed, type Bed } from './bed.ts'
import type { Fault } from './fault.ts'
import { Judge, type Figures } from './judge/judge.ts'
import { recover } from './judge/recovery.ts'
import { Load } from './load/load.ts'
import { Random } from './random.ts'

const clients = 6
/** Operations that were answered before anything is broken: on a busy machine, clients take their time to come in. */
const underWay = 5 * clients
const patienceMs = 120_000
const renewTokensMs = 20 * 60_000

export interface Verdict {
  readonly fault: string
  /** Of this fault alone: it draws everything that the fault and the clients do. */
  readonly seed: number
  /** What does not hold, in words. Empty: every invariant held. */
  readonly findings: readonly string[]
  readonly skipped?: string
  readonly figures?: Figures
}

/** Breaks one thing after another under load, and judges after each. */
export class Campaign implements AsyncDisposable {
  #shared: { readonly bed: Bed; readonly judge: Judge } | undefined
  #signedInAt = performance.now()

  async run(fault: Fault, seed: number): Promise<Verdict> {
    const skipped = fault.skip?.()
    if (skipped !== undefined) return { fault: fault.name, seed, findings: [], skipped }
    try {
      if (fault.bed !== undefined) {
        await using bed = await layBed(fault.bed)
        return await this.#inject(fault, seed, bed, await ready(bed))
      }
      this.#shared ??= await prepared()
      const { bed, judge } = this.#shared
      if (performance.now() - this.#signedInAt > renewTokensMs) {
        await bed.renewTokens()
        this.#signedInAt = performance.now()
      }
      const verdict = await this.#inject(fault, seed, bed, judge)
      // Whatever it left behind must not be blamed on the next one.
      if (verdict.findings.length > 0) await this[Symbol.asyncDispose]()
      return verdict
    } catch (thrown) {
      await this[Symbol.asyncDispose]()
      const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
      return { fault: fault.name, seed, findings: [`the run broke: ${stack}`] }
    }
  }

  async #inject(fault: Fault, seed: number, bed: Bed, judge: Judge): Promise<Verdict> {
    const random = new Random(seed)
    const load = new Load(() => bed.endpoint, clients, random.fork())
    await soon(() => (load.ledger.answered.size >= underWay ? true : undefined), patienceMs)
    await sleep(random.between(0, 1500))
    const seen = (await fault.inject(bed, random, load.ledger)) ?? []
    const recovery = await recover(bed)
    await sleep(300)
    const ledger = await load.stop()
    const { findings, figures } = await judge.judge(ledger, fault.notice, recovery)
    return { fault: fault.name, seed, findings: [...seen, ...findings], figures }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const shared = this.#shared
    this.#shared = undefined
    await shared?.bed[Symbol.asyncDispose]()
  }
}

async function prepared(): Promise<{ readonly bed: Bed; readonly judge: Judge }> {
  const bed = await layBed()
  return { bed, judge: await ready(bed) }
}

/** Warms caches and pools, so that what the processes hold at rest is known. */
async function ready(bed: Bed): Promise<Judge> {
  const load = new Load(() => bed.endpoint, clients, new Random(1))
  await soon(() => (load.ledger.answered.size >= 5 * underWay ? true : undefined), patienceMs)
  await load.stop()
  return Judge.appoint(bed)
}
