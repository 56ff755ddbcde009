import { scrub, Sieve, type Scrubber } from '@sallyport/masking'
import { scrubArray } from './array.ts'
import { holds, ofWhole, type CellMask } from './cell.ts'
import { scrubJson } from './json.ts'
import { familyOf, isStringArray, mayHoldText } from './types.ts'

/** Looks for values of known kinds in a column that is not tagged. Undefined where its type holds no free text. */
export function scrubFound(
  scrubbers: readonly Scrubber[],
  typeOid: number,
  format: number,
  key: Uint8Array,
): CellMask | undefined {
  if (!mayHoldText(typeOid, format)) return undefined
  const family = familyOf(typeOid)
  const sieve = new Sieve(scrubbers.map(({ detector }) => detector))
  const rewriting =
    (may: number) =>
    (text: string): string | undefined =>
      scrub(scrubbers, text, key, may)?.text
  // hot path: most values end at the sieve.
  const sieved =
    (
      canEscape: boolean,
      change: (value: Buffer, rewrite: (text: string) => string | undefined) => Buffer | null | undefined,
    ): CellMask =>
    (bytes, from, to) => {
      // What is escaped reads as other bytes than these.
      const may = canEscape && holds(bytes, from, to, backslash) ? Sieve.all : sieve.mayHold(bytes, from, to)
      return may === 0 ? undefined : change(bytes.subarray(from, to), rewriting(may))
    }
  if (family === 'json' || family === 'jsonb')
    return sieved(true, (value, rewrite) => scrubJson(value, family, format, rewrite))
  if (isStringArray(typeOid)) {
    // What stands between the texts of the binary form may look like a part of them.
    if (format === 1) return ofWhole((value) => scrubArray(value, format, rewriting(Sieve.all)))
    return sieved(true, (value, rewrite) => scrubArray(value, format, rewrite))
  }
  return sieved(false, (value, rewrite) => {
    const text = rewrite(value.toString('utf8'))
    return text === undefined ? undefined : Buffer.from(text)
  })
}

const backslash = 0x5c
