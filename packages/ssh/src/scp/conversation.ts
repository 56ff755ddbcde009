import { Fault, type Authorization, type FaultCode, type Permit } from '@sallyport/core'
import { Outbox } from '@sallyport/wire'
import { Content } from '../transfer/content.ts'
import { mostWaitingBytes, type FileConversation, type FileParts } from '../transfer/conversation.ts'
import { wordRefusal, type FileOperation } from '../transfer/operation.ts'
import { fileOutcome } from '../transfer/outcome.ts'
import { decodeLine, longestLineBytes, type Line } from './lines.ts'
import type { Places } from './places.ts'
import { Replies, type Reply } from './replies.ts'

/**
 * One run of the old scp protocol, in which one side sends files and the other replies to each line and each file. It is followed in
 * step: what is sent ahead of a reply waits for it here, since only the reply tells whether content or a line comes next. A file that the
 * client sends is asked about before its line passes; a refused one is answered as the target would answer. What the target sends
 * was asked about with the command, and its names are checked as clients should.
 */
export class ScpConversation implements FileConversation {
  readonly out = { client: new Outbox(), server: new Outbox() }
  readonly #parts: FileParts
  readonly #places: Places
  /** Of the command, where the target sends. */
  readonly #permit: Permit
  readonly #isUpload: boolean
  readonly #sender: FaultCode
  readonly #replier: FaultCode
  readonly #replies: Replies
  /** What the sending side sent, and was not looked at yet. */
  readonly #waiting: Buffer[] = []
  #waitingBytes = 0
  /** What comes next: of the sender, or a reply; at first the other side says that it is ready. */
  #state: 'line' | 'asked' | 'line sent' | 'content' | 'verdict' | 'file sent' | 'ready' = 'ready'
  #line: Buffer[] = []
  #lineBytes = 0
  /** The line that was read last, and what it was permitted by. */
  #read: Line = { is: 'end' }
  #readBytes: Buffer = Buffer.alloc(0)
  #readPermit: Permit | undefined
  #asked: FileOperation | undefined
  #hasTimes = false
  /** The file that passes. */
  #file: { readonly content: Content; readonly path: string; readonly permit: Permit } | undefined
  #left = 0
  #offset = 0

  /** @param permit of the command that speaks this */
  constructor(parts: FileParts, places: Places, permit: Permit) {
    this.#parts = parts
    this.#places = places
    this.#permit = permit
    this.#isUpload = places.isUpload
    this.#sender = this.#isUpload ? 'client/malformed' : 'target/malformed'
    this.#replier = this.#isUpload ? 'target/malformed' : 'client/malformed'
    this.#replies = new Replies(this.#replier)
  }

