import type { Duplex } from 'node:stream'
import {
  asFault,
  isRefusal,
  type Authorization,
  type Fault,
  type Operation,
  type Refusal,
} from '@sallyport/core'
import type { Authorize, Conversation, Outboxes } from './conversation.ts'
import { Frames } from './frames.ts'
import { Outbox } from './outbox.ts'
import { Valve } from './valve.ts'

/** What a client may send ahead behind a held operation before it is no longer read. */
const heldAheadBytes = 256 * 1024
/** A target that sends as much as this at once will send more. */
const bulkBytes = 8 * 1024
/** How long the last words of a session that is cut may take to leave. */
const cutMs = 2_000
/** How long a side may take nothing of what it is still owed, when the other has left in good order. */
const stalledMs = 30_000

export interface RelayParts<Asked extends Operation> {
  readonly downstream: Duplex
  readonly upstream: Duplex
  readonly conversation: Conversation<Asked>
  readonly authorize: Authorize<Asked>
  /** Called before bytes of newly permitted operations leave. @throws Fault gateway/cannot-record: then they do not */
  readonly commit: () => void
  /** The client left, or cannot be read any more, while an operation may be held. */
  readonly clientGone: () => void
  /** Aborts with a Refusal or a Fault as its reason, which is worded to the client. */
  readonly signal: AbortSignal
}

/** How it ended, and how many bytes went each way. */
export interface RelayEnd {
  readonly cause: 'client-left' | 'target-left' | Fault | Refusal
  readonly bytesUp: number
  readonly bytesDown: number
}

/**
 * Runs a conversation over two streams until one side leaves, the signal aborts or something breaks. Both streams are
 * ended when it resolves. It never rejects. The only code that touches two sockets.
 */
export function relay<Asked extends Operation>(parts: RelayParts<Asked>): Promise<RelayEnd> {
  return new Promise((resolve) => new Relay(parts, resolve).start())
}

class Relay<Asked extends Operation> {
  readonly #parts: RelayParts<Asked>
  readonly #resolve: (end: RelayEnd) => void
  readonly #out: Outboxes = { client: new Outbox(), server: new Outbox() }
  readonly #fromClient: Frames<Asked>
  readonly #fromServer: Frames<Asked>
  readonly #clientValve: Valve
  readonly #serverValve: Valve
  #mustCommit = false
  #hasClientEnded = false
  #turnEnd: NodeJS.Immediate | undefined
  #isOver = false
  #notices: string[] = []

  constructor(parts: RelayParts<Asked>, resolve: (end: RelayEnd) => void) {
    this.#parts = parts
    this.#resolve = resolve
    this.#fromClient = new Frames('client', parts.conversation, this.#out)
    this.#fromServer = new Frames('server', parts.conversation, this.#out)
    this.#clientValve = new Valve(parts.downstream)
    this.#serverValve = new Valve(parts.upstream)
  }

