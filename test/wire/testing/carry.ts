import type { Duplex } from 'node:stream'
import { asFault, type Authorization, type Fault } from '@sallyport/core'
import type { FileConversation } from '../../../packages/ssh/src/transfer/conversation.ts'
import type { FileOperation } from '../../../packages/ssh/src/transfer/operation.ts'
import { Valve } from '../../../packages/wire/src/valve.ts'

export interface CarryParts {
  readonly client: Duplex
  readonly target: Duplex
  readonly conversation: FileConversation
  readonly authorize: (operation: FileOperation) => Authorization | Promise<Authorization>
}

/**
 * Runs a conversation over a channel of each side until the target said all that it will say, the client is gone or
 * something breaks. The target's channel is ended when the client's was; how the client's ends is the caller's. Never rejects.
 */
export function carry(parts: CarryParts): Promise<'target-left' | 'client-left' | Fault> {
  return new Promise((resolve) => new Carrying(parts, resolve).start())
}

type End = 'target-left' | 'client-left' | Fault

class Carrying {
  readonly #parts: CarryParts
  readonly #resolve: (end: End) => void
  readonly #clientValve: Valve
  readonly #targetValve: Valve
  #isAsking = false
  #hasClientEnded = false
  #hasTargetEnded = false
  #isOver = false

  constructor(parts: CarryParts, resolve: (end: End) => void) {
    this.#parts = parts
    this.#resolve = resolve
    this.#clientValve = new Valve(parts.client)
    this.#targetValve = new Valve(parts.target)
  }

  start(): void {
    const { client, target } = this.#parts
    client.on('error', this.#onClientGone).on('close', this.#onClientGone).on('end', this.#onClientEnd)
    target.on('error', this.#onTargetError).on('close', this.#onTargetEnd).on('end', this.#onTargetEnd)
    client.on('drain', this.#onClientDrain)
    target.on('drain', this.#onTargetDrain)
    if (client.destroyed) return this.#onClientGone()
    if (target.destroyed || target.readableEnded) return this.#onTargetEnd()
    client.on('data', this.#onClientData)
    target.on('data', this.#onTargetData)
    if (client.readableEnded) this.#onClientEnd()
  }

  readonly #onClientData = (chunk: Buffer): void => this.#step(() => this.#parts.conversation.client(chunk))
  readonly #onTargetData = (chunk: Buffer): void => this.#step(() => this.#parts.conversation.server(chunk))

  /** Lets the conversation go on, asks what it asks, and sends what comes of it. */
  #step(goOn: () => void): void {
    if (this.#isOver) return
    try {
      goOn()
      this.#ask()
      this.#flush()
    } catch (thrown) {
      this.#finish(asFault(thrown))
    }
  }

  #ask(): void {
    const { conversation, authorize } = this.#parts
    while (!this.#isAsking) {
      const { asked } = conversation
      if (asked === undefined) return
      const answer = authorize(asked)
      if (!(answer instanceof Promise)) {
        this.#settle(answer)
        continue
      }
      this.#isAsking = true
      answer.then(
        (authorization) => {
          this.#isAsking = false
          this.#step(() => this.#settle(authorization))
        },
        (thrown: unknown) => this.#finish(asFault(thrown)),
      )
    }
  }

  #settle(authorization: Authorization): void {
    this.#parts.conversation.settle(authorization)
  }

  #flush(): void {
    const { client, target, conversation } = this.#parts
    const { out } = conversation
    if (!out.server.isEmpty) {
      if (!out.server.flush(target)) this.#clientValve.shut('target full')
    }
    if (!out.client.isEmpty && !out.client.flush(client)) {
      this.#targetValve.shut('client full')
      // Some answers are ours: who does not read them is not read either.
      this.#clientValve.shut('client full')
    }
    if (conversation.takesClient) this.#clientValve.open('waiting')
    else this.#clientValve.shut('waiting')
    if (conversation.takesServer) this.#targetValve.open('waiting')
    else this.#targetValve.shut('waiting')
    if (this.#hasClientEnded && !conversation.isWaiting && target.writable) target.end()
    if (this.#hasTargetEnded) this.#finish('target-left')
  }

  readonly #onClientDrain = (): void => {
    this.#targetValve.open('client full')
    this.#clientValve.open('client full')
  }

  readonly #onTargetDrain = (): void => this.#clientValve.open('target full')

  readonly #onClientEnd = (): void => {
    this.#hasClientEnded = true
    this.#step(() => undefined)
  }

  readonly #onTargetEnd = (): void => {
    this.#hasTargetEnded = true
    this.#step(() => undefined)
  }

  readonly #onClientGone = (): void => this.#finish('client-left')
  readonly #onTargetError = (error: Error): void => this.#finish(asFault(error))

  #finish(end: End): void {
    if (this.#isOver) return
    this.#isOver = true
    const { client, target, conversation } = this.#parts
    client.off('data', this.#onClientData).off('drain', this.#onClientDrain).off('end', this.#onClientEnd)
    client.off('close', this.#onClientGone)
    target.off('data', this.#onTargetData).off('drain', this.#onTargetDrain).off('end', this.#onTargetEnd)
    target.off('close', this.#onTargetEnd)
    let last = end
    try {
      conversation.end()
    } catch (thrown) {
      last = asFault(thrown)
    }
    this.#resolve(last)
  }
}
