import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultyLink } from '../../world/faulty-link.ts'
import type { Bed } from '../bed.ts'
import type { Fault } from '../fault.ts'
import { givenUp } from './freeze.ts'

const cutEnds = { ends: /^08006$/, refusals: /^(08001|08006)$/ }
/** Only a log-in has a time in which it must be done. */
const slow = { refusals: /^(08001|08006)$/ }

/** What may befall both of the agent's sides: its tunnel to the gateway, and its road to the target. */
export const linkFaults: readonly Fault[] = (['tunnel', 'road'] as const).flatMap((side) => [
  {
    name: `${side} cut`,
    notice: cutEnds,
    inject(bed: Bed) {
      bed[side].cut()
      return Promise.resolve()
    },
  },
  {
    name: `${side} delayed by 100 ms`,
    notice: slow,
    inject: (bed: Bed) => during(bed[side], { delayMs: 100 }, 3_000),
  },
  {
    name: `${side} throttled to 64 KiB/s`,
    notice: slow,
    inject: (bed: Bed) => during(bed[side], { bytesPerSecond: 64 * 1024 }, 3_000),
  },
  {
    name: `${side} silent for 3 s`,
    notice: slow,
    async inject(bed: Bed) {
      bed[side].stall()
      await sleep(3_000)
      bed[side].resume()
    },
  },
])

/** Neither bytes nor an end: a firewall that forgot a connection. Only silence tells. */
export const tunnelHalfOpen: Fault = {
  name: 'tunnel half-open until it is given up',
  notice: cutEnds,
  async inject({ tunnel }, _random, ledger) {
    tunnel.stall()
    const findings = await givenUp(() => ledger.losses.length > 0, 'a half-open tunnel')
    tunnel.cut()
    tunnel.resume()
    return findings
  },
}

/** The target says nothing at all: sessions wait for it, since a statement may take as long as it likes; log-ins do not. */
export const roadSilent: Fault = {
  name: 'road silent for 25 s',
  notice: slow,
  async inject({ road }, _random, ledger) {
    const lost = ledger.losses.length
    road.stall()
    await sleep(25_000)
    road.resume()
    return ledger.losses.length === lost ? [] : ['sessions ended while their target was silent']
  },
}

async function during(link: FaultyLink, faults: FaultyLink['faults'], ms: number): Promise<void> {
  Object.assign(link.faults, faults)
  await sleep(ms)
  for (const name of Object.keys(faults)) delete link.faults[name as keyof FaultyLink['faults']]
}
