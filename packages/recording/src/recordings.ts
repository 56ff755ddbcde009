import { type KeyObject } from 'node:crypto'
import type { Clock, Fault, SessionId } from '@sallyport/core'
import { Archive, type ArchiveVerification } from './archive.ts'
import { nodeDisk, type Disk } from './disk.ts'
import type { RecordedEvent } from './event-line.ts'
import { cannotRecord } from './failure.ts'
import { isSessionId, Layout } from './layout.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { lockDirectory } from './lock.ts'
import { Log, type LogParts, type RecoveredSession } from './log.ts'
import { noMeter, type RecorderMeter } from './meter.ts'
import type { LiveRecording, Recorder } from './recorder.ts'
import type { Description, FindLive } from './reader.ts'
import type { SealLog, SealLogHead } from './seal-log.ts'
import type { Verification } from './verify.ts'
import { SpareBuffers } from './spare-buffers.ts'

export interface RecordingsOptions {
  /** Created where it does not exist. One process at a time records here. */
  readonly directory: string
  /**
   * Where further processes of this gateway record or have recorded. What dead ones left there is sealed as these are opened; from
   * then on they are only read here.
   */
  readonly beside?: readonly string[]
  /** What is being recorded in the directories beside. */
  readonly liveBeside?: FindLive
  /** Ed25519, private. Its public half verifies what this gateway recorded. */
  readonly signingKey: KeyObject
  /** A secret key of 32 bytes; seals the data key of each file. */
  readonly encryptionKey: KeyObject
  readonly clock: Clock
  /**
   * The disk failed: no session can be recorded any more, and all that live must end. `open` throws until the log works
   * again, which is tried every {@link Limits.retryMs}.
   */
  readonly onFailure: (fault: Fault) => void
  readonly disk?: Disk
  readonly limits?: Partial<Limits>
  readonly meter?: RecorderMeter
}

/** The recordings of one gateway. */
export interface Recordings extends AsyncDisposable {
  /** What a gateway that died or failed left behind, sealed when these were opened or the log worked again. */
  readonly recovered: readonly RecoveredSession[]
  /** The end of the seal log. Kept outside, it shows whether any recording sealed so far was removed. */
  readonly sealLogHead: SealLogHead
  /** Of the journal, about; 0 while the log has failed. */
  readonly journalBytes: number
  /** @throws Fault gateway/cannot-record */
  open(session: SessionId): Recorder
  /**
   * Has the file of a recording that is being made here hold all that was recorded so far: then who has this directory beside its own
   * can read it. @returns the file's size; undefined where there is none
   * @throws Fault gateway/cannot-record
   */
  flush(session: SessionId): number | undefined
  /** The same of one that is being made here or in a directory beside. @throws Fault gateway/cannot-record */
  settle(session: SessionId): Promise<number | undefined>
  /** Undefined where there is no such recording. */
  describe(session: SessionId): Promise<Description | undefined>
  /** The events of a recording, as far as they go now where its session lives. @throws NoSuchRecording */
  read(session: SessionId): AsyncIterable<RecordedEvent>
  /** The recording as a file that can be verified with nothing but the public key. @throws NoSuchRecording */
  export(session: SessionId): AsyncIterable<Uint8Array>
  /** Chain, seal, signature, and its place in the seal log. @throws NoSuchRecording */
  verify(session: SessionId): Promise<Verification>
  /** The seal log, and whether every recording that it names is there. */
  verifyAll(): Promise<ArchiveVerification>
}

/**
 * Opens a directory of recordings, and seals what a gateway that died left there.
 * @throws Error where another process has it, a key does not fit, or the disk fails
 */
export async function openRecordings(options: RecordingsOptions): Promise<Recordings> {
  const recovered: RecoveredSession[] = []
  for (const directory of options.beside ?? []) {
    await using left = await openDirectory({ ...options, directory })
    recovered.push(...left.recovered)
  }
  return openDirectory(options, recovered)
}

async function openDirectory(
  options: RecordingsOptions,
  recovered: readonly RecoveredSession[] = [],
): Promise<Recordings> {
  const { signingKey, encryptionKey, directory } = options
  if (signingKey.type !== 'private' || signingKey.asymmetricKeyType !== 'ed25519')
    throw new TypeError('recordings are signed with an Ed25519 private key')
  if (encryptionKey.symmetricKeySize !== 32)
    throw new TypeError('recordings are encrypted under a key of 32 bytes')
  const disk = options.disk ?? nodeDisk
  const { lockWaitMs } = { ...defaultLimits, ...options.limits }
  const layout = new Layout(directory)
  disk.makeDirectory(directory)
  const lock = lockDirectory(layout.lock, lockWaitMs)
  try {
    return await DiskRecordings.start(options, { disk, layout, lock }, recovered)
  } catch (thrown) {
    lock[Symbol.dispose]()
    throw thrown
  }
}

