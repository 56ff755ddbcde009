import { Reviews, type DeviceDoor, type Watching } from '@sallyport/access'
import { Fault, isRefusal, Secret, systemClock } from '@sallyport/core'
import type { StoreChange } from '@sallyport/store'
import type { Socket } from 'node:net'
import { detectorTags, protocolKinds } from '../protocols.ts'
import { openClientTls } from '../start/client-tls.ts'
import { knowPeople } from '../start/control-core.ts'
import { layFoundation, type Foundation } from '../start/foundation.ts'
import { heard, lookMs, reachThrough } from '../start/plane.ts'
import { RecorderState } from '../start/recorder-state.ts'
import { recordingsOf } from '../start/recording-places.ts'
import { openServing, type Serving } from '../start/serving.ts'
import { Events } from '../telemetry/events.ts'
import { openLog } from '../telemetry/log.ts'
import { openMetrics, type Metrics } from '../telemetry/metrics.ts'
import { version } from '../version.ts'
import { passed, type ControlCalls, type DataCalls } from './calls.ts'
import { Peer, type Channel } from './mesh.ts'

export interface DataProcessOptions {
  readonly channel: Channel
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean }
  /** Ends this process, when nothing of it is left. */
  readonly exit: (code: number) => void
}

interface Started {
  /** Its number. */
  readonly process: number
  readonly foundation: Foundation
  readonly serving: Serving
  readonly recorder: RecorderState
  readonly metrics: Metrics
}

/**
 * One of several processes that carry traffic. It does as the control process says, and does not outlive it: nothing runs that nobody
 * looks after.
 */
export class DataProcess {
  readonly #options: DataProcessOptions
  readonly #life = new AsyncDisposableStack()
  readonly #hurry = new AbortController()
  readonly #control: Peer<ControlCalls>
  /** What changed while this process was starting: it may have been read before. */
  #missed: StoreChange[] = []
  #started: Started | undefined
  /** Those that the control process looks at, until it has seen their end or leaves them. */
  readonly #watches = new Map<string, Watching>()

