import { Fault, systemClock } from '@sallyport/core'
import type { Config } from '../config/schema.ts'
import { listen, type Listener } from '../edge/listener.ts'
import { startProcesses } from '../processes/control.ts'
import { detectorTags, protocolKinds } from '../protocols.ts'
import { Events } from '../telemetry/events.ts'
import { openLog } from '../telemetry/log.ts'
import { openMetrics } from '../telemetry/metrics.ts'
import { addWaitingGauges } from '../telemetry/waiting-gauges.ts'
import { version } from '../version.ts'
import { endLeftovers, gatherPeople } from './control-core.ts'
import { openClientTls } from './client-tls.ts'
import { openDesk } from './desk.ts'
import { layFoundation } from './foundation.ts'
import { OwnPlane } from './plane.ts'
import { Readiness } from './readiness.ts'
import { doorOf } from './device-door.ts'
import { RecorderState } from './recorder-state.ts'
import { ownRecordings } from './recording-places.ts'
import type { GatewayOptions, RunningGateway } from './running-gateway.ts'
import { running } from './running.ts'
import { openServing } from './serving.ts'

/**
 * Builds everything, from the store outwards to the clients' ports.
 * @throws CannotStart, with everything that was started ended again
 */
export function startGateway(config: Config, options: GatewayOptions): Promise<RunningGateway> {
  return config.processes === 1 ? startAlone(config, options) : startProcesses(config, options)
}

/** All in this process. */
async function startAlone(config: Config, options: GatewayOptions): Promise<RunningGateway> {
  const { environment, output, clock = systemClock, kinds = protocolKinds } = options
  await using life = new AsyncDisposableStack()
  const metrics = life.use(openMetrics(version))
  const events = new Events(openLog({ ...config.log, output }), metrics)
  const recorder = new RecorderState(events)
  const foundation = await layFoundation(life, {
    config,
    environment,
    clock,
    kinds,
    detectorTags,
    metrics,
    onRecorderFailure: recorder.failed,
    recordings: ownRecordings(config.dataDirectory),
  })
  const { store, protocols } = foundation
  const people = gatherPeople(life, config, foundation, clock, events)
  addWaitingGauges(metrics.registry, { read: store.read, clock })
  await endLeftovers(store, people.reviews)
  const clientTls = await openClientTls(life, foundation, { config, clock, events })
  const serving = await openServing(life, {
    config,
    environment,
    clock,
    foundation,
    people,
    throttle: people.throttle,
    devices: doorOf(people.devices, people.discoveries),
    agents: { listen: config.listen.agents },
    tls: clientTls.tls,
    recorder,
    metrics,
    events,
  })
  const { tunnel, sessions, clients } = serving
  const readiness = new Readiness(store, clock)
  const desk = await openDesk(life, {
    config,
    environment,
    clock,
    foundation,
    people,
    plane: new OwnPlane({ store, sessions, tunnel, serving, recorder }),
    clientTls,
    readiness,
    metrics: metrics.registry,
    events,
    agentsPort: tunnel.port,
  })

  // Last, when all behind them is there; and the first to end.
  const listeners: Listener[] = []
  for (const { name } of protocols) {
    const address = config.listen[name] ?? 'off'
    const connections = clients.get(name)
    if (address === 'off' || connections === undefined) continue
    const take = connections.take.bind(connections)
    const onTrouble = (error: unknown): void => events.trouble(`listen.${name}`, error)
    const listener = life.use(await listen({ name, address, take, onTrouble }))
    life.defer(() => serving.endAll(stopped))
    listeners.push(listener)
    desk.listening(name, address.host, listener.port)
  }
  const drain = serving.drain.bind(serving)
  return await running(life, { desk, readiness, events, listeners, drain })
}

const stopped = new Fault('gateway/draining', 'the gateway is shutting down')