  client(chunk: Buffer): void {
    if (this.#isUpload) this.#sent(chunk)
    else this.#replied(chunk)
  }

  server(chunk: Buffer): void {
    if (this.#isUpload) this.#replied(chunk)
    else this.#sent(chunk)
  }

  get asked(): FileOperation | undefined {
    return this.#asked
  }

  settle(authorization: Authorization): void {
    if (this.#asked === undefined) throw new TypeError('nothing was asked')
    this.#asked = undefined
    if (authorization.kind === 'permit') this.#passLine(authorization)
    else {
      // As the target would answer; the client goes on with the next.
      this.out.client.put(Buffer.from(`\x01${wordRefusal(authorization).replaceAll(/\s+/g, ' ')}\n`))
      this.#state = 'line'
    }
    this.#goOn()
  }

  get takesClient(): boolean {
    return !this.#isUpload || this.#waitingBytes < mostWaitingBytes
  }

  get takesServer(): boolean {
    return this.#isUpload || this.#waitingBytes < mostWaitingBytes
  }

  get isWaiting(): boolean {
    return this.#isUpload && this.#waitingBytes > 0
  }

  end(): void {
    this.#fileOver('lost')
    if (this.#isUpload && this.#state === 'line sent' && this.#readPermit !== undefined) {
      this.#parts.finish(this.#readPermit, fileOutcome('lost'))
    }
    this.#readPermit = undefined
  }

  #sent(chunk: Buffer): void {
    this.#waiting.push(chunk)
    this.#waitingBytes += chunk.length
    this.#goOn()
  }

  /** Takes what waits, as far as it is the sender's turn. */
  #goOn(): void {
    for (let chunk; (chunk = this.#waiting[0]) !== undefined && this.#isSendersTurn;) {
      const used = chunk.length === 0 ? 0 : this.#take(chunk)
      this.#waitingBytes -= used
      if (used === chunk.length) this.#waiting.shift()
      else this.#waiting[0] = chunk.subarray(used)
    }
  }

  get #isSendersTurn(): boolean {
    return this.#state === 'line' || this.#state === 'content' || this.#state === 'verdict'
  }

  /** @returns how many bytes were taken */
  #take(chunk: Buffer): number {
    if (this.#state === 'content') return this.#takeContent(chunk)
    if (this.#state === 'verdict' && this.#lineBytes === 0) {
      if (chunk[0]! > 2) throw new Fault(this.#sender, 'scp with more content than its line said')
      if (chunk[0]! === 0) {
        this.#onward.pass(chunk, 0, 1)
        this.#state = 'file sent'
        return 1
      }
    }
    const newline = chunk.indexOf(0x0a)
    const end = newline === -1 ? chunk.length : newline + 1
    this.#lineBytes += end
    if (this.#lineBytes > longestLineBytes) {
      throw new Fault(this.#sender, `a line of scp beyond ${longestLineBytes} bytes`)
    }
    this.#line.push(chunk.subarray(0, end))
    if (newline === -1) return end
    const line = Buffer.concat(this.#line)
    this.#line = []
    this.#lineBytes = 0
    if (this.#state === 'verdict') this.#takeVerdict(line)
    else this.#takeLine(line)
    return end
  }

  /** hot path: content is neither copied nor kept. */
  #takeContent(chunk: Buffer): number {
    const size = Math.min(this.#left, chunk.length)
    this.#onward.pass(chunk, 0, size)
    const content = this.#file!.content
    content.begin(this.#offset, size)
    content.data(chunk, 0, size)
    this.#offset += size
    this.#left -= size
    if (this.#left === 0) this.#state = 'verdict'
    return size
  }

  /** What the sender says behind the content, where it could not read all of it: what passed is filled up then. */
  #takeVerdict(line: Buffer): void {
    this.#file!.content.failed()
    this.#onward.put(line)
    this.#state = 'file sent'
  }

  #takeLine(bytes: Buffer): void {
    const line = decodeLine(bytes, this.#sender)
    this.#read = line
    this.#readBytes = bytes
    if (line.is === 'error') {
      this.#onward.put(bytes)
      return
    }
    if (line.is === 'end' && this.#places.depth === 0) {
      throw new Fault(this.#sender, 'scp with the end of a directory that did not begin')
    }
    if (line.is === 'times' || line.is === 'end') return this.#passLine(undefined)
    if (!this.#isUpload) {
      this.#places.expect(line.name)
      return this.#passLine(this.#permit)
    }
    this.#asked = this.#places.operationOf(line, this.#hasTimes)
    this.#state = 'asked'
  }

  #passLine(permit: Permit | undefined): void {
    this.#readPermit = permit
    this.#onward.put(this.#readBytes)
    this.#state = 'line sent'
  }

  #replied(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const found = this.#replies.next(chunk, at)
      const end = found?.end ?? chunk.length
      const back = this.#isUpload ? this.out.client : this.out.server
      back.pass(chunk, at, end)
      if (found !== undefined) this.#answered(found.reply)
      at = end
    }
    this.#goOn()
  }

  #answered(reply: Reply): void {
    switch (this.#state) {
      case 'ready':
        this.#state = 'line'
        return
      case 'line sent':
        this.#state = 'line'
        this.#lineAnswered(reply)
        return
      case 'file sent':
        this.#state = 'line'
        this.#fileOver(reply === 'ok' ? 'done' : 'failed')
        return
      default:
        // Whoever replies unasked is out of step: what follows would be taken for something else than it is.
        throw new Fault(this.#replier, 'a reply of scp that nothing asked for')
    }
  }

  #lineAnswered(reply: Reply): void {
    const line = this.#read
    const permit = this.#readPermit
    this.#readPermit = undefined
    if (line.is === 'times') this.#hasTimes = reply === 'ok'
    if (line.is === 'end') this.#places.leave()
    if ((line.is !== 'file' && line.is !== 'directory') || permit === undefined) return
    this.#hasTimes = false
    if (reply === 'failed') {
      if (this.#isUpload) this.#parts.finish(permit, fileOutcome('failed'))
      return
    }
    if (line.is === 'directory') {
      this.#places.enter(line.name)
      if (this.#isUpload) this.#parts.finish(permit, fileOutcome('done'))
      return
    }
    const content = new Content(this.#isUpload ? 'upload' : 'download')
    content.endsAt(line.sizeBytes)
    this.#file = { content, path: this.#places.shown(line.name), permit }
    this.#left = line.sizeBytes
    this.#offset = 0
    this.#state = line.sizeBytes === 0 ? 'verdict' : 'content'
  }

  #fileOver(status: 'done' | 'failed' | 'lost'): void {
    const file = this.#file
    if (file === undefined) return
    this.#file = undefined
    const { content, path, permit } = file
    this.#parts.note(content.passage(permit.id, path, status === 'done' && this.#left === 0))
    this.#left = 0
    // Where the target sends, the command goes on.
    if (this.#isUpload) this.#parts.finish(permit, fileOutcome(status))
  }

  get #onward(): Outbox {
    return this.#isUpload ? this.out.server : this.out.client
  }
}
