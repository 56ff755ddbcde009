import { join } from 'node:path'
import type { KeyObject } from 'node:crypto'
import type { Clock, Fault, SessionId } from '@sallyport/core'
import { Chain } from './chain.ts'
import type { Disk } from './disk.ts'
import { cannotRecord } from './failure.ts'
import { Journal } from './journal.ts'
import { listSegments, segmentName } from './journal-format.ts'
import { fileName, type Layout } from './layout.ts'
import type { Limits } from './limits.ts'
import type { RecorderMeter } from './meter.ts'
import { LiveRecording, type SharedLog } from './recorder.ts'
import { readLeftovers, type Leftovers } from './leftovers.ts'
import type { SealState } from './seal.ts'
import { SealLog } from './seal-log.ts'
import { SessionFile } from './session-file.ts'
import type { SpareBuffers } from './spare-buffers.ts'

export interface LogParts {
  readonly layout: Layout
  readonly disk: Disk
  readonly gatewayKey: KeyObject
  readonly spares: SpareBuffers
  readonly signingKey: KeyObject
  readonly clock: Clock
  readonly limits: Limits
  readonly meter: RecorderMeter
  /** Called once: the log takes nothing more, and every recording in it throws. */
  readonly onFailure: (fault: Fault) => void
}

/** A session that a dead or failed gateway left, as it was found and sealed. */
export interface RecoveredSession {
  readonly session: SessionId
  readonly state: SealState
  readonly events: number
  /** When its last event was recorded, in milliseconds since 1970; undefined where it has none. */
  readonly lastAt: number | undefined
}

/**
 * The log from one start to its end or first failure: the journal that everything goes through first, and the files
 * behind it. Its invariant: a journal segment is removed only when all that it holds is durable elsewhere.
 */
export class Log {
  readonly #parts: LogParts
  readonly #shared: SharedLog
  readonly #live = new Map<SessionId, LiveRecording>()
  /** Files of sealed recordings that may not be on the disk yet, and directories whose entries may not be. */
  readonly #unsynced = new Set<SessionFile>()
  readonly #unsyncedDirectories = new Set<string>()
  /** The first journal segment that still exists. */
  #oldest: number
  #retiring: Promise<void> = Promise.resolve()

  private constructor(parts: LogParts, segments: readonly number[]) {
    const { layout, disk, gatewayKey, signingKey, spares, limits, meter } = parts
    const seals = new SealLog({ directory: layout.seals, disk, signingKey, limits })
    const journal = new Journal({
      directory: layout.journal,
      disk,
      gatewayKey,
      spares,
      limits,
      meter,
      first: (segments.at(-1) ?? 0) + 1,
      onRotated: (current) => this.#rotated(current),
      onFailure: parts.onFailure,
    })
    this.#parts = parts
    this.#shared = { ...parts, journal, seals }
    this.#oldest = segments[0] ?? journal.current
  }

  /**
   * Begins a new journal segment, and seals what earlier ones left.
   * @throws Error where the disk fails, or a key cannot be opened; the journal is kept then
   */
  static async start(
    parts: LogParts,
  ): Promise<{ readonly log: Log; readonly recovered: readonly RecoveredSession[] }> {
    const { layout, disk } = parts
    for (const directory of [layout.journal, layout.open, layout.sealed, layout.seals])
      disk.makeDirectory(directory)
    const segments = listSegments(layout.journal)
    const left = await readLeftovers(parts, segments)
    const log = new Log(parts, segments)
    try {
      const recovered = await log.#sealLeftovers(left)
      await log.#retire(log.#shared.journal.current)
      return { log, recovered }
    } catch (thrown) {
      log.abandon()
      throw thrown
    }
  }

  get seals(): SealLog {
    return this.#shared.seals
  }

