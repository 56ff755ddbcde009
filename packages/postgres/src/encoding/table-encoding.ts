import type { Encoding } from './encoding.ts'

/**
 * Characters of an encoding beside ASCII, each of one UTF-16 unit: by the one byte, or by the two that follow the lead; 0 where there
 * is none. All these bytes are 0x80 and above.
 */
export interface Table {
  readonly one: Uint16Array
  /** Pairs of bytes from {@link firstOfPair} on. */
  readonly two?: Uint16Array | undefined
  /** Such pairs behind {@link single}, where the encoding has that lead. */
  readonly three?: Uint16Array | undefined
}

/** EUC: the bytes of a pair begin here, and there are 94 of each. */
export const firstOfPair = 0xa1
export const pairs = 94
/** EUC-JP: the lead of a single byte, and that of a pair of the supplementary set. */
export const single = 0x8e
export const supplementary = 0x8f

export class TableEncoding implements Encoding {
  readonly name: string
  readonly #table: Table
  #bytesOf: ReadonlyMap<number, number> | undefined

  constructor(name: string, table: Table) {
    this.name = name
    this.#table = table
  }

  decode(bytes: Buffer): string | undefined {
    const text = this.#read(bytes)
    return text.includes(unreadable) ? undefined : text
  }

  show(bytes: Buffer): string {
    return this.#read(bytes)
  }

  encode(text: string): Buffer {
    this.#bytesOf ??= inverse(this.#table)
    const out: number[] = []
    for (const symbol of text) {
      const code = symbol.codePointAt(0)!
      const bytes = code < 0x80 ? code : (this.#bytesOf.get(code) ?? 0x3f)
      if (bytes > 0xffff) out.push(bytes >> 16)
      if (bytes > 0xff) out.push((bytes >> 8) & 0xff)
      out.push(bytes & 0xff)
    }
    return Buffer.from(out)
  }

  #read(bytes: Buffer): string {
    const units = new Uint16Array(bytes.length)
    let count = 0
    for (let at = 0; at < bytes.length;) {
      const byte = bytes[at]!
      if (byte < 0x80) {
        units[count++] = byte
        at++
        continue
      }
      const length = this.#table.two === undefined ? 1 : byte === supplementary ? 3 : 2
      units[count++] = at + length > bytes.length ? unreadableUnit : this.#unit(bytes, at, length)
      at += length
    }
    return Buffer.from(units.buffer, 0, count * 2).toString('utf16le')
  }

  #unit(bytes: Buffer, at: number, length: number): number {
    const { one, two, three } = this.#table
    const first = bytes[at]!
    const second = bytes[at + 1] ?? 0
    let unit: number | undefined
    if (length === 1) unit = one[first]
    else if (length === 3) unit = three?.[pairAt(second, bytes[at + 2]!)]
    else if (first === single) unit = second < 0x80 ? 0 : one[second]
    else unit = two?.[pairAt(first, second)]
    return unit === undefined || unit === 0 ? unreadableUnit : unit
  }
}

const unreadableUnit = 0xfffd
const unreadable = '\ufffd'

/** -1 where it is no pair. */
export function pairAt(first: number, second: number): number {
  const row = first - firstOfPair
  const cell = second - firstOfPair
  return row < 0 || cell < 0 || row >= pairs || cell >= pairs ? -1 : row * pairs + cell
}

/** Where a character has two forms, the shorter and first one. */
function inverse({ one, two, three }: Table): ReadonlyMap<number, number> {
  const bytesOf = new Map<number, number>()
  const note = (unit: number, bytes: number): void => {
    if (unit !== 0 && !bytesOf.has(unit)) bytesOf.set(unit, bytes)
  }
  const lead = two === undefined ? 0 : single << 8
  one.forEach((unit, byte) => note(unit, lead | byte))
  const notePairs = (units: Uint16Array, before: number): void =>
    units.forEach((unit, at) => {
      const first = firstOfPair + Math.floor(at / pairs)
      note(unit, before | (first << 8) | (firstOfPair + (at % pairs)))
    })
  if (two !== undefined) notePairs(two, 0)
  if (three !== undefined) notePairs(three, supplementary << 16)
  return bytesOf
}
