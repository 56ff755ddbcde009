import type { Permit } from '@sallyport/core'
import { fileOutcome } from '../transfer/outcome.ts'
import type { FileParts } from '../transfer/conversation.ts'
import type { FileOperation } from '../transfer/operation.ts'
import type { AskedPath } from '../facts/files.ts'
import { statusName, type } from './codec/packets.ts'
import { encodePathRequest } from './codec/requests.ts'
import type { Response } from './codec/responses.ts'
import type { OpenHandle, Opens } from './handles.ts'

/** How many requests the target may owe an answer to. OpenSSH's clients have 64 in flight. */
export const mostOwed = 1_024
/** When so few are left, more is judged. */
export const fewOwed = mostOwed / 2

/** What the answer to a request is, where it is no STATUS. */
export type Answer = 'status' | 'handle' | 'attrs' | 'name' | 'extended-reply'

/** A request that the target owes an answer to. */
export type Owed =
  /** A piece of a file. */
  | {
      readonly is: 'read' | 'write'
      readonly handle: OpenHandle
      readonly offset: number
      readonly length: number
    }
  | { readonly is: 'readdir' | 'close' | 'fsync'; readonly handle: OpenHandle }
  | {
      readonly is: 'operation'
      readonly operation: FileOperation
      readonly permit: Permit
      readonly answer: Answer
      readonly opens?: { readonly what: Opens; readonly path: AskedPath } | undefined
      /** What it asks about, which is open. */
      readonly handle?: OpenHandle | undefined
      /** What has another size by then, if that is done. */
      readonly resized?: OpenHandle | undefined
    }
  | { readonly is: 'limits' }
  /** We asked. */
  | { readonly is: 'own'; readonly answered: (response: Response) => void }

export type PathQuestion = typeof type.realpath | typeof type.readlink

/** What both directions know: what is open, and what is owed. */
export class Ledger {
  readonly parts: FileParts
  /** `greeting`: INIT was passed on. `asking-home`: the target was asked where relative paths begin. */
  phase: 'new' | 'greeting' | 'asking-home' | 'open' = 'new'
  /** Where relative paths begin, as the target said. */
  home: Buffer | undefined
  /** The target has the arguments of SYMLINK in OpenSSH's order: what the link holds first. */
  isOpenSsh = false
  readonly owed = new Map<number, Owed>()
  readonly handles = new Map<string, OpenHandle>()
  /** Closed by the client, and not yet by the target. */
  readonly closing = new Set<OpenHandle>()
  /** OPEN and OPENDIR that are not yet answered. */
  opening = 0

  constructor(parts: FileParts) {
    this.parts = parts
  }

  /** A question of our own, with an id that the client does not use. */
  ask(kind: PathQuestion, path: Buffer, answered: (response: Response) => void): Buffer {
    let id = 0xffff_ffff
    while (this.owed.has(id)) id--
    this.owed.set(id, { is: 'own', answered })
    return encodePathRequest(kind, id, path)
  }

  /** Notes what passed where the handle is over. */
  settleHandle(handle: OpenHandle): void {
    if (handle.settle(this.parts)) this.closing.delete(handle)
  }

  finish(permit: Permit, code: number | undefined, sizeBytes = 0): void {
    const outcome =
      code === undefined
        ? fileOutcome('done', { sizeBytes })
        : fileOutcome('failed', { errorCode: statusName(code) })
    this.parts.finish(permit, outcome)
  }

  /** The channel is over: what was under way is lost. */
  end(): void {
    for (const handle of [...this.handles.values(), ...this.closing]) handle.lost(this.parts)
    for (const owed of this.owed.values()) {
      if (owed.is === 'operation') this.parts.finish(owed.permit, fileOutcome('lost'))
    }
    this.handles.clear()
    this.closing.clear()
    this.owed.clear()
  }
}