  /** What waits to be durable elsewhere, segments that are full counted as full. */
  get journalBytes(): number {
    const { journal, limits } = this.#shared
    return (journal.current - this.#oldest) * limits.segmentBytes + journal.sizeBytes
  }

  live(session: SessionId): LiveRecording | undefined {
    return this.#live.get(session)
  }

  open(session: SessionId): LiveRecording {
    if (this.#live.has(session)) throw cannotRecord(new Error(`${session} is being recorded already`))
    const { chain, header } = Chain.begin(session, this.#parts.clock.now())
    this.#shared.journal.append(session, header)
    const recording = this.#recording(chain, this.#newFile(session))
    recording.take(header)
    this.#live.set(session, recording)
    return recording
  }

  /** Seals what lives, makes all of it durable, and leaves no journal behind. */
  async end(): Promise<void> {
    await Promise.all([...this.#live.values()].map((recording) => recording.close()))
    await this.#retiring
    const { journal } = this.#shared
    await this.#retire(journal.current)
    journal.close()
    this.#parts.disk.remove(join(this.#parts.layout.journal, segmentName(journal.current)))
  }

  /** Lets go of what a failed log holds. */
  abandon(): void {
    this.#shared.journal.close()
  }

  #newFile(session: SessionId): SessionFile {
    const { layout, disk, gatewayKey, spares } = this.#parts
    return new SessionFile({
      disk,
      gatewayKey,
      spares,
      name: fileName(session),
      path: layout.openFile(session),
    })
  }

  #recording(chain: Chain, file: SessionFile): LiveRecording {
    return new LiveRecording(this.#shared, chain, file, (sealed) => this.#onSealed(sealed))
  }

  #onSealed({ session, file }: LiveRecording): void {
    this.#live.delete(session)
    this.#unsynced.add(file)
    this.#unsyncedDirectories.add(this.#parts.layout.sealedDirectory(session))
  }

  #rotated(current: number): void {
    if (current - this.#oldest > this.#parts.limits.maxSegments)
      throw new Error('the disk does not keep up with the journal')
    this.#retiring = this.#retiring
      .then(() => this.#retire(current))
      .catch((thrown: unknown) => void this.#shared.journal.fail(thrown))
  }

  /** Makes durable elsewhere what the segments before `current` hold, then removes them. */
  async #retire(current: number): Promise<void> {
    const { disk, layout } = this.#parts
    for (const { file } of this.#live.values()) {
      file.flush()
      await file.sync()
    }
    for (const file of this.#unsynced) {
      await file.sync()
      this.#unsynced.delete(file)
    }
    await this.#shared.seals.sync()
    const directories = [layout.open, layout.sealed, ...this.#unsyncedDirectories]
    this.#unsyncedDirectories.clear()
    for (const directory of directories) await disk.syncDirectory(directory)
    for (; this.#oldest < current; this.#oldest++)
      disk.remove(join(layout.journal, segmentName(this.#oldest)))
  }

  async #sealLeftovers({ recordings, seals }: Leftovers): Promise<readonly RecoveredSession[]> {
    for (const { number, lines } of seals) this.#shared.seals.replay(number, lines)
    this.#shared.seals.write(this.#shared.seals.head.number)
    const recovered: RecoveredSession[] = []
    const sealing: Promise<void>[] = []
    for (const left of recordings) {
      const { session, events } = left.chain
      const recording = this.#recording(new Chain(left.chain), left.file)
      for (const line of left.journalled) recording.take(line)
      this.#parts.disk.makeDirectory(this.#parts.layout.sealedDirectory(session))
      const sealedFile = this.#parts.layout.sealedFile(session)
      if (left.isSealed) left.file.moveTo(sealedFile)
      else if (left.seal !== undefined) left.file.finish(left.seal, sealedFile)
      if (left.isSealed || left.seal !== undefined) {
        this.#onSealed(recording)
        continue
      }
      const state = left.isClosed ? 'closed' : 'interrupted'
      recovered.push({ session, state, events, lastAt: left.lastAt })
      sealing.push(recording.seal(state))
    }
    await Promise.all(sealing)
    return recovered
  }
}
