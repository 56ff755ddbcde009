import type { Readable, Writable } from 'node:stream'

/** Everything that a command touches outside of itself: passed in, so that tests can stand in for the terminal. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly input: Readable & { readonly isTTY?: boolean }
  readonly output: Writable & { readonly isTTY?: boolean }
  readonly errors: Writable & { readonly isTTY?: boolean }
  /** Where signals come from: the process. */
  readonly signals: Pick<NodeJS.EventEmitter, 'on' | 'removeListener'>
  readonly now: () => number
}
