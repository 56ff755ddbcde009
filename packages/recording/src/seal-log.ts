import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createPublicKey, type KeyObject } from 'node:crypto'
import { hashLine, type ChainState } from './chain.ts'
import type { Disk } from './disk.ts'
import type { Limits } from './limits.ts'
import { keyId, readSeal, sealLines, type SealedLines, type SealState } from './seal.ts'

export interface SealLogParts {
  readonly directory: string
  readonly disk: Disk
  readonly signingKey: KeyObject
  readonly limits: Limits
}

/**
 * Every seal that this gateway ever gave, in files of {@link Limits.sealsPerFile}, each chained to the one before: a
 * recording that was removed, or replaced by an older one, shows. Only its very end can be cut off unnoticed, by who can
 * write to the disk; so its head is worth keeping elsewhere.
 *
 * It is written behind the journal, like the recordings: a seal is {@link give}n, journalled, and {@link write}n here
 * once the journal is durable. What a crash kept from here is {@link replay}ed from there.
 */
export class SealLog {
  readonly #parts: SealLogParts
  /** Of the key that signs: every session is sealed. */
  readonly #key: string
  readonly #unsynced = new Set<string>()
  #head: SealLogHead = { number: 0, hash: '' }
  #written = 0
  #waiting: { readonly number: number; readonly lines: SealedLines }[] = []

  /** Reads the end of the log, and cuts off a last seal that was not written whole. */
  constructor(parts: SealLogParts) {
    this.#parts = parts
    this.#key = keyId(createPublicKey(parts.signingKey))
    for (const name of listSealFiles(parts.directory).slice(-2)) {
      const path = join(parts.directory, name)
      const { last, wholeBytes, sizeBytes } = readSealFile(path)
      if (wholeBytes < sizeBytes) parts.disk.truncate(path, wholeBytes)
      if (last !== undefined) this.#head = last
    }
    this.#written = this.#head.number
  }

  /** What to keep outside: it vouches for all seals before it. */
  get head(): SealLogHead {
    return this.#head
  }

  /** A seal for a finished chain, next in the log. It counts once it is journalled. */
  give(
    chain: ChainState,
    state: SealState,
    at: number,
  ): { readonly number: number; readonly lines: SealedLines } {
    const number = this.#head.number + 1
    const more = { state, at, number, previous: this.#head.hash, key: this.#key }
    const lines = sealLines(chain, more, this.#parts.signingKey)
    return this.#queue(number, lines)
  }

  /** A seal that the journal has: it is taken where this log does not have it yet. In the order of their numbers. */
  replay(number: number, lines: SealedLines): void {
    if (number > this.#head.number) this.#queue(number, lines)
  }

  #queue(number: number, lines: SealedLines): { readonly number: number; readonly lines: SealedLines } {
    const entry = { number, lines }
    this.#head = { number, hash: hashLine(lines.seal) }
    this.#waiting.push(entry)
    return entry
  }

  /** Writes all seals up to this number. Throws what the disk threw. */
  write(upTo: number): void {
    const { directory, disk, limits } = this.#parts
    while (this.#written < upTo) {
      const next = this.#waiting[0]
      if (next === undefined) return
      const path = join(directory, sealFileName(next.number, limits.sealsPerFile))
      const file = disk.append(path)
      try {
        disk.write(file, Buffer.from(`${next.lines.seal}\n${next.lines.signature}\n`))
      } finally {
        disk.close(file)
      }
      this.#unsynced.add(path)
      this.#waiting.shift()
      this.#written = next.number
    }
  }

  /** Makes what was written durable. */
  async sync(): Promise<void> {
    const { directory, disk } = this.#parts
    const paths = [...this.#unsynced]
    this.#unsynced.clear()
    for (const path of paths) {
      const file = disk.append(path)
      try {
        await disk.sync(file)
      } finally {
        disk.close(file)
      }
    }
    if (paths.length > 0) await disk.syncDirectory(directory)
  }
}

export interface SealLogHead {
  /** How many seals there are. */
  readonly number: number
  /** Hash of the last seal's line; empty where there is none. */
  readonly hash: string
}

export function sealFileName(number: number, sealsPerFile: number): string {
  return `${String(Math.floor((number - 1) / sealsPerFile)).padStart(8, '0')}.seals`
}

/** In order. */
export function listSealFiles(directory: string): readonly string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .filter((name) => /^\d{8}\.seals$/.test(name))
    .sort()
}

interface SealFileEnd {
  readonly last: SealLogHead | undefined
  /** How much of the file is whole entries. */
  readonly wholeBytes: number
  readonly sizeBytes: number
}

function readSealFile(path: string): SealFileEnd {
  const bytes = readFileSync(path)
  let last: SealLogHead | undefined
  let at = 0
  for (;;) {
    const sealEnd = bytes.indexOf('\n', at)
    const end = sealEnd < 0 ? -1 : bytes.indexOf('\n', sealEnd + 1)
    if (end < 0) return { last, wholeBytes: at, sizeBytes: bytes.length }
    const line = bytes.toString('utf8', at, sealEnd)
    // What is wrong with an entry that is no seal is for the verification of the log to say.
    const seal = readSeal(line)
    if (seal !== undefined) last = { number: seal.number, hash: hashLine(line) }
    at = end + 1
  }
}
