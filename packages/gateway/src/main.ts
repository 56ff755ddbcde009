import { Fault } from '@sallyport/core'
import type { Config } from './config/schema.ts'
import type { GatewayOptions, RunningGateway } from './start/running-gateway.ts'
import { startGateway } from './start/start.ts'
import { welcome } from './start/welcome.ts'

export interface RunOptions extends GatewayOptions {
  /** A second signal: what still drains is ended at once. */
  readonly hurry?: AbortSignal
  /** Where people are told what is listening, and of the first set-up. */
  readonly notices?: NodeJS.WritableStream
  readonly onReady?: (gateway: RunningGateway) => void
}

/**
 * The whole gateway: starts it, serves until `signal` aborts, drains, and ends everything in the reverse order of its start.
 * @throws CannotStart
 */
export async function runGateway(config: Config, signal: AbortSignal, options: RunOptions): Promise<void> {
  await using gateway = await startGateway(config, options)
  options.notices?.write(welcome(gateway))
  options.onReady?.(gateway)
  await aborted(signal)
  await gateway.drain(draining, options.hurry)
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

const draining = new Fault('gateway/draining', 'the gateway is shutting down')
