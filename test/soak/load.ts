import { setTimeout as sleep } from 'node:timers/promises'
import type { Ground } from './ground.ts'
import type { Visit } from './visits/visit.ts'

/** What became of one kind of client. */
export interface Tally {
  readonly name: string
  came: number
  ended: number
  /** Cut off by a restart of the agent that carried them: that is what happens then. */
  cutOff: number
  /** Did not come, since as many as may be there were there. */
  stayedAway: number
}

/** What nobody should have been told. */
export interface Unexpected {
  readonly atMs: number
  readonly visit: string
  readonly words: string
}

/** A restart of the agent that comes and goes. */
export interface Restart {
  readonly fromMs: number
  /** Undefined while it is under way. */
  toMs: number | undefined
  readonly how: 'SIGTERM' | 'SIGKILL'
}

/** Clients that come and go at their own rates, each on its own; and the agent that is restarted under them. */
export class Load {
  readonly tallies: readonly Tally[]
  readonly unexpected: Unexpected[] = []
  readonly restarts: Restart[] = []
  readonly #ground: Ground
  readonly #visits: readonly Visit[]
  readonly #options: LoadOptions
  readonly #present = new Set<Promise<void>>()
  #acknowledged = 0

  constructor(ground: Ground, visits: readonly Visit[], options: LoadOptions) {
    this.#ground = ground
    this.#visits = visits
    this.#options = options
    this.tallies = visits.map(({ name }) => ({ name, came: 0, ended: 0, cutOff: 0, stayedAway: 0 }))
  }

  /** Rows that clients were told are there. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  get came(): number {
    return this.tallies.reduce((sum, { came }) => sum + came, 0)
  }

  /** Until `signal` aborts, and everybody has left. */
  async run(signal: AbortSignal): Promise<void> {
    const last = new AbortController()
    const staying: Promise<void>[] = []
    const arriving: Promise<void>[] = []
    for (const [at, visit] of this.#visits.entries()) {
      const stays = visit.staysToTheEnd === true
      const coming = this.#arrive(visit, this.tallies[at]!, stays ? last.signal : signal)
      ;(stays ? staying : arriving).push(coming)
    }
    await Promise.all([...arriving, this.#restart(signal), this.#refresh(signal)])
    await Promise.all(this.#present)
    last.abort()
    await Promise.all(staying)
    await Promise.all(this.#present)
  }

  /** Poisson: as if by people who know nothing of each other. */
  async #arrive(visit: Visit, tally: Tally, signal: AbortSignal): Promise<void> {
    const { random, factor } = this.#options
    let there = 0
    for (;;) {
      const pauseMs = (-Math.log(1 - random()) * visit.everyMs) / factor
      if (!(await paused(pauseMs, signal))) return
      if (there >= Math.max(1, visit.atOnce * factor)) {
        tally.stayedAway++
        continue
      }
      tally.came++
      there++
      const present = this.#be(visit, tally, signal).finally(() => {
        there--
        this.#present.delete(present)
      })
      this.#present.add(present)
    }
  }

  async #be(visit: Visit, tally: Tally, signal: AbortSignal): Promise<void> {
    const { random, now } = this.#options
    const fromMs = now()
    const acknowledged = (rows: number): void => void (this.#acknowledged += rows)
    try {
      await visit.run({ ground: this.#ground, random, signal, acknowledged })
      tally.ended++
    } catch (thrown) {
      const words = thrown instanceof Error ? thrown.message : String(thrown)
      if (isCutOff(words) && this.#restartedSince(fromMs)) tally.cutOff++
      else this.unexpected.push({ atMs: now(), visit: visit.name, words })
    }
  }

  #restartedSince(fromMs: number): boolean {
    return this.restarts.some(({ toMs }) => toMs === undefined || toMs + graceMs >= fromMs)
  }

  async #restart(signal: AbortSignal): Promise<void> {
    for (let round = 0; await paused(this.#options.restartEveryMs, signal); round++) {
      const restart: Restart = {
        fromMs: this.#options.now(),
        toMs: undefined,
        how: round % 2 === 0 ? 'SIGTERM' : 'SIGKILL',
      }
      this.restarts.push(restart)
      await this.#ground.restartAgent(restart.how)
      restart.toMs = this.#options.now()
    }
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    while (await paused(refreshEveryMs, signal)) await this.#ground.refreshTokens()
  }
}

export interface LoadOptions {
  /** 1 is the load that it was made for. */
  readonly factor: number
  readonly restartEveryMs: number
  readonly random: () => number
  /** Since the start of the run. */
  readonly now: () => number
}

/** How clients of each kind hear that the connection, or the agent that carried it, is gone. */
function isCutOff(words: string): boolean {
  return /0800[146]|agent|connection ended|terminated|closed the connection|ECONNRESET/i.test(words)
}

/** @returns false where it was interrupted */
async function paused(ms: number, signal: AbortSignal): Promise<boolean> {
  return await sleep(ms, true, { signal }).catch(() => false)
}

/** After a restart, for those who hear of it late. */
const graceMs = 5_000
const refreshEveryMs = 20 * 60_000
