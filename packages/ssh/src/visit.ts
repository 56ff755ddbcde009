import {
  asFault,
  Fault,
  isRefusal,
  type Authorization,
  type Facts,
  type Operation,
  type Outcome,
  type Passage,
  type Permit,
  type Refusal,
  type Session,
  type Tell,
} from '@sallyport/core'
import type { ChannelHost } from './channels/host.ts'
import { Forwarding } from './channels/forwarding.ts'
import { SessionChannel } from './channels/session-channel.ts'
import type { GlobalRequest, OpenRequest, SshConnection } from './connection/connection.ts'
import { openFailure } from './connection/messages.ts'
import { maxSessionChannels } from './limits.ts'
import type { Target } from './login/upstream.ts'
import type { SshOptions } from './options.ts'
import { OutputMask } from './terminal/index.ts'
import { line, wordsOf } from './wording.ts'

export interface VisitParts {
  readonly ssh: SshConnection
  readonly session: Session<SshOptions>
  /** Being reached while the client says what it wants. */
  readonly target: Promise<Target>
  /** For redactors that must be stable and unguessable. */
  readonly maskKey: Uint8Array
}

/** Why a visit is over: somebody left in good order, or something ended it. */
export type VisitEnd = 'client-left' | Refusal | Fault

/** A client that is logged in, and all that it does here until it leaves or is made to. */
export class Visit implements ChannelHost {
  readonly target: Promise<Target>
  readonly #ssh: SshConnection
  readonly #session: Session<SshOptions>
  readonly #maskKey: Uint8Array
  readonly #sessions = new Set<SessionChannel>()
  readonly #forwarding: Forwarding
  readonly #gone = new AbortController()
  /** What is to be said once there is a session to say it in. */
  #unsaid: { readonly notice: string; readonly over: AbortSignal }[] = []
  readonly #end = Promise.withResolvers<VisitEnd>()
  #isOver = false
  #isLastSession = false
  #bytesUp = 0
  #bytesDown = 0

  constructor({ ssh, session, target, maskKey }: VisitParts) {
    this.#ssh = ssh
    this.#maskKey = maskKey
    this.#forwarding = new Forwarding(ssh, this)
    this.#session = session
    this.target = target
  }

  get session(): Session<SshOptions> {
    return this.#session
  }

  get options(): SshOptions {
    return this.#session.resource.options
  }

  get bytesUp(): number {
    return (
      [...this.#sessions].reduce((sum, each) => sum + each.bytesUp, this.#bytesUp) + this.#forwarding.bytesUp
    )
  }

  get bytesDown(): number {
    return (
      [...this.#sessions].reduce((sum, each) => sum + each.bytesDown, this.#bytesDown) +
      this.#forwarding.bytesDown
    )
  }

  /** From the first channel to the last. */
  async run(): Promise<VisitEnd> {
    const { signal } = this.#session
    const onAbort = (): void => this.#over(isRefusal(signal.reason) ? signal.reason : asFault(signal.reason))
    signal.addEventListener('abort', onAbort, { once: true })
    this.target.then(
      ({ ssh }) =>
        ssh.listen({
          open: (request) => this.#forwarding.openedByTarget(request),
          request: ({ reply }) => reply(false),
          broken: (fault) => this.#over(new Fault('target/malformed', fault.shown, { cause: fault })),
          over: () => this.#over(new Fault('target/closed', 'the target closed the connection')),
        }),
      (thrown: unknown) => this.broke(thrown),
    )
    this.#ssh.listen({
      open: (request) => this.#open(request),
      request: (request) => this.#request(request),
      broken: (fault) => this.#over(fault),
      over: () => this.#over('client-left'),
    })
    if (signal.aborted) onAbort()
    try {
      return await this.#end.promise
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Something failed, and with it all of the visit. */
  broke(thrown: unknown): void {
    this.#over(isRefusal(thrown) ? thrown : asFault(thrown))
  }

  authorize(
    operation: Operation,
    facts: readonly Facts[],
    tell: Tell,
    withdrawal: AbortSignal,
  ): Authorization | Promise<Authorization> {
    return this.#session.authorize(operation, facts, tell, withdrawal)
  }

  refuse(operation: Operation, refused: Refusal): Refusal {
    return this.#session.refuse(operation, refused)
  }

  /**
   * In one session, the first that is open: what is said there, ssh writes to its standard error. Where there is none yet, in the next; and
   * as a message that `ssh -v` shows, for one that never has any (`-N`).
   */
  announce(notice: string, over: AbortSignal): void {
    const session = [...this.#sessions].find(({ isHeard }) => isHeard)
    if (session !== undefined) return session.say(line(notice))
    this.#ssh.debug(line(notice).trimEnd())
    this.#unsaid = this.#unsaid.filter((each) => !each.over.aborted && each.over !== over)
    if (this.#unsaid.length < maxUnsaid) this.#unsaid.push({ notice, over })
  }

  commit(): void {
    this.#session.commit()
  }

  // hot path
  /** What cannot be recorded does not go on. */
  readonly note = (passage: Passage): void => {
    this.#session.note(passage)
  }

  finish(permit: Permit, outcome: Outcome): void {
    this.#session.finish(permit, outcome)
  }

  stands(permit: Permit, facts: readonly Facts[]): boolean {
    return this.#session.stands(permit, facts)
  }

  get gone(): AbortSignal {
    return this.#gone.signal
  }

  mask(): OutputMask | undefined {
    const { masking } = this.#session.resource
    if (masking.detectors.length === 0) return undefined
    return new OutputMask({ masking, key: this.#maskKey, maskedTags: () => this.#session.maskedTags() })
  }

  allow(what: 'forward-x11' | 'forward-agent'): void {
    this.#forwarding.allow(what)
  }

  #left(channel: SessionChannel): void {
    if (!this.#sessions.delete(channel)) return
    this.#bytesUp += channel.bytesUp
    this.#bytesDown += channel.bytesDown
  }

  #open(request: OpenRequest): void {
    switch (request.type) {
      case 'session': {
        if (this.#isLastSession || this.#sessions.size >= maxSessionChannels)
          return request.refuse(openFailure.resourceShortage, `no more than ${maxSessionChannels} sessions`)
        const channel = new SessionChannel(request.accept(), this, (gone) => this.#left(gone))
        this.#sessions.add(channel)
        channel.start()
        for (const { notice, over } of this.#unsaid.splice(0)) if (!over.aborted) channel.say(line(notice))
        return
      }
      default:
        if (this.#forwarding.open(request)) return
        return request.refuse(openFailure.unknownChannelType, 'there are no such channels here')
    }
  }

  #request(request: GlobalRequest): void {
    if (request.name === 'no-more-sessions@openssh.com') this.#isLastSession = true
    if (!this.#forwarding.request(request)) request.reply(false)
  }

  #over(end: VisitEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#gone.abort()
    if (typeof end !== 'string') for (const each of this.#sessions) each.cutOff(wordsOf(end))
    try {
      this.#forwarding.end()
      this.#end.resolve(end)
    } catch (thrown) {
      this.#end.resolve(asFault(thrown))
    }
  }
}

/** As many forwards may be waiting. */
const maxUnsaid = 16
