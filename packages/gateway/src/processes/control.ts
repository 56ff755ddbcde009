import { isRefusal, Secret, systemClock, type SessionId } from '@sallyport/core'
import { openAgentDoor } from '@sallyport/tunnel'
import type { Config } from '../config/schema.ts'
import { cannotListen } from '../edge/agents-port.ts'
import { listen, type Listener } from '../edge/listener.ts'
import { detectorTags, protocolKinds } from '../protocols.ts'
import { endLeftovers, gatherPeople } from '../start/control-core.ts'
import { lockDataDirectory } from '../start/data-directory.ts'
import { openClientTls } from '../start/client-tls.ts'
import { openDesk } from '../start/desk.ts'
import { layFoundation } from '../start/foundation.ts'
import { Readiness } from '../start/readiness.ts'
import { RecorderState } from '../start/recorder-state.ts'
import { ownRecordings } from '../start/recording-places.ts'
import { running } from '../start/running.ts'
import type { GatewayOptions, RunningGateway } from '../start/running-gateway.ts'
import { Events } from '../telemetry/events.ts'
import { openLog } from '../telemetry/log.ts'
import { openMetrics } from '../telemetry/metrics.ts'
import { addWaitingGauges } from '../telemetry/waiting-gauges.ts'
import { version } from '../version.ts'
import { DataProcesses } from './data-processes.ts'
import { ProcessesPlane } from './plane.ts'
import { SummedMetrics } from './summed-metrics.ts'

/**
 * The control process of a gateway whose traffic is carried by several others: what there is once is here. It accepts connections of
 * clients and agents, and passes them on unread.
 * @throws CannotStart, with everything that was started ended again
 */
export async function startProcesses(config: Config, options: GatewayOptions): Promise<RunningGateway> {
  const { environment, output, clock = systemClock, kinds = protocolKinds } = options
  await using life = new AsyncDisposableStack()
  const metrics = life.use(openMetrics(version))
  const events = new Events(openLog({ ...config.log, output, process: 0 }), metrics)
  life.use(await lockDataDirectory(config.dataDirectory))
  const processes = new DataProcesses({ config, environment, events })
  const foundation = await layFoundation(life, {
    config,
    environment,
    clock,
    kinds,
    detectorTags,
    metrics,
    onRecorderFailure: new RecorderState(events).failed,
    sharing: { process: 0, tell: (changes) => processes.tellAll(changes) },
    recordings: {
      ...ownRecordings(config.dataDirectory, config.processes),
      liveBeside: async (session: SessionId) => {
        const sizes = await processes.askAll('flush', session)
        const sizeBytes = sizes.find((size) => size !== undefined)
        return sizeBytes === undefined ? undefined : { sizeBytes, pending: [] }
      },
    },
  })
  const { store, protocols } = foundation
  const people = gatherPeople(life, config, foundation, clock, events)
  addWaitingGauges(metrics.registry, { read: store.read, clock })
  const { throttle, reviews } = people
  const summed = new SummedMetrics(metrics.registry, () => processes.numbers())
  await endLeftovers(store, reviews)
  // Ends before all that its processes ask for.
  life.use(processes)
  await processes.start({
    answers: (process) => ({
      tell: async (changes) => {
        store.heard(changes)
        await processes.tellAll(changes, process)
      },
      throttled: (keys) => throttle.check(...keys),
      failed: (keys) => throttle.failed(...keys),
      beginDevice: (program, address) => {
        const begun = people.devices.begin(program, address)
        return isRefusal(begun) ? begun : { ...begun, deviceCode: begun.deviceCode.reveal() }
      },
      waitForDevice: async (deviceCode) => {
        const minted = await people.devices.wait(new Secret(deviceCode), new AbortController().signal)
        return isRefusal(minted) ? minted : { token: minted.token.reveal() }
      },
      forgetDevice: (deviceCode) => people.devices.forget(new Secret(deviceCode)),
      discover: (address) => people.discoveries.discover(address),
      interruptElsewhere: async (key) => (await processes.askAll('interrupt', key)).includes(true),
    }),
    onDied: async (process) => {
      await endLeftovers(store, reviews, process)
      await summed.died(process)
    },
  })

  const clientTls = await openClientTls(life, foundation, { config, clock, events })
  const readiness = new Readiness(store, clock, () =>
    processes.serving.length > 0 ? undefined : 'no process is there to serve',
  )
  const door = life.use(await openDoor(config, processes))
  const desk = await openDesk(life, {
    config,
    environment,
    clock,
    foundation,
    people,
    plane: new ProcessesPlane(store, processes),
    clientTls,
    readiness,
    metrics: summed,
    events,
    agentsPort: door.port,
  })
  const listeners: Listener[] = []
  for (const { name } of protocols) {
    const address = config.listen[name] ?? 'off'
    if (address === 'off') continue
    const listener = await listen({
      name,
      address,
      pauseOnConnect: true,
      take: (socket) => processes.passClient(socket, name),
      onTrouble: (error) => events.trouble(`listen.${name}`, error),
    })
    listeners.push(life.use(listener))
    desk.listening(name, address.host, listener.port)
  }
  return await running(life, {
    desk,
    readiness,
    events,
    listeners,
    drain: async (_cause, hurry) => {
      const onHurry = (): void => void processes.askAll('hurry').catch(() => undefined)
      hurry?.addEventListener('abort', onHurry, { once: true })
      if (hurry?.aborted === true) onHurry()
      await processes.drain()
      hurry?.removeEventListener('abort', onHurry)
    },
  })
}

async function openDoor(config: Config, processes: DataProcesses) {
  try {
    return await openAgentDoor({
      ...config.listen.agents,
      pass: (socket, head, process) => processes.passAgent(socket, head, process),
    })
  } catch (error) {
    throw await cannotListen(error, config)
  }
}
