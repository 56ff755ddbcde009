/**
 * What must be found of a write in the end. `certain`: its commit was acknowledged. `possible`: its commit was asked for, and
 * the answer never came. `impossible`: it was refused or rolled back, or its commit was never asked for.
 */
export type Fate = 'certain' | 'possible' | 'impossible'

interface Write {
  /** How many rows carry its name: all of them or none. */
  readonly rows: number
  fate: Fate
}

/** A session that ended before its client wanted it to. */
export interface Loss {
  /** The SQLSTATE of its last words; undefined where it ended without any. */
  readonly code: string | undefined
  readonly words: string
  /** It ended in the middle of a message, where the protocol has no place for words. */
  readonly isMidMessage: boolean
}

/** All that the clients of one load did and were told. */
export class Ledger {
  readonly writes = new Map<string, Write>()
  /** Operations that policy forbids: none of them may reach the target. */
  readonly forbidden = new Set<string>()
  /** Operations whose answer came, whole and right. */
  readonly answered = new Set<string>()
  /** Answers that were wrong. Must stay empty. */
  readonly wrong: string[] = []
  readonly losses: Loss[] = []
  /** Why sessions were not let in. */
  readonly refusals: Loss[] = []
  sessions = 0

  write(op: string, rows: number, fate: Fate): void {
    this.writes.set(op, { rows, fate })
  }

  settle(fate: Fate, ...ops: readonly string[]): void {
    for (const op of ops) this.writes.get(op)!.fate = fate
  }
}

let ops = 0

/** A name that no other operation of this process has, and that can be found in texts, parameters, rows and logs. */
export function nextOp(): string {
  return `op:${++ops}.`
}

/** All names of operations in a text. */
export function opsIn(text: string): string[] {
  return text.match(/op:\d+\./g) ?? []
}
