import type { Permit } from '@sallyport/core'
import type { AskedPath } from '../facts/files.ts'
import { Content } from '../transfer/content.ts'
import type { FileParts } from '../transfer/conversation.ts'
import type { FileOperation } from '../transfer/operation.ts'
import { fileOutcome } from '../transfer/outcome.ts'
import { shownPlace } from '../transfer/path.ts'
import { status, statusName } from './codec/packets.ts'

/** How many handles a client may have open at once. */
export const mostHandles = 1_024

/** What the target opened, and what passes of it. */
export class OpenHandle {
  readonly operation: FileOperation
  readonly permit: Permit
  readonly path: AskedPath
  readonly isDirectory: boolean
  /** What passes from it, or to it; absent where it was not opened for that. */
  readonly download: Content | undefined
  readonly upload: Content | undefined
  /** Requests that are not yet answered. The target may answer them after it closed. */
  inFlight = 0
  #hasRead = false
  #hasWritten = false
  #closedWith: number | undefined
  #rows = 0
  #listedBytes = 0

  constructor({ operation, permit, path, opens }: Opening) {
    this.operation = operation
    this.permit = permit
    this.path = path
    this.isDirectory = opens === 'directory'
    if (opens === 'directory') return
    if (opens.reads) this.download = new Content('download')
    if (!opens.writes) return
    this.upload = new Content('upload')
    // Of what was there before, nothing is behind what is written.
    if (opens.isEmptied) this.upload.setTo(0)
    // Where it is written to the file's end, wherever that is, offsets say nothing.
    if (opens.appends) this.upload.disorder()
  }

  wasRead(): void {
    this.#hasRead = true
  }

  wasWritten(): void {
    this.#hasWritten = true
  }

  listed(names: number, sizeBytes: number): void {
    this.#rows += names
    this.#listedBytes += sizeBytes
  }

  closed(code: number): void {
    this.#closedWith = code
  }

  /** Notes what passed, once the target closed it and answered all else. @returns whether it is over */
  settle(parts: FileParts): boolean {
    if (this.#closedWith === undefined || this.inFlight > 0) return false
    this.#note(parts, this.#closedWith)
    return true
  }

  /** The channel is over. */
  lost(parts: FileParts): void {
    this.#note(parts, undefined)
  }

  #note(parts: FileParts, code: number | undefined): void {
    const { id } = this.permit
    const path = shownPlace(this.path, this.operation.context.home ?? root)
    const { download, upload } = this
    const isClosed = code === status.ok
    if (upload !== undefined && (this.#hasWritten || download === undefined)) {
      parts.note(upload.passage(id, path, isClosed))
    }
    if (download !== undefined && this.#hasRead) parts.note(download.passage(id, path, isClosed))
    const counts = { sizeBytes: (download?.sizeBytes ?? 0) + this.#listedBytes, rows: this.#rows }
    if (code === undefined) return parts.finish(this.permit, fileOutcome('lost', counts))
    if (isClosed) return parts.finish(this.permit, fileOutcome('done', counts))
    parts.finish(this.permit, fileOutcome('failed', { ...counts, errorCode: statusName(code) }))
  }
}

/** What a permitted request opens, if the target does. */
export type Opens =
  | 'directory'
  | {
      readonly reads: boolean
      readonly writes: boolean
      readonly appends: boolean
      readonly isEmptied: boolean
    }

export interface Opening {
  readonly operation: FileOperation
  readonly permit: Permit
  readonly path: AskedPath
  readonly opens: Opens
}

const root = Buffer.from('/')
