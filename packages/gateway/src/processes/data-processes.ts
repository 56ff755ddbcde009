import { fork, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '@sallyport/core'
import type { Config } from '../config/schema.ts'
import type { Events } from '../telemetry/events.ts'
import { passed, type ControlCalls, type DataCalls, type Numbers } from './calls.ts'
import { Peer } from './mesh.ts'

export interface DataProcessesOptions {
  readonly config: Config
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly events: Pick<Events, 'processStarted' | 'processDied' | 'trouble'>
}

/** What they need of the control process. */
export interface Care {
  /** What each may ask, by its number. */
  readonly answers: (process: number) => Omit<ControlCalls, 'opening'>
  /** Puts in order what one left that died. Before it has a successor. */
  readonly onDied: (process: number) => Promise<void>
}

/** The processes that carry traffic: started, looked after, replaced when they die. */
export class DataProcesses implements AsyncDisposable {
  readonly #options: DataProcessesOptions
  readonly #running = new Map<number, Running>()
  readonly #stop = new AbortController()
  readonly #pulse: NodeJS.Timeout
  readonly #turns = { client: 0, agent: 0, question: 0 }

  constructor(options: DataProcessesOptions) {
    this.#options = options
    this.#pulse = setInterval(() => {
      for (const one of this.serving) void one.ask(limits.lookMs, 'look').catch(() => undefined)
    }, limits.pulseMs)
  }

  /** Resolves when all of them serve. @throws CannotStart as the first that does not */
  async start(care: Care): Promise<void> {
    await Promise.all(upTo(this.#options.config.processes).map((process) => this.#begin(process, care)))
  }

  /** How many there should be. */
  get count(): number {
    return this.#options.config.processes
  }

  /** Those that take connections and answer. */
  get serving(): Running[] {
    return [...this.#running.values()].filter(({ isServing, isConnected }) => isServing && isConnected)
  }

  /** Asks each that serves. One that dies meanwhile, or that does not answer in time and is killed for it, has no say. */
  async askAll<K extends keyof DataCalls>(
    name: K,
    ...args: Parameters<DataCalls[K]>
  ): Promise<Awaited<ReturnType<DataCalls[K]>>[]> {
    const answers = await Promise.all(this.serving.map((one) => one.askOrDie(limits.askMs, name, ...args)))
    return answers.flatMap((answer) => (answer === undefined ? [] : [answer.value]))
  }

  /** Asks the one of this number. @throws Fault where it does not serve, or dies meanwhile */
  async ask<K extends keyof DataCalls>(
    process: number,
    name: K,
    ...args: Parameters<DataCalls[K]>
  ): Promise<Awaited<ReturnType<DataCalls[K]>>> {
    const one = this.serving.find(({ number }) => number === process)
    if (one === undefined) throw new Fault('gateway/overloaded', 'the process that served it has ended')
    return await one.ask(limits.askMs, name, ...args)
  }

  /** Asks one that serves, the next in turn. @throws Fault where there is none, or it dies meanwhile */
  async askOne<K extends keyof DataCalls>(
    name: K,
    ...args: Parameters<DataCalls[K]>
  ): Promise<Awaited<ReturnType<DataCalls[K]>>> {
    const one = this.#next('question')
    if (one === undefined) throw new Fault('gateway/overloaded', 'no process is there to serve')
    return await one.ask(limits.askMs, name, ...args)
  }

  /** The numbers of each that serves. */
  async numbers(): Promise<ReadonlyMap<number, Numbers>> {
    const all = await Promise.all(
      this.serving.map(async (one) => [one.number, await one.askOrDie(limits.askMs, 'numbers')] as const),
    )
    return new Map(all.flatMap(([number, got]) => (got === undefined ? [] : [[number, got.value] as const])))
  }

  /** Lets nobody in any more; resolves when nobody is left. */
  async drain(): Promise<void> {
    this.#stop.abort()
    const ms = this.#options.config.drainMs + limits.quitMs
    await Promise.all(this.serving.map((one) => one.askOrDie(ms, 'drain')))
  }

  /** Passes a client's connection to the next in turn. */
  passClient(socket: Socket, protocol: string): void {
    passTo(this.#next('client'), passed.client, socket, protocol)
  }

  /** The next in turn of those that have agents. Each kind has its turns: clients are spread evenly, whatever else comes between them. */
  #next(kind: 'client' | 'question'): Running | undefined {
    const { serving } = this
    const able = serving.filter(({ hasAgents }) => hasAgents)
    const from = able.length > 0 ? able : serving
    return from[this.#turns[kind]++ % from.length]
  }

  /** Passes an agent's connection, with what it has said already, to the process that it asks for, or to any. */
  passAgent(socket: Socket, head: Buffer, process?: number): void {
    const { serving } = this
    const any = serving[this.#turns.agent++ % serving.length]
    const to = process === undefined ? any : serving.find(({ number }) => number === process)
    passTo(to, passed.agent, socket, head)
  }

  /**
   * Asks each that has read the store, but one. Resolves when each has answered or is dead: one that does not answer in time is killed.
   */
  async tellAll(changes: Parameters<DataCalls['heard']>[0], but?: number): Promise<void> {
    const others = [...this.#running.values()].filter(({ hasOpened, number }) => hasOpened && number !== but)
    await Promise.all(others.map((one) => one.ask(limits.heardMs, 'heard', changes).catch(() => one.kill())))
  }

  /** Ends all of them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    clearInterval(this.#pulse)
    await Promise.all(
      [...this.#running.values()].map(async (one) => {
        void one.peer.ask('quit').catch(() => undefined)
        const late = setTimeout(() => void one.kill(), limits.quitMs)
        await one.exited
        clearTimeout(late)
      }),
    )
  }

  /** @throws CannotStart */
  async #begin(process: number, care: Care): Promise<void> {
    const { config, environment, events } = this.#options
    const child = fork(new URL('./main.ts', import.meta.url), {
      env: environment,
      serialization: 'advanced',
      // No input; the log goes where ours goes.
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const one = new Running(process, child, care.answers(process))
    this.#running.set(process, one)
    void one.exited.then((how) => this.#died(one, how, care))
    await one.ask(limits.startMs, 'start', { config: shareOf(config), process, processes: config.processes })
    one.isServing = true
    events.processStarted(process, child.pid)
    this.#awaitAgents(one).catch((error: unknown) => events.trouble('processes', error))
  }

  /** Has clients wait for it until those agents have come back to it that the others have: they would reach no target there. */
  async #awaitAgents(one: Running): Promise<void> {
    const untilMs = performance.now() + limits.agentsMs
    while (!one.hasAgents && performance.now() < untilMs && !this.#stop.signal.aborted) {
      const states = await Promise.all(this.serving.map((each) => each.askOrDie(limits.askMs, 'look')))
      const all = new Set(states.flatMap((state) => state?.value.agents.map(({ id }) => id) ?? []))
      const own = await one.askOrDie(limits.askMs, 'look')
      if (own === undefined) return
      one.hasAgents = own.value.agents.length >= all.size
      await sleep(limits.lookAgainMs)
    }
    one.hasAgents = true
  }

  async #died(one: Running, how: string, care: Care): Promise<void> {
    const { events } = this.#options
    this.#running.delete(one.number)
    if (this.#stop.signal.aborted || !one.isServing) return
    events.processDied(one.number, how)
    try {
      await care.onDied(one.number)
    } catch (error) {
      events.trouble('processes', error)
    }
    const wasYoung = performance.now() - one.bornAtMs < limits.youngMs
    await this.#replace(one.number, wasYoung ? limits.firstRetryMs : 0, care)
  }

  async #replace(process: number, afterMs: number, care: Care): Promise<void> {
    for (let waitMs = afterMs; !this.#stop.signal.aborted; waitMs = nextWaitMs(waitMs)) {
      await sleep(waitMs, undefined, { signal: this.#stop.signal }).catch(() => undefined)
      if (this.#stop.signal.aborted) return
      try {
        return await this.#begin(process, care)
      } catch (error) {
        this.#options.events.trouble('processes', error)
        await this.#running.get(process)?.kill()
      }
    }
  }
}

/** One of them, from its start to its end. */
class Running {
  readonly number: number
  readonly peer: Peer<DataCalls>
  readonly bornAtMs = performance.now()
  /** How it ended, in words. */
  readonly exited: Promise<string>
  readonly #child: ChildProcess
  /** It reads the store, and so has to hear of what changes. */
  hasOpened = false
  #isOver = false
  isServing = false
  /** As many as the others. */
  hasAgents = false

  constructor(number: number, child: ChildProcess, answers: Omit<ControlCalls, 'opening'>) {
    this.number = number
    this.#child = child
    const opening: ControlCalls['opening'] = () => void (this.hasOpened = true)
    this.peer = new Peer<DataCalls>(child, { ...answers, opening })
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
      child.on('error', (error) => resolve(error.message))
    })
    // Whatever its last words were: with the channel nobody looks after it.
    child.once('disconnect', () => void this.kill())
    void this.exited.then((how) => {
      this.#isOver = true
      this.peer.gone(new Error(`a process of the gateway has ended: ${how}`))
    })
  }

  /** False from its last breath on, which comes a little before its end. */
  get isConnected(): boolean {
    return this.#child.connected
  }

  /** Asks it; one that does not answer within `ms` is killed: what it was asked would not hold there. @throws as Peer.ask */
  async ask<K extends keyof DataCalls>(
    ms: number,
    name: K,
    ...args: Parameters<DataCalls[K]>
  ): Promise<Awaited<ReturnType<DataCalls[K]>>> {
    // Twice, so that nobody is killed for an answer that came while this very process was not running.
    let timer = setTimeout(() => {
      timer = setTimeout(() => void this.kill(), ms / 2)
    }, ms / 2)
    try {
      return (await this.peer.ask(name, ...(args as never))) as Awaited<ReturnType<DataCalls[K]>>
    } finally {
      clearTimeout(timer)
    }
  }

  /** Undefined where it died first. @throws what it threw itself */
  async askOrDie<K extends keyof DataCalls>(
    ms: number,
    name: K,
    ...args: Parameters<DataCalls[K]>
  ): Promise<{ readonly value: Awaited<ReturnType<DataCalls[K]>> } | undefined> {
    try {
      return { value: await this.ask(ms, name, ...args) }
    } catch (thrown) {
      if (this.#isOver) return undefined
      throw thrown
    }
  }

  /** Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.exited
  }
}

function passTo(one: Running | undefined, ...what: Parameters<Running['peer']['pass']>): void {
  if (one === undefined) what[1].resetAndDestroy()
  else one.peer.pass(...what)
}

/** Its share of what there may be in all. Connections are dealt out evenly. */
function shareOf(config: Config): Config {
  const share = (all: number): number => Math.ceil(all / config.processes)
  const { connections, connectionsBeforeLogin } = config.limits
  return {
    ...config,
    limits: {
      ...config.limits,
      connections: share(connections),
      connectionsBeforeLogin: share(connectionsBeforeLogin),
    },
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

function nextWaitMs(waitMs: number): number {
  return Math.min(Math.max(2 * waitMs, limits.firstRetryMs), limits.lastRetryMs)
}

const limits = {
  startMs: 60_000,
  /**
   * For a commit of another process to hold in one. Who commits waits for it. As long as a machine may be short of
   * processors: where all are slow, killing them makes all slower.
   */
  heardMs: 15_000,
  /** More than an agent's three attempts to reach a target. */
  askMs: 20_000,
  pulseMs: 5_000,
  lookMs: 15_000,
  /** For agents to come to one that was just started, looked at so often. */
  agentsMs: 10_000,
  lookAgainMs: 100,
  quitMs: 10_000,
  /** One that dies so soon is replaced with some delay, which doubles. */
  youngMs: 10_000,
  firstRetryMs: 500,
  lastRetryMs: 10_000,
} as const
