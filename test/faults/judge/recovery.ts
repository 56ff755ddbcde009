import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { query } from '../../world/raw-messages.ts'
import { RawPostgres } from '../../world/raw-postgres.ts'
import type { Bed } from '../bed.ts'
import { rowsOf } from '../load/answers.ts'

/** New sessions must work again this soon after a fault is over. */
const limitMs = 5_000
/** On a busy machine it may take longer by the clock. */
const patienceMs = 180_000

/** How long it took until a new session worked. */
export interface Recovery {
  readonly tookMs: number
  /** Of it, what the process that waited longest was ready to run, while other programs had the cores. */
  readonly waitedMs: number
}

/** Tries to open new sessions, from now on, until one works. */
export async function recover(bed: Bed): Promise<Recovery> {
  const from = performance.now()
  const before = waitedForCoresMs(bed)
  for (;;) {
    const works = await tryNewSession(bed)
    const tookMs = Math.round(performance.now() - from)
    if (works || tookMs > patienceMs) {
      const waitedMs = Math.max(...waitedForCoresMs(bed).map((ms, i) => ms - before[i]!))
      return { tookMs, waitedMs: Math.round(waitedMs) }
    }
    await sleep(50)
  }
}

async function tryNewSession(bed: Bed): Promise<boolean> {
  try {
    await using raw = await RawPostgres.connect(bed.endpoint)
    raw.send(query('select 7'))
    return rowsOf(await raw.untilReady())[0]?.[0] === '7'
  } catch {
    return false
  }
}

/** Of each process that a session needs. @see man 5 proc, schedstat */
function waitedForCoresMs({ sallyport: { gateway, agent } }: Bed): number[] {
  return [process.pid, gateway.pid, agent.pid].map((pid) => {
    const [, waitedNs = 0] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ').map(Number)
    return waitedNs / 1e6
  })
}

/** @returns what took too long, in words */
export function slowness({ tookMs, waitedMs }: Recovery): string[] {
  if (tookMs - waitedMs <= limitMs) return []
  return [`no new session for ${tookMs} ms, of which ${waitedMs} ms without a core to run on`]
}
