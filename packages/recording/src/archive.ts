import { createPublicKey, type KeyObject } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { SessionId } from '@sallyport/core'
import { readEventLine, type RecordedEvent } from './event-line.ts'
import { fileName, isSessionId, type Layout } from './layout.ts'
import type { Limits } from './limits.ts'
import { LineSplitter } from './lines.ts'
import { isSealLine, readSeal, type Seal } from './seal.ts'
import { listSealFiles, sealFileName } from './seal-log.ts'
import { FrameReader, UnreadableFile } from './session-file-format.ts'
import { verifyRecordingStream, type Verification } from './verify.ts'
import { verifySealLog, type SealLogVerification } from './verify-seal-log.ts'

/** There is no recording of this session. */
export class NoSuchRecording extends Error {
  override readonly name = 'NoSuchRecording'
}

/** What lies on the disk of one recording. */
export interface Description {
  readonly session: SessionId
  /** Its session lives, or was left by a log that failed and has not been sealed yet. */
  readonly isOpen: boolean
  /** On the disk: compressed and encrypted. */
  readonly sizeBytes: number
}

/** The seal log, and the recordings that it names. */
export interface ArchiveVerification {
  readonly log: SealLogVerification
  /** Sealed once, and gone now. */
  readonly missing: readonly SessionId[]
  /** Sealed more than once: someone put an older state back. */
  readonly repeated: readonly SessionId[]
}

/** A live recording at one moment: so much of its file, then these lines. */
interface LiveContent {
  readonly sizeBytes: number
  readonly pending: readonly string[]
}

export interface ArchiveParts {
  readonly layout: Layout
  readonly gatewayKey: KeyObject
  readonly signingKey: KeyObject
  readonly limits: Limits
  readonly live: (session: SessionId) => LiveContent | undefined
}

/** Reads recordings, live and sealed. Holds a frame in memory at a time, however long they are. */
export class Archive {
  readonly #parts: ArchiveParts
  readonly #publicKey: KeyObject

  constructor(parts: ArchiveParts) {
    this.#parts = parts
    this.#publicKey = createPublicKey(parts.signingKey)
  }

  async describe(session: SessionId): Promise<Description | undefined> {
    const live = this.#parts.live(session)
    if (live !== undefined) return { session, isOpen: true, sizeBytes: live.sizeBytes }
    const found = await this.#locate(session)
    return found && { session, isOpen: found.isOpen, sizeBytes: found.sizeBytes }
  }

  async *read(session: SessionId): AsyncGenerator<RecordedEvent> {
    let isHeader = true
    for await (const chunk of this.export(session)) {
      for (const line of new LineSplitter().push(chunk)) {
        const text = line.toString()
        if (isSealLine(text)) return
        if (!isHeader) yield readEventLine(text)
        isHeader = false
      }
    }
  }

  /** Each chunk holds whole lines. */
  async *export(session: SessionId): AsyncGenerator<Buffer> {
    const live = this.#parts.live(session)
    if (live === undefined) {
      const found = await this.#locate(session)
      yield* this.#frames(session, found === undefined ? [] : [found.path])
      return
    }
    const { layout } = this.#parts
    // A session may end, and its file move, just as it is opened.
    const paths = [layout.openFile(session), layout.sealedFile(session)]
    if (live.sizeBytes > 0) yield* this.#frames(session, paths, live.sizeBytes)
    if (live.pending.length > 0) yield Buffer.from(`${live.pending.join('\n')}\n`)
  }

  async verify(session: SessionId): Promise<Verification> {
    const isLive = this.#parts.live(session) !== undefined
    const found = isLive ? undefined : await this.#locate(session)
    if (!isLive && found === undefined) throw new NoSuchRecording(session)
    let verification: Verification
    try {
      verification = await verifyRecordingStream(this.export(session), this.#publicKey)
    } catch (thrown) {
      if (!(thrown instanceof UnreadableFile)) throw thrown
      return { state: 'broken', session, events: 0, detail: `its file cannot be read: ${thrown.message}` }
    }
    const broken = (detail: string): Verification => ({ ...verification, state: 'broken', detail })
    if (verification.state === 'broken') return verification
    if (verification.session !== session) return broken(`it is the recording of ${verification.session}`)
    if (verification.seal === undefined)
      return found === undefined || found.isOpen ? verification : broken('its seal is missing')
    return (await this.#isLogged(verification.seal))
      ? verification
      : broken('the seal log does not have its seal')
  }

  async verifyAll(): Promise<ArchiveVerification> {
    const { layout } = this.#parts
    const seen = new Set<SessionId>()
    const repeated: SessionId[] = []
    const log = await verifySealLog(this.#sealLog(), this.#publicKey, ({ session }) => {
      if (seen.has(session)) repeated.push(session)
      seen.add(session)
    })
    const missing: SessionId[] = []
    for (const session of seen)
      if (!isSessionId(session) || (await sizeOf(layout.sealedFile(session))) === undefined)
        missing.push(session)
    return { log, missing, repeated }
  }

  async #locate(
    session: SessionId,
  ): Promise<{ path: string; isOpen: boolean; sizeBytes: number } | undefined> {
    if (!isSessionId(session)) return undefined
    const { layout } = this.#parts
    for (const isOpen of [false, true]) {
      const path = isOpen ? layout.openFile(session) : layout.sealedFile(session)
      const sizeBytes = await sizeOf(path)
      if (sizeBytes !== undefined) return { path, isOpen, sizeBytes }
    }
    return undefined
  }

  async *#frames(session: SessionId, paths: readonly string[], sizeBytes?: number): AsyncGenerator<Buffer> {
    const { gatewayKey, limits } = this.#parts
    const readLimits = {
      maxFrameBytes: limits.maxEventBytes + limits.chunkBytes,
      ...(sizeBytes !== undefined && { sizeBytes }),
    }
    for (const path of paths) {
      await using reader = await ifPresent(FrameReader.open(path, fileName(session), gatewayKey, readLimits))
      if (reader === undefined) continue
      for await (const { lines } of reader.frames()) yield lines
      return
    }
    throw new NoSuchRecording(session)
  }

  async #isLogged(seal: Seal): Promise<boolean> {
    const { layout, limits } = this.#parts
    const path = join(layout.seals, sealFileName(seal.number, limits.sealsPerFile))
    if ((await sizeOf(path)) === undefined) return false
    const splitter = new LineSplitter()
    for await (const chunk of fileChunks(path)) {
      for (const line of splitter.push(chunk)) {
        const logged = readSeal(line.toString())
        if (logged?.number === seal.number)
          return logged.session === seal.session && logged.head === seal.head
      }
    }
    return false
  }

  async *#sealLog(): AsyncGenerator<Uint8Array> {
    const { seals } = this.#parts.layout
    for (const name of listSealFiles(seals)) yield* fileChunks(join(seals, name))
  }
}

async function* fileChunks(path: string): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(path)) yield chunk as Buffer
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await ifPresent(stat(path)))?.size
}

async function ifPresent<T>(opening: Promise<T>): Promise<T | undefined> {
  try {
    return await opening
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined
    throw thrown
  }
}
