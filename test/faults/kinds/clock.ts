import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { soon } from '../../world/soon.ts'
import type { Fault } from '../fault.ts'
import { reattached } from './freeze.ts'

const hourMs = 3_600_000
/** What the false clock of gateway and agent reads, once a second. */
const clockFile = join(tmpdir(), `sallyport-clock-${process.pid}`)

/** Gateway and agent with a clock of their own; target, clients and judge keep the true one. */
const falseClock = {
  environment: {
    LD_PRELOAD: library() ?? '',
    FAKETIME_TIMESTAMP_FILE: clockFile,
    FAKETIME_CACHE_DURATION: '1',
    // Only the clock on the wall is stepped: timers run by another, as they do where an operator sets the time.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  },
}

const skip = (): string | undefined => (library() === undefined ? 'libfaketime is not installed' : undefined)

/** Sessions, recordings and the tunnel go by their own order, not by the time of day. */
export const clockSteps: Fault = {
  name: 'clock stepped forward and back',
  notice: {},
  get bed() {
    setClock(0)
    return falseClock
  },
  skip,
  async inject() {
    for (const offsetMs of [0.4 * hourMs, -0.4 * hourMs, 0]) {
      setClock(offsetMs)
      await sleep(2_500)
    }
  },
}

/** The agent's certificate is renewed while sessions run over it, and the old one ends. */
export const certificateRenewal: Fault = {
  name: 'agent certificate renewed in flight, and the old one over',
  // Tokens are over by then too: whoever comes in with an old one is refused. The cut at the end ends sessions.
  notice: { ends: /^08006$/, refusals: /^(28P01|08001|08006)$/ },
  get bed() {
    setClock(0)
    return falseClock
  },
  skip,
  async inject(bed, _random, ledger) {
    const renewals = (): number => bed.sallyport.agent.output.split('certificate renewed').length - 1
    for (const [index, offsetMs] of [14.5 * hourMs, 29 * hourMs].entries()) {
      setClock(offsetMs)
      await sleep(2_000)
      await bed.renewTokens()
      await soon(() => (renewals() > index ? true : undefined), 150_000)
    }
    const lost = ledger.losses.length
    // A new link can only be made with a certificate that is good now.
    bed.tunnel.cut()
    await sleep(500)
    await reattached(bed)
    return lost === 0 ? [] : [`${lost} sessions ended while the certificate was renewed`]
  },
}

function setClock(offsetMs: number): void {
  const seconds = Math.round(offsetMs / 1000)
  writeFileSync(clockFile, `${seconds < 0 ? '' : '+'}${seconds}\n`)
}

/** Debian's libfaketime, in the variant for programs with threads. */
function library(): string | undefined {
  const root = '/usr/lib'
  if (!existsSync(root)) return undefined
  return readdirSync(root)
    .map((name) => join(root, name, 'faketime', 'libfaketimeMT.so.1'))
    .find((path) => existsSync(path))
}
