import { asFault, Fault } from '@sallyport/core'
import { maxPacketBytes, maxPendingRequests, windowBytes } from '../limits.ts'
import { Channel, type Line } from './channel.ts'
import { encodeFields, encodeMessage, Fields, message, type Field } from './messages.ts'

/** A channel that the peer wants to open. It is answered once, with either. */
export interface OpenRequest {
  readonly type: string
  readonly data: Fields
  readonly accept: () => Channel
  /** @param words for the person there; OpenSSH's client shows them */
  readonly refuse: (reason: number, words: string) => void
}

/** Something that the peer asks of the connection. */
export interface GlobalRequest {
  readonly name: string
  readonly data: Fields
  /** Answers it, where it wants to be answered. Answers leave in the order of the requests. Only the first counts. */
  readonly reply: (answer: readonly Field[] | false) => void
}

export interface ConnectionEvents {
  open(request: OpenRequest): void
  request(request: GlobalRequest): void
  /** The peer broke the protocol: there is no going on. */
  broken(fault: Fault): void
  /** Nothing comes any more. Once. */
  over(): void
}

/** The peer did not open a channel. `words` are its own. */
export class NotOpened extends Error {
  readonly reason: number
  readonly words: string

  constructor(reason: number, words: string) {
    super(`not opened: ${reason}`)
    this.reason = reason
    this.words = words
  }
}

interface Opening {
  readonly resolve: (channel: Channel) => void
  readonly reject: (error: unknown) => void
}

interface Reply {
  answer: readonly Field[] | false | undefined
}

/**
 * SSH's connection protocol on one connection, client or server: many channels over one line. It never sees a socket: messages
 * come in by {@link take}, and go out on the line. ssh2 has its own, which is not used: it reads what it should pass on.
 * @see RFC 4254
 */
export class SshConnection {
  readonly #line: Line
  #events: ConnectionEvents | undefined
  /** What came before anybody listened: no more than what one read brought. */
  #early: Buffer[] = []
  readonly #channels = new Map<number, Channel>()
  readonly #openings = new Map<number, Opening>()
  readonly #asked: ((answer: Fields | undefined) => void)[] = []
  readonly #replies: Reply[] = []
  #nextId = 0
  #unanswered = 0
  #isOver = false

  constructor(line: Line) {
    this.#line = line
  }

