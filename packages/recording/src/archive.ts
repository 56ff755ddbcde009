import { createPublicKey, type KeyObject } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import type { SessionId } from '@sallyport/core'
import { isSessionId, type Layout } from './layout.ts'
import { LineSplitter } from './lines.ts'
import { NoSuchRecording, RecordingReader, sizeOf, type ReaderParts } from './reader.ts'
import { readSeal, type Seal } from './seal.ts'
import { listSealFiles, sealFileName } from './seal-log.ts'
import { UnreadableFile } from './session-file-format.ts'
import { verifyRecordingStream, type Verification } from './verify.ts'
import { verifySealLog, type SealLogVerification } from './verify-seal-log.ts'

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

export interface ArchiveParts extends ReaderParts {
  readonly signingKey: KeyObject
}

/** Verifies recordings. */
export class Archive {
  readonly #parts: ArchiveParts
  readonly #publicKey: KeyObject
  readonly reader: RecordingReader

  constructor(parts: ArchiveParts) {
    this.#parts = parts
    this.#publicKey = createPublicKey(parts.signingKey)
    this.reader = new RecordingReader(parts)
  }

  async verify(session: SessionId): Promise<Verification> {
    const isLive = (await this.#parts.live(session)) !== undefined
    const before = isLive ? undefined : await this.reader.locate(session)
    if (!isLive && before === undefined) throw new NoSuchRecording(session)
    let verification: Verification
    try {
      verification = await verifyRecordingStream(this.reader.export(session), this.#publicKey)
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
    const found = before ?? (await this.reader.locate(session))
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
