import { isRefusal, refusal, type Outcome, type Permit, type Refusal } from '@sallyport/core'
import type { Channel, ChannelRequest } from '../connection/channel.ts'
import { maxCommandBytes } from '../limits.ts'
import { exitNotConnected, exitNotPermitted, line, wordsOf } from '../wording.ts'
import { askedOf, type Program } from './asked.ts'
import { Environment } from './environment.ts'
import type { ChannelHost } from './host.ts'
import { Joint, type Taps } from './joint.ts'
import { KeptOutput } from './kept-output.ts'
import { readSize, readTerminal, sizeFields, type Terminal } from './terminal.ts'

/** One session channel of a client's: first it says in what, then what is to run; once. */
export class SessionChannel {
  readonly #channel: Channel
  readonly #host: ChannelHost
  readonly #onGone: (channel: SessionChannel) => void
  readonly #environment: Environment
  #terminal: Terminal | undefined
  /** What the client sent ahead. It is within the channel's window, and not taken off it. */
  readonly #ahead: Buffer[] = []
  #hasEnded = false
  #isAsked = false
  /** Takes back what is held. */
  readonly #withdrawal = new AbortController()
  #target: Channel | undefined
  #joint: Joint | undefined
  #permit: Permit | undefined
  #ending: Ending | undefined
  #isFinished = false
  #hasExit = false
  #kept: readonly KeptOutput[] = []

  constructor(channel: Channel, host: ChannelHost, onGone: (channel: SessionChannel) => void) {
    this.#channel = channel
    this.#host = host
    this.#onGone = onGone
    this.#environment = new Environment(host.options.environment)
  }

