import { Fault, type Authorization, type Permit, type Refusal } from '@sallyport/core'
import type { Outboxes } from '@sallyport/wire'
import type { AskedPath } from '../facts/files.ts'
import { FileOperation, noLongerPermitted, wordRefusal } from '../transfer/operation.ts'
import { unfitPath, wordPath } from '../transfer/path.ts'
import { headBytes, longestHandleBytes, status, type, version } from './codec/packets.ts'
import { decodeInit, decodeRequest, init, type Request } from './codec/requests.ts'
import { encodeStatus } from './codec/responses.ts'
import { mostHandles, type OpenHandle } from './handles.ts'
import { fewOwed, mostOwed, type Ledger } from './ledger.ts'
import type { Fate, PacketJudge } from './packet-stream.ts'
import {
  copyQuestion,
  handleAttributesQuestion,
  handleQuestion,
  questionOf,
  type Question,
} from './questions.ts'
import { Resolution } from './resolution.ts'

/** A request that is held until it is decided. */
interface Held {
  readonly id: number
  readonly question: Question
  /** One for each path; absent for those that are not looked up. */
  readonly resolutions: readonly (Resolution | undefined)[]
  operation: FileOperation | undefined
}

/** Judges what the client asks, packet by packet. */
export class Requests implements PacketJudge {
  readonly #ledger: Ledger
  readonly #out: Outboxes
  #held: Held | undefined
  #isAhead = false
  /** The write whose content passes. */
  #writing: OpenHandle | undefined
  contentAt = 0

  constructor(ledger: Ledger, out: Outboxes) {
    this.#ledger = ledger
    this.#out = out
  }

  /** What must be decided now. */
  get asked(): FileOperation | undefined {
    return this.#held?.operation
  }

  /** Whether what waited may be judged by now: nothing before it is held, and not too many answers are owed. */
  mayGoOn(): boolean {
    this.#isAhead &&= this.#ledger.owed.size > fewOwed
    return this.#held === undefined && !this.#isAhead && this.#ledger.phase === 'open'
  }

  // hot path: a WRITE is judged by its head.
  needed(chunk: Buffer, at: number, have: number, length: number): number {
    if (chunk[at + 4] !== type.write) return length
    if (have < headBytes + 4) return Math.min(length, headBytes + 4)
    return Math.min(length, headBytes + 4 + chunk.readUInt32BE(at + headBytes) + 12)
  }

  judge(chunk: Buffer, at: number, length: number): Fate {
    this.contentAt = 0
    const ledger = this.#ledger
    const kind = chunk[at + 4]!
    if (ledger.phase === 'new') return this.#greet(chunk, at, length)
    if (kind === type.init) throw new Fault('client/out-of-order', 'a second INIT')
    if (ledger.phase !== 'open') return 'wait'
    if (ledger.owed.size >= mostOwed) this.#isAhead = true
    if (this.#isAhead) return 'wait'
    const id = chunk.readUInt32BE(at + 5)
    if (ledger.owed.has(id)) throw new Fault('client/malformed', `a second request ${id} before its answer`)
    if (kind === type.read || kind === type.write) return this.#piece(kind, id, chunk, at, length)
    return this.#request(id, decodeRequest(chunk, at, at + length))
  }

  content(chunk: Buffer, from: number, to: number): void {
    this.#writing?.upload?.data(chunk, from, to)
  }

  packetOver(): void {
    this.#writing?.upload?.pieceOver()
    this.#writing = undefined
  }

  /** Applies what was decided of {@link asked}. @returns what becomes of the held packet */
  settle(authorization: Authorization): 'pass' | 'drop' {
    const held = this.#held
    const operation = held?.operation
    if (held === undefined || operation === undefined) throw new TypeError('nothing was asked')
    this.#held = undefined
    const { id, question, resolutions } = held
    if (authorization.kind === 'refusal') return this.#refuse(id, authorization, question.isUnasked)
    const ledger = this.#ledger
    for (const resolution of resolutions) {
      if (resolution?.isDangling === true)
        return this.#fail(id, authorization, status.permissionDenied, leadsNowhere)
      // It says so of the path; of what it is asked to do there it would say no other.
      if (resolution?.failure !== undefined)
        return this.#fail(id, authorization, resolution.failure, notFound)
    }
    const { answer, opens, handles, fills } = question
    if (fills?.size === undefined) fills?.handle.upload?.disorder()
    else fills.handle.upload?.setTo(fills.size)
    fills?.handle.wasWritten()
    const [path] = this.#pathsOf(question, resolutions)
    if (opens !== undefined) ledger.opening++
    ledger.owed.set(id, {
      is: 'operation',
      operation,
      permit: authorization,
      answer,
      handle: handles[0],
      resized: fills?.size === undefined ? undefined : fills.handle,
      opens: opens === undefined || path === undefined ? undefined : { what: opens, path },
    })
    return 'pass'
  }

  #greet(chunk: Buffer, at: number, length: number): Fate {
    if (chunk[at + 4] !== type.init) throw new Fault('client/out-of-order', 'a request before INIT')
    const offered = decodeInit(chunk, at, at + length)
    if (offered < version)
      throw new Fault('client/unsupported', `SFTP version ${offered}: only ${version} is spoken`)
    this.#out.server.put(init)
    this.#ledger.phase = 'greeting'
    return 'drop'
  }

