import type { KeyObject } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { SessionId } from '@sallyport/core'
import { readEventLine, type RecordedEvent } from './event-line.ts'
import { fileName, isSessionId, Layout } from './layout.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { LineSplitter } from './lines.ts'
import { isSealLine } from './seal.ts'
import { FrameReader } from './session-file-format.ts'

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

/** A live recording at one moment: so much of its file, then these lines. */
export interface LiveContent {
  readonly sizeBytes: number
  readonly pending: readonly string[]
}

/** What a live session's recording holds now; undefined where none of that session is being made. */
export type FindLive = (session: SessionId) => LiveContent | undefined | Promise<LiveContent | undefined>

export interface ReaderParts {
  /** Where the processes of this gateway record, or have recorded. */
  readonly layouts: readonly Layout[]
  readonly gatewayKey: KeyObject
  readonly limits: Limits
  readonly live: FindLive
}

/** Reads recordings, live and sealed. Holds a frame in memory at a time, however long they are. */
export class RecordingReader {
  readonly #parts: ReaderParts

  constructor(parts: ReaderParts) {
    this.#parts = parts
  }

  async describe(session: SessionId): Promise<Description | undefined> {
    const live = await this.#parts.live(session)
    if (live !== undefined) return { session, isOpen: true, sizeBytes: live.sizeBytes }
    const found = await this.locate(session)
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
      const found = await this.locate(session)
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

  /** Where its file lies, sealed or not. */
  async locate(
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
}

/** For another thread than the one that records: `live` tells of what is being recorded meanwhile. */
export function readerIn(
  directories: readonly string[],
  encryptionKey: KeyObject,
  live: FindLive,
): Pick<RecordingReader, 'read'> {
  const layouts = directories.map((directory) => new Layout(directory))
  return new RecordingReader({ layouts, gatewayKey: encryptionKey, limits: defaultLimits, live })
}

export async function sizeOf(path: string): Promise<number | undefined> {
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
