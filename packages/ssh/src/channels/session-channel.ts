import { isRefusal, type Authorization, type Outcome, type Permit, type Refusal } from '@sallyport/core'
import type { Channel, ChannelRequest } from '../connection/channel.ts'
import { leftBehindMs } from '../limits.ts'
import type { FileOperation } from '../transfer/operation.ts'
import { exitNotConnected, exitNotPermitted, line, wordsOf } from '../wording.ts'
import { askedOf } from './asked.ts'
import { Attendance } from './attendance.ts'
import { Environment } from './environment.ts'
import type { ChannelHost } from './host.ts'
import { FilesJoint } from './files-joint.ts'
import { followed, type ProgramTransfer } from './followed-files.ts'
import { forwardOfClient } from './forwards.ts'
import { Joint } from './joint.ts'
import { keepingOf } from './keeping.ts'
import { ProgramOutput, type LateOutput } from './output.ts'
import { refusedByItself, requestOf, transferOf, type Program } from './program.ts'
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
  #joint: Joint | FilesJoint | undefined
  /** What the client wants beside its program, as it asked for it, where it may have that. */
  readonly #extras: { readonly type: string; readonly data: Buffer }[] = []
  /** What of that is being decided. */
  readonly #pending: Promise<void>[] = []
  #permit: Permit | undefined
  /** Where it must be watched. */
  #attendance: Attendance | undefined
  #ending: Ending | undefined
  /** Ends what goes on without its client. */
  #leftBehind: NodeJS.Timeout | undefined
  #isFinished = false
  #hasExit = false
  #output: ProgramOutput | undefined
  #transfer: ProgramTransfer | undefined

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
      closing: () => this.#leave(() => (this.#hasEnded = true)),
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

  /** Somebody would see what is said here. */
  get isHeard(): boolean {
    return this.#channel.isWritable
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
    // Without a terminal, sshd lets what runs go on when its channel is closed.
    this.#target?.tell('signal', ['TERM'])
    this.#target?.abandon()
    this.#end(words, exitNotConnected)
  }

  readonly #onRequest = (request: ChannelRequest): void => {
    const { type, data, wantsReply, reply } = request
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
        else if (this.#attendance?.isPaused === true) return reply(false)
        else this.#target?.tell('signal', [name])
        return reply(this.#isAsked)
      }
      case 'break': {
        const fields = [data.number()]
        if (this.#target === undefined || this.#attendance?.isPaused === true) return reply(false)
        // ssh asks for none (RFC 4335): nothing is then remembered until the target answers.
        if (!wantsReply) return this.#target.tell('break', fields)
        return void this.#target.ask('break', fields).then(reply)
      }
      case 'x11-req':
        return this.#want(request, 'forward-x11')
      case 'auth-agent-req@openssh.com':
        return this.#want(request, 'forward-agent')
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

  #want({ type, data, reply }: ChannelRequest, kind: 'forward-x11' | 'forward-agent'): void {
    if (this.#isAsked || this.#pending.length >= maxExtras) return reply(false)
    const asked = data.rest()
    const decide = async (): Promise<void> => {
      const { operation, facts } = forwardOfClient(kind)
      const tell = (notice: string): void => this.say(line(notice))
      const answer = await this.#host.authorize(operation, facts, tell, this.#withdrawal.signal)
      if (isRefusal(answer)) return reply(false)
      this.#host.commit()
      this.#host.allow(kind)
      this.#extras.push({ type, data: asked })
      // It is there from now on; what comes of it is carried in channels of its own.
      this.#host.finish(answer, { status: 'done', rows: 0, sizeBytes: 0, ...unmasked })
      reply(true)
    }
    this.#pending.push(decide().catch((thrown: unknown) => this.#host.broke(thrown)))
  }

  #resize({ data, reply }: ChannelRequest): void {
    const size = readSize(data)
    if (this.#terminal === undefined) return reply(false)
    this.#terminal = { ...this.#terminal, size }
    this.#target?.tell('window-change', sizeFields(size))
    this.#output?.resized(size.columns)
    if (this.#permit !== undefined) this.#noteTerminal(this.#permit, this.#terminal)
    reply(true)
  }

  async #run(program: Program): Promise<void> {
    const refused = refusedByItself(program)
    await Promise.all(this.#pending)
    const { operation, facts } = askedOf(program, {
      terminal: this.#terminal,
      variables: this.#environment.variables,
    })
    if (refused !== undefined) return this.#refuse(this.#host.refuse(operation, refused))
    const target = await this.#host.target
    if (this.#withdrawal.signal.aborted) return
    const tell = (notice: string): void => this.say(line(notice))
    const answer = await this.#host.authorize(operation, facts, tell, this.#withdrawal.signal)
    if (isRefusal(answer)) return this.#refuse(answer)
    this.#permit = answer
    this.#host.commit()
    const channel = await target.ssh.open('session').catch(() => undefined)
    if (channel === undefined) return this.#end(line('the target opens no further channel'), exitNotConnected)
    if (this.#channel.isClosed) return channel.close()
    await this.#begin(channel, program, answer)
  }

  async #begin(target: Channel, program: Program, permit: Permit): Promise<void> {
    this.#target = target
    const joint = this.#join(target, program, permit)
    const attendance = (this.#attendance = this.#attendanceOf(permit))
    const closed = (): void => {
      this.#finish(this.#leftBehind === undefined ? 'lost' : 'cancelled')
      joint.fromTarget.closed()
    }
    const down = { ...joint.fromTarget, request: this.#onTargetRequest, closed }
    target.listen(attendance === undefined ? down : attendance.heldToEnd(down))
    const terminal = this.#terminal
    if (terminal !== undefined) {
      this.#noteTerminal(permit, terminal)
      const { term, size, modes } = terminal
      const hasTerminal = await target.ask('pty-req', [term, ...sizeFields(size), modes])
      if (!hasTerminal) this.say(line('the target gives no terminal'))
    }
    for (const { type, data } of this.#extras) target.pass(type, data)
    for (const { name, value } of this.#environment.variables) target.tell('env', [name, value])
    const isRunning = await target.ask(...requestOf(program))
    if (!isRunning) {
      target.close()
      return this.#end(line('the target did not take it'), exitNotConnected)
    }
    this.#joint = joint
    const up = attendance === undefined ? joint.fromClient : attendance.held(joint.fromClient)
    const closing = (): boolean => this.#leave(() => up.eof())
    this.#channel.listen({ ...up, request: this.#onRequest, closing, closed: () => this.#closed(joint) })
    for (const bytes of this.#ahead.splice(0)) up.data(bytes)
    if (this.#hasEnded) up.eof()
  }

  #attendanceOf(permit: Permit): Attendance | undefined {
    if (permit.obligations.watchers === undefined) return undefined
    return new Attendance({
      session: this.#host.session,
      permit,
      say: (words) => this.say(line(words)),
      end: (why) => this.cutOff(wordsOf(why)),
      broke: (thrown) => this.#host.broke(thrown),
    })
  }

  #join(target: Channel, program: Program, permit: Permit): Joint | FilesJoint {
    const client = this.#channel
    const transfer = transferOf(program)
    this.#transfer = transfer
    const say = (words: string): void => this.say(`${words}\n`)
    const conversation = transfer && followed(transfer, this.#host, permit, say)
    if (conversation !== undefined) {
      return new FilesJoint({
        client,
        target,
        conversation,
        authorize: (operation) => this.#authorizeFile(operation),
        commit: () => this.#host.commit(),
        broke: (thrown) => this.#host.broke(thrown),
      })
    }
    const keeping = keepingOf(program, transfer, this.#terminal !== undefined)
    const late: LateOutput = {
      // What a mask has held back waits with the rest while nobody watches.
      whenMayLeave: (step) => (this.#attendance === undefined ? step() : this.#attendance.later(step)),
      send: (bytes, isError) => joint.late(bytes, isError),
    }
    const output = new ProgramOutput(this.#host, permit, keeping, late, this.#terminal?.size.columns)
    this.#output = output
    const joint: Joint = new Joint(client, target, {
      down: (bytes, isError) => output.down(bytes, isError),
      downEnd: () => output.downEnd(),
      ...(this.#host.options.recordInput && { up: (bytes: Buffer) => output.up(bytes) }),
    })
    return joint
  }

  #authorizeFile(operation: FileOperation): Authorization | Promise<Authorization> {
    const tell = (notice: string): void => this.say(line(notice))
    return this.#host.authorize(operation, operation.facts, tell, this.#withdrawal.signal)
  }

  readonly #onTargetRequest = ({ type, data, reply }: ChannelRequest): void => {
    if (type === 'exit-status' || type === 'exit-signal') {
      const said = data.rest()
      this.#ending ??= type === 'exit-status' ? { code: data.number() } : { signal: signalOf(data.name()) }
      if (!this.#hasExit) this.#channel.pass(type, said)
      this.#hasExit = true
    }
    if (type === 'eow@openssh.com' || type === 'xon-xoff') this.#channel.pass(type, data.rest())
    reply(false)
  }

  #noteTerminal({ id }: Permit, { term, size: { columns, rows } }: Terminal): void {
    this.#host.note({ kind: 'terminal', id, term, columns, rows })
  }

  /** Of files that are not followed one by one, as much as is known. */
  #noteTransfer({ id }: Permit): void {
    if (this.#transfer === undefined || this.#joint instanceof FilesJoint) return
    const { actions, arguments: names } = this.#transfer
    const direction = actions.includes('upload') ? 'upload' : 'download'
    const sizeBytes = direction === 'upload' ? this.bytesUp : this.bytesDown
    const isWhole = this.#ending !== undefined && 'code' in this.#ending && this.#ending.code === 0
    this.#host.note({ kind: 'transfer', id, direction, path: names.join(' '), sizeBytes, isWhole })
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
    this.#finish('lost')
    this.say(words)
    if (!this.#hasExit) this.#channel.tell('exit-status', [code])
    this.#hasExit = true
    this.#channel.close()
  }

  /**
   * The client closes its channel, as ssh does as soon as both sides have said all: how the program ended it learns later, and
   * so do we.
   * @param endInput says to the program that no more comes
   * @returns whether nothing is waited for
   */
  #leave(endInput: () => void): boolean {
    this.#withdrawal.abort()
    if (this.#target === undefined || this.#attendance?.isPaused === true) return true
    endInput()
    if (!this.#target.hasEof) this.#leftBehind = setTimeout(() => this.#channel.close(), leftBehindMs)
    return false
  }

  /** Nothing comes from the client any more. */
  #closed(joint?: Joint | FilesJoint): void {
    this.#withdrawal.abort()
    clearTimeout(this.#leftBehind)
    joint?.fromClient.closed()
    this.#target?.abandon()
    this.#finish('cancelled')
    this.#onGone(this)
  }

  /** @param otherwise how it ended where the target did not say it */
  #finish(otherwise: 'cancelled' | 'lost'): void {
    if (this.#permit === undefined || this.#isFinished) return
    this.#isFinished = true
    this.#attendance?.[Symbol.dispose]()
    if (this.#joint instanceof FilesJoint) this.#joint.end()
    const masked = this.#output?.end() ?? unmasked
    this.#noteTransfer(this.#permit)
    this.#host.finish(this.#permit, {
      ...outcomeOf(this.#ending, otherwise),
      rows: 0,
      sizeBytes: this.bytesDown,
      ...masked,
    })
  }
}

/** As the target says it. */
type Ending = { readonly code: number } | { readonly signal: string }

/** A target may write anything there. @see RFC 4254 section 6.10 */
function signalOf(name: string): string {
  return /^[\w.@-]{1,64}$/.test(name) ? name : 'unknown'
}

function outcomeOf(
  ending: Ending | undefined,
  otherwise: Outcome['status'],
): Pick<Outcome, 'status' | 'errorCode'> {
  if (ending === undefined) return { status: otherwise }
  if ('signal' in ending) return { status: 'failed', errorCode: `signal ${ending.signal}` }
  return ending.code === 0 ? { status: 'done' } : { status: 'failed', errorCode: `exit ${ending.code}` }
}

const unmasked = { maskedValues: 0, maskedColumns: [] }

/** What a person sends who does not want to wait. */
const endingSignals = new Set(['INT', 'TERM', 'HUP', 'QUIT', 'KILL'])
const controlC = 3
/** An agent and a screen. */
const maxExtras = 4
