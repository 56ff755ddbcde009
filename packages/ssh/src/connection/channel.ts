import { Fault } from '@sallyport/core'
import { maxPendingRequests, maxPacketBytes, windowBytes } from '../limits.ts'
import { encodeFields, encodeMessage, message, stderrData, type Field, type Fields } from './messages.ts'

/** Where a channel's messages go. */
export interface Line {
  send(payload: Buffer): void
  /** The connection has more to write than it gets rid of: channels wait until {@link Channel.flush}. */
  readonly isFull: boolean
}

/** Something that the peer asks of a channel. */
export interface ChannelRequest {
  readonly type: string
  readonly data: Fields
  readonly wantsReply: boolean
  /** Answers it, where it wants to be answered. Answers leave in the order of the requests. Only the first counts. */
  readonly reply: (isDone: boolean) => void
}

/** What becomes of what comes in. Set by whoever owns the channel, at once. */
export interface ChannelEvents {
  /** What was not {@link Channel.consumed} counts against the peer's window. */
  data(bytes: Buffer): void
  errorData(bytes: Buffer): void
  request(request: ChannelRequest): void
  /** The peer will send no more data. */
  eof(): void
  /**
   * The peer closes it, and sends nothing more; what is written from now on is dropped.
   * @returns whether it is closed for us, too: otherwise that waits for {@link Channel.close}, and the peer can still be told things
   */
  closing(): boolean
  /** Nothing comes any more: the peer closed it, or the connection is over. Once. */
  closed(): void
  /** What was written has left, after a write that said false. */
  drained(): void
}

interface Waiting {
  readonly isError: boolean
  readonly bytes: Uint8Array
}

interface Reply {
  isDone: boolean | undefined
}

const nothing: ChannelEvents = {
  data: () => undefined,
  errorData: () => undefined,
  request: (request) => request.reply(false),
  eof: () => undefined,
  closing: () => true,
  closed: () => undefined,
  drained: () => undefined,
}

/**
 * One channel, on either side. It keeps to both windows: what there is no room for waits here, and whoever wrote it is told.
 * @see RFC 4254 section 5
 */
export class Channel {
  readonly #line: Line
  readonly #mine: number
  readonly #theirs: number
  readonly #packetBytes: number
  readonly #onGone: (id: number) => void
  #events: ChannelEvents | undefined
  /** What came before anybody listened: no more than what one read brought. */
  #early: { readonly number: number; readonly fields: Fields }[] = []
  #sendWindow: number
  #receiveWindow = windowBytes
  /** Taken off our hands, and not yet told to the peer. */
  #consumedBytes = 0
  readonly #waiting: Waiting[] = []
  #mustTellDrained = false
  #ending: 'no' | 'eof' | 'close' = 'no'
  #hasSentEof = false
  #hasSentClose = false
  #hasEof = false
  /** The peer has closed it. */
  #isLeft = false
  #isClosed = false
  readonly #replies: Reply[] = []
  readonly #asked: ((isDone: boolean) => void)[] = []

  constructor(
    line: Line,
    ids: { readonly mine: number; readonly theirs: number },
    room: { readonly windowBytes: number; readonly packetBytes: number },
    onGone: (id: number) => void,
  ) {
    this.#line = line
    this.#mine = ids.mine
    this.#theirs = ids.theirs
    this.#sendWindow = room.windowBytes
    // A peer that takes tiny packets only would have us busy with it alone.
    if (room.packetBytes < leastPacketBytes)
      throw new Fault('client/malformed', 'the SSH peer takes no packets of a useful size')
    this.#packetBytes = Math.min(room.packetBytes, maxPacketBytes)
    this.#onGone = onGone
  }