  /** From now on these get to know, first of what came before. */
  listen(events: ConnectionEvents): void {
    this.#events = events
    for (const payload of this.#early.splice(0)) this.take(payload)
    if (this.#isOver) events.over()
  }

  /** Words for the person at the other end. OpenSSH's client shows them with -v alone. */
  debug(words: string): void {
    if (!this.#isOver) this.#line.send(encodeMessage(message.debug, [true, words, '']))
  }

  /** Open channels, and those that are being opened. */
  get size(): number {
    return this.#channels.size + this.#openings.size
  }

  // hot path
  /** A message of the connection protocol. */
  take(payload: Buffer): void {
    if (this.#isOver) return
    if (this.#events === undefined) return void this.#early.push(payload)
    this.#unanswered = 0
    try {
      this.#dispatch(payload)
    } catch (thrown) {
      this.#events.broken(asFault(thrown))
    }
  }

  #dispatch(payload: Buffer): void {
    const fields = new Fields(payload, 1)
    const number = payload[0]!
    switch (number) {
      case message.globalRequest:
        return this.#takeRequest(fields)
      case message.requestSuccess:
      case message.requestFailure:
        return this.#answered(number === message.requestSuccess ? fields : undefined)
      case message.channelOpen:
        return this.#takeOpen(fields)
      case message.channelOpenConfirmation:
        return this.#opened(fields)
      case message.channelOpenFailure:
        return this.#notOpened(fields)
      default: {
        const channel = this.#channels.get(fields.number())
        // It may speak of a channel that has just gone.
        if (channel !== undefined) channel.take(number, fields)
      }
    }
  }

  /** Asks the peer to open a channel. @throws NotOpened, Fault client/gone */
  open(type: string, fields: readonly Field[] = []): Promise<Channel> {
    return this.openRaw(type, encodeFields(fields))
  }

  /** The same, with what another peer said in opening it. */
  openRaw(type: string, data: Uint8Array): Promise<Channel> {
    if (this.#isOver) return Promise.reject(over())
    return new Promise((resolve, reject) => {
      const id = this.#newId()
      this.#openings.set(id, { resolve, reject })
      this.#line.send(encodeMessage(message.channelOpen, [type, id, windowBytes, maxPacketBytes], data))
    })
  }

  /** Asks something of the peer. Undefined where it cannot or does not want to, or left. */
  ask(name: string, fields: readonly Field[] = []): Promise<Fields | undefined> {
    if (this.#isOver) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      this.#asked.push(resolve)
      this.#line.send(encodeMessage(message.globalRequest, [name, true], encodeFields(fields)))
    })
  }

  /** Asks whether anybody is there. @returns how often that was asked since anything was heard */
  ping(): number {
    void this.ask('keepalive@openssh.com')
    return ++this.#unanswered
  }

  /** There is room on the line again. */
  flush(): void {
    for (const channel of this.#channels.values()) channel.flush()
  }

  /** Nothing comes any more. */
  over(): void {
    if (this.#isOver) return
    this.#isOver = true
    // First, so that whoever is there can be told why.
    this.#events?.over()
    for (const channel of this.#channels.values()) channel.gone()
    for (const { reject } of this.#openings.values()) reject(over())
    for (const answer of this.#asked.splice(0)) answer(undefined)
    this.#openings.clear()
  }

  #newId(): number {
    const id = this.#nextId
    this.#nextId = (this.#nextId + 1) % 0x1_0000_0000
    return id
  }

  #add(mine: number, theirs: number, windowSize: number, packetBytes: number): Channel {
    const room = { windowBytes: windowSize, packetBytes }
    const channel = new Channel(this.#line, { mine, theirs }, room, (id) => this.#channels.delete(id))
    this.#channels.set(mine, channel)
    return channel
  }

  #takeOpen(fields: Fields): void {
    const type = fields.name()
    const theirs = fields.number()
    const windowSize = fields.number()
    const packetBytes = fields.number()
    let isAnswered = false
    const answer = (): void => {
      if (isAnswered) throw new TypeError('a channel is opened once')
      isAnswered = true
    }
    this.#events?.open({
      type,
      data: fields,
      accept: () => {
        answer()
        const mine = this.#newId()
        const channel = this.#add(mine, theirs, windowSize, packetBytes)
        this.#line.send(
          encodeMessage(message.channelOpenConfirmation, [theirs, mine, windowBytes, maxPacketBytes]),
        )
        return channel
      },
      refuse: (reason, words) => {
        answer()
        this.#line.send(encodeMessage(message.channelOpenFailure, [theirs, reason, words, '']))
      },
    })
  }

  #opened(fields: Fields): void {
    const mine = fields.number()
    const opening = this.#openings.get(mine)
    if (opening === undefined) throw new Fault('client/out-of-order', 'an SSH channel that nobody opens')
    this.#openings.delete(mine)
    opening.resolve(this.#add(mine, fields.number(), fields.number(), fields.number()))
  }

  #notOpened(fields: Fields): void {
    const mine = fields.number()
    const opening = this.#openings.get(mine)
    if (opening === undefined) throw new Fault('client/out-of-order', 'an SSH channel that nobody opens')
    this.#openings.delete(mine)
    opening.reject(new NotOpened(fields.number(), fields.string().toString()))
  }

  #takeRequest(fields: Fields): void {
    const name = fields.name()
    const wantsReply = fields.boolean()
    const owed: Reply = { answer: undefined }
    if (wantsReply) this.#replies.push(owed)
    if (this.#replies.length > maxPendingRequests)
      throw new Fault('client/too-large', `more than ${maxPendingRequests} requests of a connection wait`)
    this.#events?.request({
      name,
      data: fields,
      reply: (answer) => {
        owed.answer ??= answer
        if (wantsReply) this.#sendReplies()
      },
    })
  }

  #sendReplies(): void {
    while (this.#replies[0]?.answer !== undefined) {
      const { answer } = this.#replies.shift()!
      if (this.#isOver) continue
      this.#line.send(
        answer === false || answer === undefined
          ? encodeMessage(message.requestFailure, [])
          : encodeMessage(message.requestSuccess, [], encodeFields(answer)),
      )
    }
  }

  #answered(answer: Fields | undefined): void {
    const asked = this.#asked.shift()
    if (asked === undefined)
      throw new Fault('client/out-of-order', 'an answer to no request of an SSH connection')
    asked(answer)
  }
}

function over(): Fault {
  return new Fault('client/gone', 'the SSH connection is over')
}
