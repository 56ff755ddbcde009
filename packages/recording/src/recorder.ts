import type { Clock, RecordingEvent } from '@sallyport/core'
import { cannotRecord } from './failure.ts'
import type { Chain } from './chain.ts'
import type { Journal } from './journal.ts'
import type { Layout } from './layout.ts'
import type { Limits } from './limits.ts'
import type { SealLog } from './seal-log.ts'
import type { SealState } from './seal.ts'
import type { SessionFile } from './session-file.ts'
import type { Disk } from './disk.ts'

/** Takes down what happens in one session. */
export interface Recorder {
  /**
   * Takes the event. It is in the kernel after {@link commit}, by itself within 25 ms, and durable within 50 ms.
   * @throws Fault gateway/cannot-record
   */
  append(event: RecordingEvent): void
  /**
   * What was appended so far is in the kernel: the gateway may be killed and it is not lost. One write for all sessions.
   * @throws Fault gateway/cannot-record
   */
  commit(): void
  /** What was appended so far is on the disk. @throws Fault gateway/cannot-record */
  durable(): Promise<void>
  /** Seals and signs the recording; durable when it resolves. Takes nothing more. @throws Fault gateway/cannot-record */
  close(): Promise<void>
}

/** What all recordings of one gateway share. */
export interface SharedLog {
  readonly journal: Journal
  readonly seals: SealLog
  readonly layout: Layout
  readonly disk: Disk
  readonly clock: Clock
  readonly limits: Limits
}

export class LiveRecording implements Recorder {
  readonly #log: SharedLog
  readonly #chain: Chain
  readonly file: SessionFile
  readonly #onSealed: (recording: LiveRecording) => void
  #sealing: Promise<void> | undefined

  constructor(log: SharedLog, chain: Chain, file: SessionFile, onSealed: (recording: LiveRecording) => void) {
    this.#log = log
    this.#chain = chain
    this.file = file
    this.#onSealed = onSealed
  }

  get session(): Chain['session'] {
    return this.#chain.session
  }

  // hot path: one serialisation, one hash, no await.
  append(event: RecordingEvent): void {
    if (this.#sealing !== undefined) throw cannotRecord(new Error('the recording is sealed'))
    const line = this.#draft(event)
    const bytes = this.#log.journal.append(this.#chain.session, line)
    this.#chain.accept(bytes)
    this.take(bytes)
  }

  #draft(event: RecordingEvent): string {
    let line: string
    try {
      line = this.#chain.draft(event, this.#log.clock.now())
    } catch (thrown) {
      throw cannotRecord(thrown)
    }
    // A line of so many UTF-16 units has at least as many bytes, and at most three times as many.
    const { maxEventBytes } = this.#log.limits
    if (line.length > maxEventBytes / 3 && Buffer.byteLength(line) > maxEventBytes)
      throw cannotRecord(new Error(`an event is larger than ${maxEventBytes} bytes`))
    return line
  }

  /** Adds a line that the journal has to the recording's file. */
  take(line: Uint8Array | string): void {
    this.file.push(line)
    if (this.file.pendingBytes < this.#log.limits.chunkBytes) return
    this.flush()
  }

  /** Has its file hold all that was taken so far. @throws Fault gateway/cannot-record */
  flush(): void {
    this.#write(() => this.file.flush())
  }

  commit(): void {
    this.#log.journal.commit()
  }

  durable(): Promise<void> {
    return this.#log.journal.durable()
  }

  close(): Promise<void> {
    return this.seal('closed')
  }

  seal(state: SealState): Promise<void> {
    this.#sealing ??= this.#seal(state)
    return this.#sealing
  }

  async #seal(state: SealState): Promise<void> {
    const { journal, seals, layout, disk, clock } = this.#log
    const { session } = this.#chain
    const { number, lines } = seals.give(this.#chain, state, clock.now())
    journal.append(session, lines.seal)
    journal.append(session, lines.signature)
    await journal.durable()
    this.#write(() => {
      seals.write(number)
      disk.makeDirectory(layout.sealedDirectory(session))
      this.file.finish(lines, layout.sealedFile(session))
    })
    this.#onSealed(this)
  }

  /** Nobody records beside a disk that took one thing and not another: a failure is everyone's. */
  #write(write: () => void): void {
    try {
      write()
    } catch (thrown) {
      throw this.#log.journal.fail(thrown)
    }
  }
}
