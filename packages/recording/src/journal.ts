import { join } from 'node:path'
import type { KeyObject } from 'node:crypto'
import type { Fault, SessionId } from '@sallyport/core'
import { newDataKey, encrypt, type DataKey } from './data-key.ts'
import type { Disk } from './disk.ts'
import { cannotRecord } from './failure.ts'
import { GroupSync } from './group-sync.ts'
import { segmentMagic, segmentName, segmentNonce } from './journal-format.ts'
import type { Limits } from './limits.ts'
import { LineBuffer } from './line-buffer.ts'
import type { SpareBuffers } from './spare-buffers.ts'
import type { RecorderMeter } from './meter.ts'

export interface JournalParts {
  readonly directory: string
  readonly disk: Disk
  readonly gatewayKey: KeyObject
  readonly spares: SpareBuffers
  readonly limits: Limits
  readonly meter: RecorderMeter
  /** Number of the first segment: above all that exist. */
  readonly first: number
  /** A new segment has begun; those before `current` may go once their events are durable elsewhere. */
  readonly onRotated: (current: number) => void
  /** The log is of no use any more. Called once. */
  readonly onFailure: (fault: Fault) => void
}

interface Segment {
  readonly number: number
  readonly file: number
  readonly key: DataKey
  frames: number
  sizeBytes: number
}

/**
 * The write-ahead log of all sessions of this gateway: one write takes what all of them have to say, one sync makes it
 * durable. Its two invariants: what {@link commit} has returned for is in the kernel, and survives the death of this
 * process; what {@link durable} has resolved for is on the disk, and survives the death of the machine. After the first
 * failure it takes nothing more.
 */
export class Journal {
  readonly #parts: JournalParts
  readonly #sync: GroupSync
  #segment: Segment
  /** All that are open: the current one, and full ones until they are synced. */
  readonly #open = new Set<Segment>()
  /** Events since the last commit: `session line`, a line each. */
  readonly #batch: LineBuffer
  /** When the first event of the batch was appended, and the first that no sync has taken up. */
  #batchSinceMs = 0
  #unsyncedSinceMs: number | undefined
  /** Segments with bytes that no sync has taken up yet. */
  #unsynced: Segment[] = []
  #isDirectoryUnsynced = true
  /** Bytes written to all segments, and how many of them are known to be on the disk. */
  #writtenBytes = 0
  #durableBytes = 0
  #timer: NodeJS.Timeout | undefined
  #failure: Fault | undefined

  constructor(parts: JournalParts) {
    this.#parts = parts
    this.#batch = new LineBuffer(parts.spares, 64 * 1024)
    this.#sync = new GroupSync(() => this.#syncAll(), parts.limits.syncLimitMs)
    this.#segment = this.#begin(parts.first)
  }

  get current(): number {
    return this.#segment.number
  }

  /** Of the current segment. */
  get sizeBytes(): number {
    return this.#segment.sizeBytes
  }

  /**
   * hot path: remembers the line until the next commit, which comes by itself soon.
   * @returns the line's bytes, good until the journal is asked for anything else
   * @throws Fault gateway/cannot-record
   */
  append(session: SessionId, line: string): Buffer {
    if (this.#failure !== undefined) throw this.#failure
    const batch = this.#batch
    if (batch.length + line.length > this.#parts.limits.maxEventBytes) this.commit()
    if (batch.length === 0) this.#batchSinceMs = performance.now()
    const from = batch.write(`${session} ${line}`) + session.length + 1
    const to = batch.length
    batch.newline()
    this.#timer ??= setTimeout(this.#onTimer, this.#parts.limits.syncDelayMs)
    return batch.slice(from, to)
  }

  /** hot path: one encryption and one write, whoever's events they are. @throws Fault gateway/cannot-record */
  commit(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#batch.length === 0) return
    try {
      if (this.#segment.sizeBytes >= this.#parts.limits.segmentBytes) this.#rotate()
      this.#write(this.#segment, this.#batch.bytes)
      this.#batch.clear()
    } catch (thrown) {
      throw this.fail(thrown)
    }
  }

  /** Resolves when all that was appended so far is on the disk. @throws Fault gateway/cannot-record */
  async durable(): Promise<void> {
    this.commit()
    if (this.#durableBytes === this.#writtenBytes) return
    try {
      await this.#sync.request()
    } catch (thrown) {
      throw this.fail(thrown)
    }
  }

  /** From here on it takes nothing more, whoever found the disk wanting. @returns the fault of the first failure */
  fail(thrown: unknown): Fault {
    if (this.#failure === undefined) {
      this.#failure = cannotRecord(thrown)
      this.#parts.onFailure(this.#failure)
    }
    return this.#failure
  }

  /** Lets go of everything, at once. What was not durable may be lost; call {@link durable} before. */
  close(): void {
    clearTimeout(this.#timer)
    this.#failure ??= cannotRecord(new Error('the journal is closed'))
    const { disk, directory } = this.#parts
    for (const { file } of this.#open) disk.close(file)
    this.#open.clear()
    // A log that fails as it starts, again and again, leaves no trail of empty segments.
    if (this.#segment.frames === 0) disk.remove(join(directory, segmentName(this.#segment.number)))
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined
    // Who waits hears of it by its own call; the failure itself is told by onFailure.
    this.durable().catch(() => undefined)
  }

  #write(segment: Segment, plain: Buffer): void {
    const sealed = encrypt(segment.key.key, segmentNonce(segment.frames), emptyAad, plain)
    const frame = Buffer.allocUnsafe(4 + sealed.length)
    frame.writeUInt32BE(sealed.length)
    frame.set(sealed, 4)
    this.#parts.disk.write(segment.file, frame)
    segment.frames++
    segment.sizeBytes += frame.length
    this.#writtenBytes += frame.length
    this.#unsyncedSinceMs ??= this.#batchSinceMs
    this.#parts.meter.written(performance.now() - this.#batchSinceMs, frame.length)
    if (this.#unsynced.at(-1) !== segment) this.#unsynced.push(segment)
  }

  #rotate(): void {
    this.#segment = this.#begin(this.#segment.number + 1)
    this.#isDirectoryUnsynced = true
    this.#parts.onRotated(this.#segment.number)
  }

  #begin(number: number): Segment {
    const { disk, directory, gatewayKey } = this.#parts
    const name = segmentName(number)
    const key = newDataKey(gatewayKey, name)
    const path = join(directory, name)
    const file = disk.create(path)
    const head = Buffer.concat([segmentMagic, key.sealed])
    try {
      disk.write(file, head)
    } catch (thrown) {
      disk.close(file)
      disk.remove(path)
      throw thrown
    }
    const segment = { number, file, key, frames: 0, sizeBytes: head.length }
    this.#open.add(segment)
    return segment
  }

  async #syncAll(): Promise<void> {
    const { disk, directory } = this.#parts
    const segments = this.#unsynced.slice()
    const writtenBytes = this.#writtenBytes
    const sinceMs = this.#unsyncedSinceMs
    this.#unsyncedSinceMs = undefined
    const withDirectory = this.#isDirectoryUnsynced
    this.#isDirectoryUnsynced = false
    this.#unsynced = []
    for (const { file } of segments) await disk.sync(file)
    if (withDirectory) await disk.syncDirectory(directory)
    this.#durableBytes = writtenBytes
    if (sinceMs !== undefined) this.#parts.meter.synced(performance.now() - sinceMs)
    for (const segment of this.#open) {
      if (segment === this.#segment || this.#unsynced.includes(segment)) continue
      disk.close(segment.file)
      this.#open.delete(segment)
    }
  }
}

const emptyAad = Buffer.alloc(0)
