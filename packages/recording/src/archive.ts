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

/** The seal logs, and the recordings that they name. */
export interface ArchiveVerification {
  readonly log: SealLogVerification
  /** Each process has a log of its own: those of the others, in the order of the directories beside. */
  readonly logsBeside: readonly SealLogVerification[]
  /** Sealed once, and gone now. */
  readonly missing: readonly SessionId[]
  /** Sealed more than once: someone put an older state back. */
  readonly repeated: readonly SessionId[]
}

/** A live recording at one moment: so much of its file, then these lines. */
export interface LiveContent {
  readonly sizeBytes: number
  readonly pending: readonly string[]
}

/** What a live session's recording holds now; undefined where none of that session is being made. */
export type FindLive = (session: SessionId) => LiveContent | undefined | Promise<LiveContent | undefined>

export interface ArchiveParts {
  /** Where the processes of this gateway record, or have recorded. */
  readonly layouts: readonly Layout[]
  readonly gatewayKey: KeyObject
  readonly signingKey: KeyObject
  readonly limits: Limits
  readonly live: FindLive
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
    const live = await this.#parts.live(session)
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
    const live = await this.#parts.live(session)
    if (live === undefined) {
      const found = await this.#locate(session)
      yield* this.#frames(session, found === undefined ? [] : [found.path])
      return
    }
    // A session may end, and its file move, just as it is opened.
    const paths = this.#parts.layouts.flatMap((layout) => [
      layout.openFile(session),
      layout.sealedFile(session),
    ])
    if (live.sizeBytes > 0) yield* this.#frames(session, paths, live.sizeBytes)
    if (live.pending.length > 0) yield Buffer.from(`${live.pending.join('\n')}\n`)
  }

  async verify(session: SessionId): Promise<Verification> {
    const isLive = (await this.#parts.live(session)) !== undefined
    const before = isLive ? undefined : await this.#locate(session)
    if (!isLive && before === undefined) throw new NoSuchRecording(session)
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
      return before === undefined || before.isOpen ? verification : broken('its seal is missing')
    // It may have been sealed while it was read.
    const found = before ?? (await this.#locate(session))
    return found !== undefined && (await this.#isLogged(verification.seal, found.layout))
      ? verification
      : broken('the seal log does not have its seal')
  }

  async verifyAll(): Promise<ArchiveVerification> {
    const seen = new Set<SessionId>()
    const repeated: SessionId[] = []
    const missing: SessionId[] = []
    const logs: SealLogVerification[] = []
    for (const layout of this.#parts.layouts) {
      const sealed: SessionId[] = []
      const log = await verifySealLog(sealLog(layout), this.#publicKey, ({ session }) => {
        if (seen.has(session)) repeated.push(session)
        else sealed.push(session)
        seen.add(session)
      })
      for (const session of sealed)
        if (!isSessionId(session) || (await sizeOf(layout.sealedFile(session))) === undefined)
          missing.push(session)
      logs.push(log)
    }
    // There is always one: that of the directory that was opened.
    const [log, ...logsBeside] = logs as [SealLogVerification, ...SealLogVerification[]]
    return { log, logsBeside, missing, repeated }
  }

  async #locate(
    session: SessionId,
  ): Promise<{ layout: Layout; path: string; isOpen: boolean; sizeBytes: number } | undefined> {
    if (!isSessionId(session)) return undefined
    for (const isOpen of [false, true]) {
      for (const layout of this.#parts.layouts) {
        const path = isOpen ? layout.openFile(session) : layout.sealedFile(session)
        const sizeBytes = await sizeOf(path)
        if (sizeBytes !== undefined) return { layout, path, isOpen, sizeBytes }
      }
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

  async #isLogged(seal: Seal, { seals }: Layout): Promise<boolean> {
    const path = join(seals, sealFileName(seal.number, this.#parts.limits.sealsPerFile))
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
}

async function* sealLog({ seals }: Layout): AsyncGenerator<Uint8Array> {
  for (const name of listSealFiles(seals)) yield* fileChunks(join(seals, name))
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
