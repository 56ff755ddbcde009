import { refusal, type Facts, type Operation, type Refusal } from '@sallyport/core'
import { factsOfFile, type AskedPath, type FileContext, type FileRequest } from '../facts/files.ts'
import { shownPath } from './path.ts'

/** One request of a file transfer, to be authorized. */
export class FileOperation implements Operation {
  readonly requests: readonly FileRequest[]
  readonly context: FileContext
  readonly text: string
  readonly parameters: readonly [] = []
  readonly #paths: readonly AskedPath[]
  #facts: readonly Facts[] | undefined

  /** @param requests all that it does @param paths all that it names @param words the same for people, with every argument that matters */
  constructor(
    requests: readonly FileRequest[],
    context: FileContext,
    paths: readonly AskedPath[],
    words: string,
  ) {
    this.requests = requests
    this.context = context
    this.#paths = paths
    this.text = words
  }

  get facts(): readonly Facts[] {
    return (this.#facts ??= this.requests.map((request) => factsOfFile(request, this.context)))
  }

  /** An approval is for the file that was there: a symbolic link that leads elsewhere by now voids it. */
  binding(): readonly string[] {
    return [this.context.transfer, ...this.#paths.map(({ bytes, real }) => shownPath(real ?? bytes))]
  }
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
