import { database, type Bed } from '../bed.ts'
import type { Notice } from '../fault.ts'
import type { Ledger } from '../load/ledger.ts'
import { effects, missing } from './effects.ts'
import { endings } from './endings.ts'
import { quiet } from './quiet.ts'
import { Recordings } from './recorded.ts'
import { slowness, type Recovery } from './recovery.ts'
import { untilNothing } from './until-nothing.ts'
import { leaked, vitalsOf, type Vitals } from './vitals.ts'

/** Figures of one fault. */
export interface Figures {
  readonly operations: number
  readonly reachedTarget: number
  readonly recorded: number
  readonly writesCertain: number
  readonly sessions: number
  readonly sessionsLost: number
  readonly recordings: number
  readonly recoveryMs: number
}

/** Holds one bed to the invariants, fault after fault. */
export class Judge {
  readonly #bed: Bed
  readonly #recordings: Recordings
  readonly #gateway: Vitals
  readonly #agent: Vitals

  private constructor(bed: Bed, recordings: Recordings, gateway: Vitals, agent: Vitals) {
    this.#bed = bed
    this.#recordings = recordings
    this.#gateway = gateway
    this.#agent = agent
  }

  /** Looks at the bed at rest, after it was used: what is held now is what may be held later. */
  static async appoint(bed: Bed): Promise<Judge> {
    const recordings = new Recordings(bed)
    const noise = [...(await quiet(bed)), ...(await recordings.look()).broken]
    if (noise.length > 0) throw new Error(`before anything was broken: ${noise.join('; ')}`)
    await bed.statements.since(bed.target)
    await forget(bed)
    return new Judge(
      bed,
      recordings,
      await vitalsOf(bed.sallyport.gateway),
      await vitalsOf(bed.sallyport.agent),
    )
  }

  /** @returns what does not hold, in words: nothing where all is well */
  async judge(
    ledger: Ledger,
    notice: Notice,
    recovery: Recovery,
  ): Promise<{ readonly findings: readonly string[]; readonly figures: Figures }> {
    const findings = [...ledger.wrong, ...slowness(recovery), ...endings(ledger, notice)]
    findings.push(...(await quiet(this.#bed)))
    const recorded = await this.#recordings.look()
    findings.push(...recorded.broken)
    const reached = await this.#bed.statements.since(this.#bed.target)
    const rows = await rowsAtTarget(this.#bed)
    findings.push(...effects(ledger, rows), ...missing(ledger, recorded.ops, reached, rows))
    findings.push(...(await this.#leaks()))
    await forget(this.#bed)
    return {
      findings,
      figures: {
        operations: ledger.answered.size,
        reachedTarget: reached.size,
        recorded: recorded.ops.size,
        writesCertain: [...ledger.writes.values()].filter(({ fate }) => fate === 'certain').length,
        sessions: ledger.sessions,
        sessionsLost: ledger.losses.length,
        recordings: recorded.sessions,
        recoveryMs: recovery.tookMs,
      },
    }
  }

  async #leaks(): Promise<string[]> {
    const { gateway, agent } = this.#bed.sallyport
    const look = async (): Promise<string[]> => [
      ...leaked('gateway', this.#gateway, await vitalsOf(gateway)),
      ...leaked('agent', this.#agent, await vitalsOf(agent)),
    ]
    return untilNothing(look)
  }
}

async function rowsAtTarget(bed: Bed): Promise<Map<string, number>> {
  const rows = await bed.target.query('select op, count(*)::int from ledger group by op', database)
  return new Map(rows.map(({ op, count }) => [String(op), Number(count)]))
}

function forget(bed: Bed): Promise<unknown> {
  return bed.target.query('truncate ledger', database)
}
