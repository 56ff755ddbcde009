import { Socket } from 'node:net'
import { asFault, Fault, type FaultCode } from '@sallyport/core'
import { CannotStart } from '../cannot-start.ts'

/** The channel between two processes of one gateway: a child's, or that to the parent. */
export interface Channel {
  readonly connected?: boolean
  send?(message: unknown, handle?: Socket, options?: object, sent?: (error: Error | null) => void): boolean
  on(event: 'message', listener: (message: unknown, handle?: unknown) => void): unknown
}

type Message =
  | { readonly ask: number; readonly name: string; readonly args: readonly unknown[] }
  | { readonly answer: number; readonly value?: unknown; readonly problem?: Problem }
  | { readonly pass: string; readonly args: readonly unknown[] }

/** What was thrown, so that it means the same on the other side. */
type Problem =
  | { readonly kind: 'fault'; readonly code: FaultCode; readonly shown: string; readonly stack: string }
  | {
      readonly kind: 'cannot-start'
      readonly exitCode: CannotStart['exitCode']
      readonly message: string
      readonly next: string
    }

/**
 * The other end of a channel: asks it, answers it, and passes it sockets. Both ends are this very program, so what comes is taken as
 * it says.
 */
export class Peer<Theirs> {
  readonly #channel: Channel
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>()
  #last = 0
  #gone: Error | undefined

  /**
   * @param ours what the other side may ask: functions of plain values, which answer with one, at once or later
   * @param passed takes what {@link pass} brings
   */
  constructor(
    channel: Channel,
    ours: object,
    passed: (what: string, socket: Socket, ...args: readonly unknown[]) => void = refusePassed,
  ) {
    this.#channel = channel
    channel.on('message', (received, handle) => {
      const message = received as Message
      if ('ask' in message) void this.#answer(message, ours)
      else if ('answer' in message) this.#answered(message)
      // One that closed on its way does not arrive.
      else if (handle instanceof Socket) passed(message.pass, handle, ...message.args)
    })
  }

  /** @throws what the other side threw, as a Fault or CannotStart; Error once it is gone */
  ask<K extends keyof Theirs & string>(
    name: K,
    ...args: Theirs[K] extends (...args: infer A) => unknown ? A : never
  ): Promise<Theirs[K] extends (...args: never[]) => infer R ? Awaited<R> : never> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone)
    const ask = ++this.#last
    const asked = Promise.withResolvers<unknown>()
    this.#asked.set(ask, asked)
    this.#send({ ask, name, args })
    return asked.promise as never
  }

  /** Gives a socket away. Where it does not arrive, it is reset. */
  pass(what: string, socket: Socket, ...args: readonly unknown[]): void {
    // It may be reset at any time, with nobody here to care.
    socket.on('error', () => undefined)
    if (this.#gone !== undefined || this.#channel.connected !== true) return void socket.resetAndDestroy()
    this.#channel.send?.({ pass: what, args } satisfies Message, socket, {}, (error) => {
      if (error !== null) socket.resetAndDestroy()
    })
  }

  /** Nobody answers any more. */
  gone(why: Error): void {
    this.#gone ??= why
    for (const { reject } of this.#asked.values()) reject(this.#gone)
    this.#asked.clear()
  }

  async #answer({ ask, name, args }: Extract<Message, { ask: number }>, ours: object): Promise<void> {
    try {
      const call: unknown = Object.hasOwn(ours, name) ? ours[name as keyof typeof ours] : undefined
      if (typeof call !== 'function') throw new TypeError(`nobody here answers ${name}`)
      this.#send({ answer: ask, value: (await call(...args)) as unknown })
    } catch (thrown) {
      this.#send({ answer: ask, problem: problemOf(thrown) })
    }
  }

  #answered({ answer, value, problem }: Extract<Message, { answer: number }>): void {
    const asked = this.#asked.get(answer)
    this.#asked.delete(answer)
    if (problem === undefined) asked?.resolve(value)
    else asked?.reject(errorOf(problem))
  }

  /** What cannot be sent is lost with the other side, whose end is told of in its own way. */
  #send(message: Message): void {
    if (this.#channel.connected === true) this.#channel.send?.(message, undefined, {}, () => undefined)
  }
}

function problemOf(thrown: unknown): Problem {
  if (thrown instanceof CannotStart)
    return { kind: 'cannot-start', exitCode: thrown.exitCode, message: thrown.message, next: thrown.next }
  const { code, shown } = asFault(thrown)
  return {
    kind: 'fault',
    code,
    shown,
    stack: thrown instanceof Error ? (thrown.stack ?? '') : String(thrown),
  }
}

function errorOf(problem: Problem): Error {
  if (problem.kind === 'cannot-start') return new CannotStart(problem.exitCode, problem.message, problem.next)
  return new Fault(problem.code, problem.shown, { cause: problem.stack })
}

function refusePassed(_what: string, socket: Socket): void {
  socket.destroy()
}
