import { setTimeout as sleep } from 'node:timers/promises'
import { query } from '../../world/raw-messages.ts'
import { RawPostgres } from '../../world/raw-postgres.ts'
import type { Fault } from '../fault.ts'
import { residentBytesOf } from '../judge/vitals.ts'

/** What gateway and agent together may grow by: a few windows of the tunnel. */
const mostBytes = 100 * 1024 * 1024

/** Asks for a gigabyte and reads none of it: a few windows of memory, and nobody else notices. */
export const stalledClient: Fault = {
  name: 'client stalled in a large result',
  notice: {},
  async inject({ sallyport, endpoint }, _random, ledger) {
    const resident = (): number => residentBytesOf(sallyport.gateway) + residentBytesOf(sallyport.agent)
    const stalled = await RawPostgres.connect(endpoint)
    const before = resident()
    stalled.pause()
    stalled.send(query("select repeat('x', 10000) from generate_series(1, 100000)"))
    await sleep(1_000)
    const answered = ledger.answered.size
    await sleep(3_000)
    const grown = resident() - before
    stalled.destroy()
    return [
      ...(grown > mostBytes ? [`a stalled client costs ${Math.round(grown / 1024 / 1024)} MiB`] : []),
      ...(ledger.answered.size === answered ? ['a stalled client stops all others'] : []),
    ]
  },
}