  /** READ and WRITE: hot path. They pass where what they are for is open for them, and stands. */
  #piece(kind: number, id: number, chunk: Buffer, at: number, length: number): Fate {
    const handleLength = chunk.readUInt32BE(at + headBytes)
    const offsetAt = headBytes + 4 + handleLength
    const fixed = offsetAt + 12
    if (length < fixed || handleLength > longestHandleBytes)
      throw new Fault('client/malformed', 'an SFTP packet that ends too early')
    const size = chunk.readUInt32BE(at + offsetAt + 8)
    const isRead = kind === type.read
    if (length !== (isRead ? fixed : fixed + size))
      throw new Fault('client/malformed', 'an SFTP packet of another length')
    const handle = this.#ledger.handles.get(chunk.toString('latin1', at + headBytes + 4, at + offsetAt))
    const content = isRead ? handle?.download : handle?.upload
    if (handle === undefined || content === undefined)
      return this.#notOpen(id, isRead ? 'reading' : 'writing')
    const offset = chunk.readUInt32BE(at + offsetAt) * 0x1_0000_0000 + chunk.readUInt32BE(at + offsetAt + 4)
    if (offset > Number.MAX_SAFE_INTEGER - size) return this.#answer(id, 'an offset beyond 2^53')
    if (!this.#stands(handle)) return this.#refuse(id, noLongerPermitted)
    handle.inFlight++
    this.#ledger.owed.set(id, { is: isRead ? 'read' : 'write', handle, offset, length: size })
    if (isRead) return 'pass'
    handle.wasWritten()
    content.begin(offset, size)
    this.#writing = handle
    this.contentAt = fixed
    return 'pass'
  }

