import { setTimeout as sleep } from 'node:timers/promises'
import { soon } from '../../world/soon.ts'
import type { Fault } from '../fault.ts'

/** Sometimes it is killed again while it starts and mends what the first death left. */
const againChance = 0.25

export const killGateway: Fault = {
  name: 'gateway killed',
  notice: { isWordless: true, refusals: /^(08001|08006)$/ },
  async inject({ sallyport }, random) {
    await sallyport.gateway.kill()
    while (random.next() < againChance) {
      const launched = await sallyport.launchGateway()
      await sleep(random.between(0, 1500))
      await launched.kill()
    }
    await sallyport.startGateway()
  },
}

export const killAgent: Fault = {
  name: 'agent killed',
  notice: { ends: /^08006$/, refusals: /^(08001|08006)$/ },
  async inject({ sallyport }, random) {
    await sallyport.agent.kill()
    while (random.next() < againChance) {
      const launched = await sallyport.startAgentAs('agent')
      await sleep(random.between(0, 1000))
      await launched.kill()
    }
    await sallyport.startAgent()
  },
}

export const killTarget: Fault = {
  name: 'target killed',
  // While it starts again, the target itself says that it does: 57P03, as 08004.
  notice: { ends: /^08006$/, refusals: /^(08001|08004|08006)$/ },
  async inject({ target }) {
    await target.kill()
    await soon(() => target.start().then(() => true))
  },
}
