import { setTimeout as sleep } from 'node:timers/promises'
import { soon } from '../../world/soon.ts'
import type { Bed } from '../bed.ts'
import type { Fault } from '../fault.ts'

/** A log-in that was under way meanwhile may have run out of its time; whoever was in stays in. */
const lateLogIns = /^(08001|08006)$/

/** Alive for the kernel, silent for everybody else: a virtual machine that is moved, a laptop that sleeps. */
export const freezes: readonly Fault[] = [
  {
    name: 'gateway frozen for 3 s',
    notice: { refusals: lateLogIns },
    inject: ({ sallyport }) => frozen(sallyport.gateway, 3_000),
  },
  {
    name: 'gateway frozen for 8 s', // longer than a sync to disk may take
    notice: { refusals: lateLogIns },
    inject: ({ sallyport }) => frozen(sallyport.gateway, 8_000),
  },
  {
    name: 'agent frozen for 3 s',
    notice: { refusals: lateLogIns },
    inject: ({ sallyport }) => frozen(sallyport.agent, 3_000),
  },
  {
    name: 'target frozen for 3 s',
    notice: { refusals: lateLogIns },
    inject: ({ target }) => frozen(target, 3_000),
  },
]

/** Silent for longer than an agent may be: it is given up, and its sessions are told. */
export const agentSilent: Fault = {
  name: 'agent frozen until it is given up',
  notice: { ends: /^08006$/, refusals: lateLogIns },
  async inject({ sallyport }, _random, ledger) {
    sallyport.agent.freeze()
    const sessions = ledger.sessions
    const findings = await givenUp(
      () => ledger.losses.length > 0 && ledger.sessions === sessions,
      'a frozen agent',
    )
    sallyport.agent.thaw()
    await reattached({ sallyport })
    return findings
  },
}

async function frozen(what: { freeze(): void; thaw(): void }, ms: number): Promise<void> {
  what.freeze()
  await sleep(ms)
  what.thaw()
}

/** Silence after which the other end is taken for dead, and what it may take to notice. */
const givenUpMs = 45_000

/** Waits until sessions have ended because of a silence. */
export async function givenUp(isSeen: () => boolean, what: string): Promise<string[]> {
  const from = performance.now()
  await soon(() => (isSeen() ? true : undefined), 120_000)
  const tookMs = Math.round(performance.now() - from)
  return tookMs <= givenUpMs ? [] : [`${what} was given up only after ${tookMs} ms`]
}

/** Until the gateway has the agent back. */
export async function reattached({ sallyport }: Pick<Bed, 'sallyport'>): Promise<void> {
  await soon(
    async () => ((await sallyport.admin.client.gateway.status()).agentsAttached > 0 ? true : undefined),
    180_000,
  )
}
