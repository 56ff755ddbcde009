import type { Random } from './random.ts'

/** Something that reads what others wrote, and what must hold of it for every input. */
export interface Target {
  readonly name: string
  /** What must hold: one line, for people. */
  readonly promise: string
  /** What its figures count: messages, statements, inputs. */
  readonly unit: string
  /** Units of the long form, and of the short one in `npm test`. */
  readonly units: { readonly long: number; readonly short: number }
  /** Files whose coverage guides the search. */
  readonly guide: RegExp
  /** Inputs are no longer than this. */
  readonly maxBytes: number
  /** Processor time that one input may take. */
  readonly slowMs: number
  /** Where nothing can be tried without real servers: its short form has them too. */
  readonly needsServers?: true
  open(options: OpenOptions): Promise<Subject>
}

export interface OpenOptions {
  /** Whether real servers and clients may be started, for their traffic or to compare with. */
  readonly servers: boolean
}

/** A target, ready to be run. An input is bytes, so that it can be kept in a file and run again. */
export interface Subject extends AsyncDisposable {
  readonly seeds: readonly Buffer[]
  /** Pieces that inputs are made of. */
  readonly words: readonly Buffer[]
  /** A fresh input. */
  readonly invent?: (random: Random) => Buffer
  /** A change that knows the input's form. */
  readonly change?: (input: Buffer, other: Buffer, random: Random) => Buffer
  /**
   * Runs one input.
   * @returns how many units it was
   * @throws whatever does not hold
   */
  run(input: Buffer): number | Promise<number>
}

/** A promise that did not hold. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

export function must(holds: boolean, what: () => string): asserts holds {
  if (!holds) throw new Broken(what())
}