  start(): void {
    const { downstream, upstream, signal } = this.#parts
    downstream.on('error', this.#onClientGone).on('close', this.#onClientGone).on('end', this.#onClientEnd)
    upstream.on('error', this.#onServerError).on('close', this.#onServerEnd).on('end', this.#onServerEnd)
    downstream.on('drain', this.#onClientDrain)
    upstream.on('drain', this.#onServerDrain)
    signal.addEventListener('abort', this.#onAbort, { once: true })
    if (signal.aborted) return this.#onAbort()
    // A stream that ended before it was listened to says so never again.
    if (downstream.destroyed) return this.#onClientGone()
    if (upstream.errored) return this.#onServerError(upstream.errored)
    if (upstream.destroyed || upstream.readableEnded) return this.#onServerEnd()
    downstream.on('data', this.#onClientData)
    upstream.on('data', this.#onServerData)
    if (downstream.readableEnded) this.#onClientEnd()
  }

  // hot path: one judgement a frame.
  readonly #onClientData = (chunk: Buffer): void => {
    if (this.#isOver) return
    try {
      this.#ask(this.#fromClient.push(chunk))
      if (this.#fromClient.isHeld && this.#fromClient.waitingBytes > heldAheadBytes)
        this.#clientValve.shut('held')
      if (this.#fromClient.isAhead) this.#clientValve.shut('ahead')
      this.#flushClient()
      if (!this.#out.server.isEmpty) this.#turnEnd ??= setImmediate(this.#onTurnEnd)
    } catch (thrown) {
      this.#fail(asFault(thrown))
    }
  }

  readonly #onServerData = (chunk: Buffer): void => {
    if (this.#isOver) return
    try {
      this.#fromServer.push(chunk)
      if (this.#fromClient.isAhead) this.#catchUp()
      // What is small leaves at once; pieces of something large share a write, with the small ones that follow them.
      if (chunk.length < bulkBytes && this.#turnEnd === undefined) this.#flushClient()
      else this.#turnEnd ??= setImmediate(this.#onTurnEnd)
      if (!this.#out.server.isEmpty) this.#flushServer()
    } catch (thrown) {
      this.#fail(asFault(thrown))
    }
  }

  /** Reads on where the client was ahead of the answers, and is no more. */
  #catchUp(): void {
    this.#ask(this.#fromClient.catchUp())
    if (this.#fromClient.isAhead) return
    this.#clientValve.open('ahead')
    if (this.#hasClientEnded) this.#onClientEnd()
  }

  #ask(first: Asked | undefined): void {
    let asked = first
    while (asked !== undefined) {
      const answer = this.#parts.authorize(asked, this.#tell)
      if (answer instanceof Promise) {
        this.#hold(asked, answer)
        return
      }
      asked = this.#settle(asked, answer)
    }
  }

  #settle(asked: Asked, authorization: Authorization): Asked | undefined {
    if (authorization.kind === 'permit') this.#mustCommit = true
    return this.#fromClient.release(this.#parts.conversation.settle(asked, authorization, this.#out))
  }

  #hold(asked: Asked, answer: Promise<Authorization>): void {
    answer.then(
      (authorization) => {
        if (this.#isOver) return
        try {
          this.#ask(this.#settle(asked, authorization))
          if (this.#fromClient.isAhead) this.#clientValve.shut('ahead')
          if (!this.#fromClient.isHeld) this.#clientValve.open('held')
          this.#flushClient()
          this.#flushServer()
        } catch (thrown) {
          this.#fail(asFault(thrown))
        }
      },
      (thrown: unknown) => this.#fail(asFault(thrown)),
    )
  }

  /** Notices wait for the end of a frame that is under way. */
  readonly #tell = (notice: string): void => {
    if (this.#isOver) return
    this.#notices.push(notice)
    this.#flushClient()
  }

  #flushClient(): void {
    const { downstream, conversation } = this.#parts
    if (this.#notices.length > 0 && !this.#fromServer.isMidFrame) {
      for (const notice of this.#notices.splice(0)) this.#out.client.put(conversation.notice(notice))
    }
    if (!this.#out.client.isEmpty && !this.#out.client.flush(downstream))
      this.#serverValve.shut('downstream full')
  }

  /**
   * hot path: what clients said leaves at the end of the event loop's turn, when every session that was heard in it has been judged:
   * the first to commit then commits for all of them, and their bytes share what is written to the tunnel.
   */
  readonly #onTurnEnd = (): void => {
    this.#turnEnd = undefined
    if (this.#isOver) return
    try {
      this.#flushServer()
      this.#flushClient()
    } catch (thrown) {
      this.#fail(asFault(thrown))
    }
  }

  #flushServer(): void {
    if (this.#out.server.isEmpty) return
    if (this.#mustCommit) {
      this.#mustCommit = false
      this.#parts.commit()
    }
    if (!this.#out.server.flush(this.#parts.upstream)) this.#clientValve.shut('upstream full')
  }

  readonly #onClientDrain = (): void => this.#serverValve.open('downstream full')
  readonly #onServerDrain = (): void => this.#clientValve.open('upstream full')

  /** The client said all it will say. What it asked may still be answered, unless it is held. */
  readonly #onClientEnd = (): void => {
    if (this.#isOver) return
    this.#hasClientEnded = true
    if (this.#fromClient.isHeld) return this.#onClientGone()
    if (this.#fromClient.isAhead) return
    this.#onTurnEnd()
    if (!this.#isOver) this.#parts.upstream.end()
  }

  readonly #onClientGone = (): void => {
    if (this.#isOver) return
    // What it said before was judged and recorded, and goes on its way.
    this.#onTurnEnd()
    if (this.#isOver) return
    this.#parts.clientGone()
    this.#finish('client-left')
  }

  readonly #onServerError = (error: Error): void => this.#fail(asFault(error))

  readonly #onServerEnd = (): void => {
    if (this.#isOver) return
    const fault = this.#parts.conversation.serverEnded()
    if (fault !== undefined) return this.#fail(fault)
    this.#finish('target-left')
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#parts.signal.reason
    this.#fail(isRefusal(reason) ? reason : asFault(reason))
  }

  #fail(cause: Fault | Refusal): void {
    if (this.#isOver) return
    this.#parts.clientGone()
    const words = this.#parts.conversation.farewell(cause)
    // Bytes for the target that were judged but not yet committed are dropped with the outbox.
    this.#out.server.take()
    if (!this.#fromServer.isMidFrame) {
      this.#out.client.put(words.client)
      this.#out.client.flush(this.#parts.downstream)
    }
    if (!this.#fromClient.isMidFrame && this.#parts.upstream.writable)
      this.#parts.upstream.write(words.server)
    this.#finish(cause)
  }

  #finish(cause: RelayEnd['cause']): void {
    this.#isOver = true
    clearImmediate(this.#turnEnd)
    const { downstream, upstream, signal } = this.#parts
    signal.removeEventListener('abort', this.#onAbort)
    downstream.off('data', this.#onClientData).off('drain', this.#onClientDrain).off('end', this.#onClientEnd)
    upstream.off('data', this.#onServerData).off('drain', this.#onServerDrain).off('end', this.#onServerEnd)
    if (!this.#out.client.isEmpty) this.#out.client.flush(downstream)
    const end = { cause, bytesUp: this.#out.server.flushedBytes, bytesDown: this.#out.client.flushedBytes }
    const patienceMs = typeof cause === 'string' ? stalledMs : cutMs
    void Promise.all([leave(downstream, patienceMs), leave(upstream, cutMs)]).then(() => this.#resolve(end))
  }
}

/** Ends a stream, lets what it is owed leave while it makes progress, and cuts it where it makes none for so long. */
function leave(stream: Duplex, patienceMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) return resolve()
    let owed = stream.writableLength
    const check = setInterval(() => {
      if (stream.writableLength === 0 || stream.writableLength === owed) stream.destroy()
      owed = stream.writableLength
    }, patienceMs)
    stream.once('close', () => {
      clearInterval(check)
      resolve()
    })
    stream.on('error', () => stream.destroy())
    stream.resume()
    stream.end(() => {
      if (stream.readableEnded) stream.destroy()
      else stream.once('end', () => stream.destroy())
    })
  })
}
