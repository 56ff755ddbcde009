import { refusal, type Facts, type Operation, type Refusal } from '@sallyport/core'
import { quoted, type FilePath } from './path.ts'

/** The vocabulary's words for what is done to files, by whichever protocol. */
export type FileAction =
  | 'download'
  | 'upload'
  | 'list'
  | 'remove'
  | 'rename'
  | 'make-directory'
  | 'link'
  | 'set-attributes'

/** One path that a request touches, and all that is done to it there. */
export interface FileUse {
  readonly path: FilePath
  readonly actions: readonly FileAction[]
}

/** One request of a file transfer, as facts are made of it. */
export interface FileRequest {
  readonly by: 'sftp' | 'scp'
  /** What it does, all told. */
  readonly actions: readonly FileAction[]
  /** Empty where it names no file. */
  readonly uses: readonly FileUse[]
}

/** One request of a file transfer, to be authorized. */
export class FileOperation implements Operation {
  readonly request: FileRequest
  readonly text: string
  readonly parameters: readonly [] = []
  /** Set by whoever judges it, before authorization; what it is held against while it goes on. */
  facts: readonly Facts[] | undefined

  /** @param words what it does, in words, with every argument that matters */
  constructor(request: FileRequest, words: string) {
    this.request = request
    this.text = words
  }

  /** An approval is for the file that was there: a symbolic link that leads elsewhere by now voids it. */
  binding(): readonly string[] {
    return [this.request.by, ...this.request.uses.map(({ path }) => path.resolved ?? path.absolute)]
  }
}

/** How a path stands in an operation's words. */
export function wordPath({ asked, absolute, resolved }: FilePath): string {
  const leadsTo = resolved === undefined || resolved === absolute ? '' : `, which is ${quoted(resolved)},`
  return `${quoted(asked)}${leadsTo}`
}

/** A refusal as one line, for protocols that have no room for more. */
export function wordRefusal({ reason, next }: Refusal): string {
  return `sallyport: ${reason}${next === undefined ? '' : `. ${next}`}`
}

/** It was permitted when it began, and would not be any more. */
export const noLongerPermitted: Refusal = refusal(
  'denied',
  'policy no longer permits this file',
  'Open it again.',
)
