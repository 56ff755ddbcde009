import type { Fault } from '@sallyport/core'
import type { Listener } from '../edge/listener.ts'
import type { Events } from '../telemetry/events.ts'
import { version } from '../version.ts'
import type { Desk } from './desk.ts'
import type { Readiness } from './readiness.ts'
import type { RunningGateway } from './running-gateway.ts'

/**
 * A gateway of which everything has been started, as its caller sees it.
 * @param life taken over: it ends with the gateway
 */
export async function running(
  life: AsyncDisposableStack,
  parts: {
    readonly desk: Desk
    readonly readiness: Readiness
    readonly events: Events
    /** Of clients. They end as it begins to drain. */
    readonly listeners: readonly Listener[]
    readonly drain: (cause: Fault, hurry?: AbortSignal) => Promise<void>
  },
): Promise<RunningGateway> {
  const { desk, readiness, events, listeners, drain } = parts
  const setupUrl = await desk.setupUrl()
  const ending = life.move()
  return {
    version,
    ...desk,
    setupUrl,
    drain(cause, hurry) {
      readiness.isDraining = true
      for (const listener of listeners) listener.stop()
      return drain(cause, hurry)
    },
    async [Symbol.asyncDispose]() {
      await ending.disposeAsync()
      events.ended()
    },
  }
}