  start(): void {
    this.#channel.listen({
      data: (bytes) => this.#sentAhead(bytes),
      eof: () => (this.#hasEnded = true),
      closed: () => this.#closed(),
      request: this.#onRequest,
    })
  }

  get bytesUp(): number {
    return this.#joint?.bytesUp ?? 0
  }

  get bytesDown(): number {
    return this.#joint?.bytesDown ?? 0
  }

  /** Says something to the person there, beside what runs. */
  say(words: string): void {
    // A terminal in raw mode does not go back by itself.
    this.#channel.writeError(
      Buffer.from(this.#terminal === undefined ? words : words.replaceAll('\n', '\r\n')),
    )
  }

  /** Says why nothing more comes, and ends it, unless it has ended. */
  cutOff(words: string): void {
    this.#withdrawal.abort()
    this.#target?.abandon()
    this.#end(words, exitNotConnected)
  }

  readonly #onRequest = (request: ChannelRequest): void => {
    const { type, data, reply } = request
    switch (type) {
      case 'pty-req': {
        const terminal = this.#isAsked || this.#terminal !== undefined ? undefined : readTerminal(data)
        this.#terminal ??= terminal
        return reply(terminal !== undefined)
      }
      case 'env':
        return reply(!this.#isAsked && this.#environment.set(data.name(), data.string()))
      case 'shell':
        return this.#ask(request, { kind: 'shell' })
      case 'exec':
        return this.#ask(request, { kind: 'exec', command: data.string() })
      case 'subsystem':
        return this.#ask(request, { kind: 'subsystem', name: data.string() })
      case 'window-change':
        return this.#resize(request)
      case 'signal': {
        const name = data.name()
        if (this.#target === undefined && endingSignals.has(name)) this.#withdrawal.abort()
        else this.#target?.tell('signal', [name])
        return reply(this.#isAsked)
      }
      case 'break': {
        const asked = this.#target?.ask('break', [data.number()])
        if (asked === undefined) return reply(false)
        return void asked.then(reply)
      }
      case 'eow@openssh.com':
        this.#target?.tell(type)
        return reply(true)
      default:
        return reply(false)
    }
  }

  #ask({ reply }: ChannelRequest, program: Program): void {
    if (this.#isAsked) return reply(false)
    this.#isAsked = true
    // What is refused later is refused in words.
    reply(true)
    this.#run(program).catch((thrown: unknown) => this.#host.broke(thrown))
  }

  #resize({ data, reply }: ChannelRequest): void {
    const size = readSize(data)
    if (this.#terminal === undefined) return reply(false)
    this.#terminal = { ...this.#terminal, size }
    this.#target?.tell('window-change', sizeFields(size))
    if (this.#permit !== undefined) this.#noteTerminal(this.#permit, this.#terminal)
    reply(true)
  }

  async #run(program: Program): Promise<void> {
    const refused = refusedByItself(program)
    const { operation, facts } = askedOf(program, {
      terminal: this.#terminal,
      variables: this.#environment.variables,
    })
    if (refused !== undefined) return this.#refuse(this.#host.refuse(operation, refused))
    const target = await this.#host.target
    if (this.#withdrawal.signal.aborted) return
    const answer = await this.#host.authorize(
      operation,
      facts,
      (notice) => this.say(line(notice)),
      this.#withdrawal.signal,
    )
    if (isRefusal(answer)) return this.#refuse(answer)
    this.#permit = answer
    this.#host.commit()
    const channel = await target.ssh.open('session').catch(() => undefined)
    if (channel === undefined || this.#channel.isClosed) {
      channel?.close()
      return this.#end(line('the target opens no further channel'), exitNotConnected)
    }
    await this.#begin(channel, program, answer)
  }

  async #begin(target: Channel, program: Program, permit: Permit): Promise<void> {
    this.#target = target
    const joint = new Joint(this.#channel, target, this.#taps(permit))
    target.listen({
      ...joint.fromTarget,
      request: this.#onTargetRequest,
      closed: () => this.#over(joint),
    })
    const terminal = this.#terminal
    if (terminal !== undefined) {
      this.#noteTerminal(permit, terminal)
      const { term, size, modes } = terminal
      const hasTerminal = await target.ask('pty-req', [term, ...sizeFields(size), modes])
      if (!hasTerminal) this.say(line('the target gives no terminal'))
    }
    for (const { name, value } of this.#environment.variables) target.tell('env', [name, value])
    const isRunning = await target.ask(...requestOf(program))
    if (!isRunning) {
      target.close()
      return this.#end(line('the target did not take it'), exitNotConnected)
    }
    this.#joint = joint
    const up = joint.fromClient
    for (const bytes of this.#ahead.splice(0)) up.data(bytes)
    if (this.#hasEnded) up.eof()
    this.#channel.listen({ ...up, request: this.#onRequest, closed: () => this.#closed() })
  }

  readonly #onTargetRequest = ({ type, data, reply }: ChannelRequest): void => {
    if (type === 'exit-status' || type === 'exit-signal') {
      const said = data.rest()
      this.#ending ??= type === 'exit-status' ? { code: data.number() } : { signal: data.name() }
      if (!this.#hasExit) this.#channel.pass(type, said)
      this.#hasExit = true
    }
    if (type === 'eow@openssh.com' || type === 'xon-xoff') this.#channel.pass(type, data.rest())
    reply(false)
  }

  #taps(permit: Permit): Taps {
    const note = this.#host.note
    const { id } = permit
    const [out, error] = (['stdout', 'stderr'] as const).map((stream) =>
      this.#terminal === undefined
        ? new KeptOutput(id, stream, note)
        : new KeptOutput(id, stream, note, Infinity),
    )
    const typed = this.#host.options.recordInput ? new KeptOutput(id, 'stdin', note) : undefined
    this.#kept = [out!, error!, ...(typed === undefined ? [] : [typed])]
    return {
      down: (bytes, isError) => (isError ? error! : out!).take(bytes),
      ...(typed !== undefined && { up: (bytes: Buffer) => typed.take(bytes) }),
    }
  }

  #noteTerminal({ id }: Permit, { term, size: { columns, rows } }: Terminal): void {
    this.#host.note({ kind: 'terminal', id, term, columns, rows })
  }

  #sentAhead(bytes: Buffer): void {
    this.#ahead.push(bytes)
    // Nobody else hears it while nothing runs.
    if (this.#terminal !== undefined && bytes.includes(controlC)) this.#withdrawal.abort()
  }

  #refuse(refused: Refusal): void {
    this.#end(wordsOf(refused), exitNotPermitted)
  }

  /** The last that is said here. */
  #end(words: string, code: number): void {
    this.say(words)
    if (!this.#hasExit) this.#channel.tell('exit-status', [code])
    this.#hasExit = true
    this.#channel.close()
    this.#finish('lost')
  }

  /** Nothing comes from the target any more. */
  #over(joint: Joint): void {
    joint.fromTarget.closed()
    this.#finish('lost')
  }

  /** Nothing comes from the client any more. */
  #closed(): void {
    this.#withdrawal.abort()
    this.#target?.abandon()
    this.#finish('cancelled')
    this.#onGone(this)
  }

  /** @param otherwise how it ended where the target did not say it */
  #finish(otherwise: 'cancelled' | 'lost'): void {
    if (this.#permit === undefined || this.#isFinished) return
    this.#isFinished = true
    for (const each of this.#kept) each.end()
    this.#host.finish(this.#permit, outcomeOf(this.#ending, otherwise, this.bytesDown))
  }
}

/** As the target says it. */
type Ending = { readonly code: number } | { readonly signal: string }

function outcomeOf(ending: Ending | undefined, otherwise: Outcome['status'], sizeBytes: number): Outcome {
  const about = { rows: 0, sizeBytes, maskedValues: 0, maskedColumns: [] }
  if (ending === undefined) return { ...about, status: otherwise }
  if ('signal' in ending) return { ...about, status: 'failed', errorCode: `signal ${ending.signal}` }
  return ending.code === 0
    ? { ...about, status: 'done' }
    : { ...about, status: 'failed', errorCode: `exit ${ending.code}` }
}

/** What no shell could run, or what we would not know how to show. */
function refusedByItself(program: Program): Refusal | undefined {
  switch (program.kind) {
    case 'shell':
      return undefined
    case 'exec':
      if (program.command.length > maxCommandBytes)
        return refusal('too-complex', `the command is longer than ${maxCommandBytes} bytes`)
      // It would end the command for the target, and not for us.
      return program.command.includes(0) ? refusal('unparsed', 'the command has a NUL in it') : undefined
    case 'subsystem':
      return refusal('unsupported', 'there is no such subsystem here')
  }
}

function requestOf(program: Program): [string, Buffer[]] {
  switch (program.kind) {
    case 'shell':
      return ['shell', []]
    case 'exec':
      return ['exec', [program.command]]
    case 'subsystem':
      return ['subsystem', [program.name]]
  }
}

/** What a person sends who does not want to wait. */
const endingSignals = new Set(['INT', 'TERM', 'HUP', 'QUIT', 'KILL'])
const controlC = 3