interface Ground {
  readonly disk: Disk
  readonly layout: Layout
  readonly lock: Disposable
}

class DiskRecordings implements Recordings {
  readonly #options: RecordingsOptions
  readonly #ground: Ground
  readonly #limits: Limits
  readonly #archive: Archive
  #log: Log | Fault
  #seals: SealLog | undefined
  readonly #recovered: RecoveredSession[]
  #retry: NodeJS.Timeout | undefined
  #retrying: Promise<void> = Promise.resolve()
  #isOver = false

  private constructor(options: RecordingsOptions, ground: Ground, recovered: readonly RecoveredSession[]) {
    this.#options = options
    this.#recovered = [...recovered]
    this.#ground = ground
    this.#limits = { ...defaultLimits, ...options.limits }
    this.#log = cannotRecord(new Error('the log has not started'))
    this.#archive = new Archive({
      layouts: [ground.layout, ...(options.beside ?? []).map((directory) => new Layout(directory))],
      gatewayKey: options.encryptionKey,
      signingKey: options.signingKey,
      limits: this.#limits,
      live: (session) => this.#live(session)?.file.content ?? options.liveBeside?.(session),
    })
  }

  static async start(
    options: RecordingsOptions,
    ground: Ground,
    recovered: readonly RecoveredSession[],
  ): Promise<DiskRecordings> {
    const recordings = new DiskRecordings(options, ground, recovered)
    await recordings.#start()
    return recordings
  }

  get recovered(): readonly RecoveredSession[] {
    return this.#recovered
  }

  get sealLogHead(): SealLogHead {
    return this.#seals?.head ?? { number: 0, hash: '' }
  }

  get journalBytes(): number {
    return this.#log instanceof Log ? this.#log.journalBytes : 0
  }

  async #start(): Promise<void> {
    const { encryptionKey, signingKey, clock } = this.#options
    const { disk, layout } = this.#ground
    let started: Log | undefined
    const parts: LogParts = {
      layout,
      disk,
      gatewayKey: encryptionKey,
      spares: new SpareBuffers(),
      signingKey,
      clock,
      limits: this.#limits,
      meter: this.#options.meter ?? noMeter,
      // One that fails while it starts has no sessions to end: its start throws.
      onFailure: (fault) => {
        if (started !== undefined) this.#failed(started, fault)
      },
    }
    const { log, recovered } = await Log.start(parts)
    started = log
    this.#log = log
    this.#seals = log.seals
    this.#recovered.push(...recovered)
  }

  #failed(log: Log, fault: Fault): void {
    this.#log = fault
    try {
      log.abandon()
    } catch {
      // A disk that fails may fail this too: what matters is that sessions end, and that it is tried again.
    }
    this.#retryLater()
    this.#options.onFailure(fault)
  }

  #retryLater(): void {
    if (this.#isOver) return
    this.#retry = setTimeout(() => {
      this.#retrying = this.#start().catch(() => this.#retryLater())
    }, this.#limits.retryMs)
  }

  open(session: SessionId): Recorder {
    if (!isSessionId(session)) throw new TypeError('not a session id')
    if (!(this.#log instanceof Log)) throw this.#log
    return this.#log.open(session)
  }

  #live(session: SessionId): LiveRecording | undefined {
    return this.#log instanceof Log ? this.#log.live(session) : undefined
  }

  flush(session: SessionId): number | undefined {
    const live = this.#live(session)
    live?.flush()
    return live?.file.content.sizeBytes
  }

  async settle(session: SessionId): Promise<number | undefined> {
    return this.flush(session) ?? (await this.#options.liveBeside?.(session))?.sizeBytes
  }

  describe(session: SessionId): Promise<Description | undefined> {
    return this.#archive.reader.describe(session)
  }

  read(session: SessionId): AsyncIterable<RecordedEvent> {
    return this.#archive.reader.read(session)
  }

  export(session: SessionId): AsyncIterable<Uint8Array> {
    return this.#archive.reader.export(session)
  }

  verify(session: SessionId): Promise<Verification> {
    return this.#archive.verify(session)
  }

  verifyAll(): Promise<ArchiveVerification> {
    return this.#archive.verifyAll()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    clearTimeout(this.#retry)
    await this.#retrying
    try {
      if (this.#log instanceof Log) await this.#log.end()
    } finally {
      this.#ground.lock[Symbol.dispose]()
    }
  }
}