  #request(id: number, request: Request): Fate {
    switch (request.is) {
      case 'close':
        return this.#close(id, request.handle)
      case 'readdir':
      case 'fsync':
        return this.#ofOpen(id, request.is, request.handle)
      case 'fstat':
      case 'fstatvfs':
      case 'fsetstat': {
        const handle = this.#ledger.handles.get(request.handle)
        if (handle === undefined) return this.#notOpen(id, 'that')
        if (request.is === 'fsetstat')
          return this.#ask(id, handleAttributesQuestion(handle, request.attributes))
        return this.#ask(
          id,
          handleQuestion(handle, request.is === 'fstat' ? 'attrs' : 'extended-reply', request.is),
        )
      }
      case 'copy-data':
        return this.#copy(id, request.from, request.to)
      case 'limits':
        this.#ledger.owed.set(id, { is: 'limits' })
        return 'pass'
      case 'unknown':
        this.#out.client.put(
          encodeStatus(
            id,
            status.unsupported,
            `sallyport: ${request.name} is not judged here, and not passed on`,
          ),
        )
        return 'drop'
      default: {
        const question = questionOf(request, this.#ledger.isOpenSsh)
        if (question.opens === undefined || this.#hasRoom) return this.#ask(id, question)
        return this.#answer(id, `${mostHandles} handles are open, and no more are allowed`)
      }
    }
  }

  get #hasRoom(): boolean {
    const { handles, closing, opening } = this.#ledger
    return handles.size + closing.size + opening < mostHandles
  }

  #close(id: number, key: string): Fate {
    const { handles, closing, owed } = this.#ledger
    const handle = handles.get(key)
    if (handle === undefined) return this.#notOpen(id, 'that')
    // From here on nothing may use it, whatever the target answers.
    handles.delete(key)
    closing.add(handle)
    owed.set(id, { is: 'close', handle })
    return 'pass'
  }

  #ofOpen(id: number, is: 'readdir' | 'fsync', key: string): Fate {
    const handle = this.#ledger.handles.get(key)
    if (handle === undefined || handle.isDirectory !== (is === 'readdir')) return this.#notOpen(id, 'that')
    if (!this.#stands(handle)) return this.#refuse(id, noLongerPermitted)
    handle.inFlight++
    this.#ledger.owed.set(id, { is, handle })
    return 'pass'
  }

  #copy(id: number, fromKey: string, toKey: string): Fate {
    const from = this.#ledger.handles.get(fromKey)
    const to = this.#ledger.handles.get(toKey)
    if (from?.download === undefined || to?.upload === undefined) return this.#notOpen(id, 'that')
    return this.#ask(id, copyQuestion(from, to))
  }

  #stands(handle: OpenHandle): boolean {
    return this.#ledger.parts.stands(handle.permit, handle.operation)
  }

  /** Asks, once it is known what its paths lead to. */
  #ask(id: number, question: Question): 'hold' | 'drop' {
    const unfit = this.#unfit(question)
    if (unfit !== undefined) {
      const operation = this.#operationOf({ question, resolutions: [] })
      return this.#refuse(id, this.#ledger.parts.refuse(operation, unfit))
    }
    const resolutions = question.paths.map(({ bytes, reach }) =>
      reach === undefined ? undefined : new Resolution(bytes, reach),
    )
    this.#held = { id, question, resolutions, operation: undefined }
    for (const resolution of resolutions) if (resolution !== undefined) this.#resolve(this.#held, resolution)
    this.#askIfKnown(this.#held)
    return 'hold'
  }

  #resolve(held: Held, resolution: Resolution): void {
    const { step } = resolution
    if (step === undefined) return
    const question = this.#ledger.ask(step.kind, step.path, (response) => {
      resolution.answered(response)
      this.#resolve(held, resolution)
      this.#askIfKnown(held)
    })
    this.#out.server.put(question)
  }

  #askIfKnown(held: Held): void {
    const { resolutions } = held
    if (resolutions.some((resolution) => resolution?.step !== undefined)) return
    held.operation = this.#operationOf(held)
  }

  #operationOf({ question, resolutions }: Pick<Held, 'question' | 'resolutions'>): FileOperation {
    const home = this.#ledger.home ?? root
    const paths = this.#pathsOf(question, resolutions)
    const words = question.words(paths.map((path) => wordPath(path, home)))
    return new FileOperation(question.requests(paths), { transfer: 'sftp', home }, paths, words)
  }

  #pathsOf({ paths, handles }: Question, resolutions: Held['resolutions']): readonly AskedPath[] {
    return [
      ...paths.map(({ bytes }, i) => ({ bytes, real: resolutions[i]?.resolved })),
      ...handles.map(({ path }) => path),
    ]
  }

  #unfit({ refused, paths }: Question): Refusal | undefined {
    if (refused !== undefined) return refused
    const { home } = this.#ledger
    for (const { bytes } of paths) {
      const unfit = unfitPath(bytes, home)
      if (unfit !== undefined) return unfit
    }
    return undefined
  }

  #refuse(id: number, refused: Refusal, isUnasked = false): 'drop' {
    const words = wordRefusal(refused)
    if (!isUnasked) this.#ledger.parts.say(words)
    this.#out.client.put(encodeStatus(id, status.permissionDenied, words))
    return 'drop'
  }

  /** It was permitted, and cannot be done. */
  #fail(id: number, permit: Permit, code: number, words: string): 'drop' {
    this.#ledger.finish(permit, code)
    this.#out.client.put(encodeStatus(id, code, `sallyport: ${words}`))
    return 'drop'
  }

  #notOpen(id: number, whatFor: string): 'drop' {
    return this.#answer(id, `the handle is not open for ${whatFor}`)
  }

  #answer(id: number, words: string): 'drop' {
    this.#out.client.put(encodeStatus(id, status.failure, `sallyport: ${words}`))
    return 'drop'
  }
}

const root = Buffer.from('/')
const notFound = 'the target does not find the path'
const leadsNowhere = 'a symbolic link that leads nowhere: what would be made there cannot be judged'
