import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { deadline } from './deadline.ts'
import type { Endpoint } from './endpoint.ts'
import { cstring, password, sslRequest, startup, terminate } from './raw-messages.ts'
import { scramClient } from './raw-scram.ts'

/** One message of a server: its tag, and its bytes after tag and length. */
export interface RawFrame {
  readonly tag: string
  readonly body: Buffer
}

const patienceMs = 30_000
/** Longer than a log-in may take by the rules of servers and gateway: they have the last word. */
const logInPatienceMs = 70_000

/** A client that hides nothing: it sends the bytes it is given and keeps every message that comes back. */
export class RawPostgres implements AsyncDisposable {
  /** All that came up to the first ReadyForQuery, the exchange of passwords apart. */
  readonly greeting: RawFrame[] = []
  readonly #stream: Duplex
  /** How long it waits for what is to come, unless told. */
  readonly #patienceMs: number
  readonly #frames: RawFrame[] = []
  readonly #onData = (chunk: Buffer): void => this.#take(chunk)
  #rest: Buffer[] = []
  #restBytes = 0
  /** How many bytes the next message is known to need. */
  #needed = 5
  #isOver = false
  #news: PromiseWithResolvers<void> = Promise.withResolvers()

  /** @throws Error with the server's words where it refuses. */
  static async connect(
    endpoint: Endpoint,
    parameters: Readonly<Record<string, string>> = {},
    timeoutMs = patienceMs,
  ): Promise<RawPostgres> {
    const client = new RawPostgres(await openStream(endpoint), timeoutMs)
    client.send(startup({ user: endpoint.user, database: endpoint.database, ...parameters }))
    try {
      await client.#logIn(endpoint.password)
    } catch (thrown) {
      client.destroy()
      throw thrown
    }
    return client
  }