  constructor(options: DataProcessOptions) {
    this.#options = options
    this.#control = new Peer<ControlCalls>(options.channel, this.#answers, (what, socket, ...args) =>
      this.#take(what, socket, args),
    )
  }

  /** The control process is gone: everybody is told so, and this process ends, within {@link orphanMs}. */
  orphaned(): void {
    this.#control.gone(new Fault('gateway/draining', 'the gateway has ended'))
    setTimeout(() => this.#options.exit(1), orphanMs)
    this.#hurry.abort()
    this.#started?.serving.endAll(new Fault('gateway/draining', 'the gateway has ended'))
    this.#quit(1)
  }

  readonly #answers: DataCalls = {
    start: (as) => this.#start(as),
    heard: async (changes) => {
      if (this.#started === undefined) this.#missed.push(...changes)
      else await act(this.#started, changes)
    },
    look: () => {
      const { serving, recorder } = this.#running()
      return {
        sessions: serving.sessions.list().length,
        agents: serving.tunnel.attached(),
        recorderFailure: recorder.failure,
      }
    },
    numbers: () => this.#running().metrics.registry.getMetricsAsJSON(),
    end: (session, cause) => this.#running().serving.sessions.end(session, cause),
    interrupt: (key) => this.#started?.serving.interrupt(key) === true,
    watch: (session, by) => {
      const { serving, process } = this.#running()
      const watching = serving.sessions.watch(session, by)
      if (watching === undefined) return undefined
      this.#watches.set(watching.id, watching)
      return { watch: watching.id, process }
    },
    seen: async (watch) => {
      const seen = await this.#watches.get(watch)?.next(lookMs)
      if (seen?.end !== undefined) this.#watches.delete(watch)
      return seen ?? { events: [], end: 'it is over' }
    },
    stillWatching: (session, watch, by) => heard(this.#running().serving.sessions, session, watch, by),
    leave: (watch, why) => {
      this.#watches.get(watch)?.end(why)
      this.#watches.delete(watch)
    },
    flush: (session) => this.#running().foundation.recordings.flush(session as never),
    reach: (request) => reachThrough(this.#running().serving.tunnel, request, AbortSignal.timeout(reachMs)),
    suggestTags: (question) => this.#running().serving.suggestTags(question, AbortSignal.timeout(reachMs)),
    drain: () =>
      this.#running().serving.drain(
        new Fault('gateway/draining', 'the gateway is shutting down'),
        this.#hurry.signal,
      ),
    hurry: () => this.#hurry.abort(),
    quit: () => this.#quit(0),
  }

  async #start({ config, process, processes }: Parameters<DataCalls['start']>[0]): Promise<void> {
    const { environment, output } = this.#options
    const life = this.#life
    const clock = systemClock
    const metrics = life.use(openMetrics(version))
    const events = new Events(openLog({ ...config.log, output, process }), metrics)
    const recorder = new RecorderState(events)
    await this.#control.ask('opening')
    const foundation = await layFoundation(life, {
      config,
      environment,
      clock,
      kinds: protocolKinds,
      detectorTags,
      metrics,
      onRecorderFailure: recorder.failed,
      sharing: { process, tell: (changes) => this.#tell(changes) },
      recordings: recordingsOf(config.dataDirectory, process),
    })
    const { store, policies } = foundation
    const { tls } = await openClientTls(life, foundation, { config, clock, events })
    const serving = await openServing(life, {
      config,
      environment,
      clock,
      foundation,
      people: {
        ...knowPeople(life, config, foundation, clock, events),
        reviews: life.use(new Reviews({ store, policy: policies.current, clock })),
      },
      throttle: {
        check: (...keys) => this.#control.ask('throttled', keys),
        failed: (...keys) => void this.#control.ask('failed', keys).catch(() => undefined),
      },
      devices: this.#devices,
      interruptsElsewhere: (key) => this.#control.ask('interruptElsewhere', key),
      agents: { place: { process, processes } },
      tls,
      recorder,
      metrics,
      events,
    })
    life.defer(() => serving.endAll(new Fault('gateway/draining', 'the gateway is shutting down')))
    const started = { process, foundation, serving, recorder, metrics }
    while (this.#missed.length > 0) await act(started, this.#missed.splice(0))
    this.#started = started
  }

  /** Sign-ins in a browser are kept by the control process. */
  readonly #devices: DeviceDoor = {
    begin: async (program, address) => {
      const begun = await this.#control.ask('beginDevice', program, address)
      return isRefusal(begun) ? begun : { ...begun, deviceCode: new Secret(begun.deviceCode) }
    },
    wait: async (deviceCode, signal) => {
      const code = deviceCode.reveal()
      const giveUp = (): void => void this.#control.ask('forgetDevice', code).catch(() => undefined)
      signal.addEventListener('abort', giveUp, { once: true })
      if (signal.aborted) giveUp()
      try {
        const waited = await this.#control.ask('waitForDevice', code)
        return isRefusal(waited) ? waited : new Secret(waited.token)
      } finally {
        signal.removeEventListener('abort', giveUp)
      }
    },
    discover: (address) => this.#control.ask('discover', address),
  }

  /** Never says that it was told where it was not: without a control process this one is about to end. */
  async #tell(changes: readonly StoreChange[]): Promise<void> {
    try {
      await this.#control.ask('tell', changes)
    } catch {
      await new Promise(() => undefined)
    }
  }

  #take(what: string, socket: Socket, [about]: readonly unknown[]): void {
    const serving = this.#started?.serving
    const connections = what === passed.client ? serving?.clients.get(about as string) : undefined
    if (connections !== undefined) connections.take(socket)
    else if (what === passed.agent && serving !== undefined) serving.tunnel.take(socket, about as Buffer)
    else socket.resetAndDestroy()
  }

  /** @throws Fault where it has not started */
  #running(): Started {
    if (this.#started === undefined)
      throw new Fault('gateway/internal', 'this process of the gateway is still starting')
    return this.#started
  }

  #quit(code: number): void {
    this.#life
      .disposeAsync()
      .catch(() => undefined)
      .finally(() => this.#options.exit(code))
  }
}

/** What another process committed holds here when this resolves. */
async function act({ foundation, serving }: Started, changes: readonly StoreChange[]): Promise<void> {
  const { store, policies } = foundation
  if (changes.some(({ table }) => table === 'policySets')) await policies.reload(store)
  store.heard(changes)
  for (const { table, key, verb } of changes)
    if (table === 'agents' && verb === 'ended') serving.tunnel.cut(key)
}

/** For the last words to clients, and the end of their recordings. */
const orphanMs = 2_000
/** Three attempts of an agent. */
const reachMs = 15_000