  /** From now on these get to know, first of what came before. */
  listen(events: Partial<ChannelEvents>): void {
    this.#events = { ...nothing, ...events }
    if (this.#isClosed) this.#events.closed()
    for (const { number, fields } of this.#early.splice(0)) this.take(number, fields)
  }

  /** Nothing comes from it any more, and nothing goes to it. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Whether anything may be written to it. */
  get isWritable(): boolean {
    return this.#ending === 'no' && !this.#isLeft && !this.#isClosed
  }

  /** The peer has said that it sends no more data. */
  get hasEof(): boolean {
    return this.#hasEof
  }

  // hot path. @returns false where it waits for room: then no more, until `drained`
  write(bytes: Uint8Array): boolean {
    return this.#put(bytes, false)
  }

  writeError(bytes: Uint8Array): boolean {
    return this.#put(bytes, true)
  }

  /** Gives the peer room for so many more bytes. */
  consumed(bytes: number): void {
    this.#consumedBytes += bytes
    if (this.#consumedBytes < windowBytes / 2 || this.#isClosed || this.#hasSentClose || this.#hasEof) return
    this.#line.send(encodeMessage(message.channelWindowAdjust, [this.#theirs, this.#consumedBytes]))
    this.#receiveWindow += this.#consumedBytes
    this.#consumedBytes = 0
  }

  /** Asks something of the peer. False where it cannot or does not want to, or left. */
  ask(type: string, fields: readonly Field[] = []): Promise<boolean> {
    if (this.#isClosed || this.#isLeft || this.#hasSentClose) return Promise.resolve(false)
    return new Promise((resolve) => {
      this.#asked.push(resolve)
      this.#request(type, true, encodeFields(fields))
    })
  }

  /** Tells the peer something that has no answer. */
  tell(type: string, fields: readonly Field[] = []): void {
    this.pass(type, encodeFields(fields))
  }

  /** Tells the peer something that has no answer, as another peer said it. */
  pass(type: string, data: Uint8Array): void {
    if (!this.#isClosed && !this.#hasSentClose) this.#request(type, false, data)
  }

  /** No more data will follow what was written. */
  eof(): void {
    if (this.#ending === 'no') this.#ending = 'eof'
    this.flush()
  }

  /** Closes it, once what was written has left. */
  close(): void {
    this.#ending = 'close'
    this.flush()
  }

  /** Closes it, and forgets what has not left. */
  abandon(): void {
    this.forget()
    this.close()
  }

  /** What has not left never will. */
  forget(): void {
    this.#waiting.length = 0
  }

  /** Writes as much of what waits as there is room for. For the connection, when it has room again. */
  flush(): void {
    while (this.#waiting.length > 0 && this.#sendWindow > 0 && !this.#line.isFull) {
      const { isError, bytes } = this.#waiting[0]!
      const count = Math.min(bytes.length, this.#sendWindow, this.#packetBytes)
      this.#sendData(isError, count === bytes.length ? bytes : bytes.subarray(0, count))
      if (count === bytes.length) this.#waiting.shift()
      else this.#waiting[0] = { isError, bytes: bytes.subarray(count) }
    }
    if (this.#waiting.length > 0) return
    if (this.#ending !== 'no') this.#sendEnd()
    if (this.#isLeft && this.#hasSentClose) return this.gone()
    if (!this.#mustTellDrained || this.#isClosed) return
    this.#mustTellDrained = false
    this.#events?.drained()
  }

  /** A message for this channel. @throws Fault where the peer breaks the protocol */
  take(number: number, fields: Fields): void {
    if (this.#isClosed || this.#isLeft) return
    if (this.#events === undefined) return void this.#early.push({ number, fields })
    switch (number) {
      case message.channelData:
        return this.#takeData(fields.string(), false)
      case message.channelExtendedData: {
        const kind = fields.number()
        const bytes = fields.string()
        if (kind === stderrData) return this.#takeData(bytes, true)
        this.#countIn(bytes.length)
        return this.consumed(bytes.length)
      }
      case message.channelWindowAdjust:
        // Beyond 2^32-1 no window may grow, and ours to it need not.
        this.#sendWindow = Math.min(this.#sendWindow + fields.number(), 0xffff_ffff)
        return this.flush()
      case message.channelEof:
        if (this.#hasEof) return
        this.#hasEof = true
        return this.#events.eof()
      case message.channelClose:
        return this.#left(this.#events)
      case message.channelRequest:
        return this.#takeRequest(fields)
      case message.channelSuccess:
      case message.channelFailure:
        return this.#answered(number === message.channelSuccess)
      default:
        throw new Fault('client/malformed', 'there is no such message for an SSH channel')
    }
  }

  /** Nothing comes any more, for whatever reason. */
  gone(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#onGone(this.#mine)
    for (const answer of this.#asked.splice(0)) answer(false)
    this.#events?.closed()
  }

  #left(events: ChannelEvents): void {
    this.forget()
    this.#isLeft = true
    if (this.#ending !== 'close' && !events.closing()) {
      for (const answer of this.#asked.splice(0)) answer(false)
      // Whoever waits for room need not wait any more.
      return this.flush()
    }
    this.#ending = 'close'
    this.#sendClose()
    this.gone()
  }

  #put(bytes: Uint8Array, isError: boolean): boolean {
    if (!this.isWritable || bytes.length === 0) return true
    const canLeave = this.#waiting.length === 0 && !this.#line.isFull
    if (canLeave && bytes.length <= this.#sendWindow && bytes.length <= this.#packetBytes) {
      this.#sendData(isError, bytes)
      return true
    }
    this.#waiting.push({ isError, bytes })
    this.flush()
    if (this.#waiting.length === 0) return true
    this.#mustTellDrained = true
    return false
  }

  #sendData(isError: boolean, bytes: Uint8Array): void {
    this.#sendWindow -= bytes.length
    const head = isError ? 13 : 9
    const payload = Buffer.allocUnsafe(head + bytes.length)
    payload[0] = isError ? message.channelExtendedData : message.channelData
    payload.writeUInt32BE(this.#theirs, 1)
    if (isError) payload.writeUInt32BE(stderrData, 5)
    payload.writeUInt32BE(bytes.length, head - 4)
    payload.set(bytes, head)
    this.#line.send(payload)
  }

  #sendEnd(): void {
    if (!this.#hasSentEof && !this.#hasSentClose && !this.#isClosed) {
      this.#hasSentEof = true
      this.#line.send(encodeMessage(message.channelEof, [this.#theirs]))
    }
    if (this.#ending === 'close') this.#sendClose()
  }

  #sendClose(): void {
    if (this.#hasSentClose) return
    this.#hasSentClose = true
    this.#line.send(encodeMessage(message.channelClose, [this.#theirs]))
  }

  #takeData(bytes: Buffer, isError: boolean): void {
    this.#countIn(bytes.length)
    if (this.#hasEof) throw new Fault('client/out-of-order', 'data on an SSH channel after its end')
    if (this.#ending === 'close') return
    if (isError) this.#events?.errorData(bytes)
    else this.#events?.data(bytes)
  }

  #countIn(bytes: number): void {
    this.#receiveWindow -= bytes
    if (this.#receiveWindow < 0)
      throw new Fault('client/too-large', 'more data on an SSH channel than its window has room for')
  }

  #takeRequest(fields: Fields): void {
    const type = fields.name()
    const wantsReply = fields.boolean()
    const owed: Reply = { isDone: undefined }
    if (wantsReply) this.#replies.push(owed)
    if (this.#replies.length > maxPendingRequests)
      throw new Fault('client/too-large', `more than ${maxPendingRequests} requests of a channel wait`)
    this.#events?.request({
      type,
      data: fields,
      wantsReply,
      reply: (isDone) => {
        owed.isDone ??= isDone
        if (wantsReply) this.#sendReplies()
      },
    })
  }

  #sendReplies(): void {
    while (this.#replies[0]?.isDone !== undefined) {
      const { isDone } = this.#replies.shift()!
      if (this.#hasSentClose || this.#isClosed) continue
      const number = isDone === true ? message.channelSuccess : message.channelFailure
      this.#line.send(encodeMessage(number, [this.#theirs]))
    }
  }

  #answered(isDone: boolean): void {
    const answer = this.#asked.shift()
    if (answer === undefined)
      throw new Fault('client/out-of-order', 'an answer to no request of an SSH channel')
    answer(isDone)
  }

  #request(type: string, wantsReply: boolean, data: Uint8Array): void {
    this.#line.send(encodeMessage(message.channelRequest, [this.#theirs, type, wantsReply], data))
  }
}

const leastPacketBytes = 64