  /** Over a stream on which nothing was said yet; without logging in. */
  constructor(stream: Duplex, timeoutMs = patienceMs) {
    this.#stream = stream
    this.#patienceMs = timeoutMs
    stream.on('data', this.#onData)
    stream.on('error', () => {}) // `close` follows, and is told
    stream.on('close', () => {
      this.#isOver = true
      this.#tell()
    })
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** A message has begun to arrive and is not whole: nothing else may be said to this client now. */
  get isMidMessage(): boolean {
    return this.#restBytes > 0
  }

  send(...messages: readonly Uint8Array[]): void {
    this.#stream.write(Buffer.concat(messages))
  }

  /** What a server gave for cancelling: the body of BackendKeyData. */
  get cancelKey(): Buffer {
    return this.greeting.find(({ tag }) => tag === 'K')!.body
  }

  /**
   * Messages up to and with the first for which `isLast` is true.
   * @throws Error listing what came where the connection ends, or the time is up, before.
   */
  async until(isLast: (frame: RawFrame) => boolean, timeoutMs = this.#patienceMs): Promise<RawFrame[]> {
    let seen = 0
    using limit = deadline(timeoutMs, () => `still waiting after ${summaryOf(this.#frames)}`)
    for (;;) {
      for (; seen < this.#frames.length; seen++) {
        if (isLast(this.#frames[seen]!)) return this.#frames.splice(0, seen + 1)
      }
      if (this.#isOver) throw new Error(`the connection ended after ${summaryOf(this.#frames)}`)
      await limit.orThrow(this.#news.promise)
    }
  }

  /** Messages up to and with the `count`-th ReadyForQuery. */
  untilReady(count = 1): Promise<RawFrame[]> {
    let ready = 0
    return this.until(({ tag }) => tag === 'Z' && ++ready === count)
  }

  /** All that still comes, up to the end of the connection. */
  async untilOver(timeoutMs = this.#patienceMs): Promise<RawFrame[]> {
    using limit = deadline(timeoutMs, () => `still open after ${summaryOf(this.#frames)}`)
    while (!this.#isOver) await limit.orThrow(this.#news.promise)
    return this.#frames.splice(0)
  }

  /** The stream itself, for who wants to read its bytes: paused, and nothing is kept of it any more. */
  detach(): Duplex {
    this.#stream.pause()
    this.#stream.removeListener('data', this.#onData)
    return this.#stream
  }

  /** Stops reading, as a client that is stuck. */
  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }

  /** Leaves without a word. */
  destroy(): void {
    this.#stream.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOver) return
    this.#stream.end(terminate())
    this.#stream.resume()
    const closed = once(this.#stream, 'close')
    using limit = deadline(1_000, () => 'it stayed open')
    await limit.orThrow(closed).catch(() => this.#stream.destroy())
  }

  async #logIn(secret: string): Promise<void> {
    const scram = scramClient(secret)
    for (;;) {
      const [frame] = (await this.until(() => true, logInPatienceMs)) as [RawFrame]
      if (frame.tag === 'E') throw new Error(wordsOf(frame))
      if (frame.tag !== 'R') {
        this.greeting.push(frame)
        if (frame.tag === 'Z') return
        continue
      }
      const answer = this.#proof(frame.body, scram, secret)
      if (answer) this.send(password(answer))
    }
  }

  /** The answer to one AuthenticationXxx message, where it wants one. */
  #proof(body: Buffer, scram: ReturnType<typeof scramClient>, secret: string): Uint8Array | undefined {
    const kind = body.readInt32BE(0)
    const text = body.toString('utf8', 4)
    switch (kind) {
      case 0:
        return undefined
      case 3:
        return cstring(secret)
      case 10: {
        const first = Buffer.from(scram.first)
        const length = Buffer.alloc(4)
        length.writeInt32BE(first.length)
        return Buffer.concat([cstring('SCRAM-SHA-256'), length, first])
      }
      case 11:
        return Buffer.from(scram.answer(text))
      case 12:
        scram.check(text)
        return undefined
      default:
        throw new Error(`authentication of kind ${kind} is not spoken here`)
    }
  }

  #take(chunk: Buffer): void {
    this.#rest.push(chunk)
    this.#restBytes += chunk.length
    if (this.#restBytes < this.#needed) return // a big message is joined once, not for each chunk
    const bytes = this.#rest.length === 1 ? chunk : Buffer.concat(this.#rest)
    let at = 0
    this.#needed = 5
    while (bytes.length - at >= 5) {
      const whole = bytes.readInt32BE(at + 1) + 1
      if (bytes.length - at < whole) {
        this.#needed = whole
        break
      }
      this.#frames.push({
        tag: bytes.toString('latin1', at, at + 1),
        body: bytes.subarray(at + 5, at + whole),
      })
      at += whole
    }
    this.#rest = [bytes.subarray(at)]
    this.#restBytes = bytes.length - at
    if (at > 0) this.#tell()
  }

  #tell(): void {
    this.#news.resolve()
    this.#news = Promise.withResolvers()
  }
}

/** A TCP stream to the endpoint, TLS on it where the endpoint says whom to trust. */
export async function openStream(endpoint: Endpoint): Promise<Duplex> {
  const socket = connectTcp({ host: endpoint.host, port: endpoint.port, noDelay: true })
  await once(socket, 'connect')
  if (endpoint.trust === undefined) return socket
  socket.write(sslRequest())
  const closed = new AbortController()
  const onClose = (): void => closed.abort(new Error('the connection ended before TLS began'))
  socket.once('close', onClose)
  const [answer] = (await once(socket, 'data', { signal: closed.signal })) as [Buffer]
  socket.off('close', onClose)
  if (answer.toString() !== 'S') throw new Error('the server does not speak TLS')
  const secure = connectTls({ socket, host: endpoint.host, ca: readFileSync(endpoint.trust) })
  await once(secure, 'secureConnect')
  return secure
}

/** `SQLSTATE message` of an ErrorResponse or NoticeResponse. */
export function wordsOf(frame: RawFrame): string {
  const fields = fieldsOf(frame)
  return `${fields['C']} ${fields['M']}`
}

/** The fields of an ErrorResponse or NoticeResponse by their letters. */
export function fieldsOf(frame: RawFrame): Partial<Record<string, string>> {
  const fields = frame.body
    .toString()
    .split('\0')
    .filter((field) => field !== '')
  return Object.fromEntries(fields.map((field) => [field.slice(0, 1), field.slice(1)]))
}

function summaryOf(frames: readonly RawFrame[]): string {
  const tags = frames.map((frame) => (frame.tag === 'E' ? `E(${wordsOf(frame)})` : frame.tag))
  return tags.length === 0 ? 'nothing' : tags.slice(-40).join(' ')
}
