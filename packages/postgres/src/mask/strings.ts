import { redact, scrub, Sieve } from '@sallyport/masking'
import { starsAs, type CellMask } from './cell.ts'
import { fitting, roomOf } from './fitting.ts'
import type { PlainColumn } from './plain-column.ts'
import { type as types } from './types.ts'

/** A column of strings, by a redactor that looks at them. What detectors find in it goes first, so that nothing of it is kept. */
export function redactString({ redactor, type, key, scrubbers }: PlainColumn): CellMask {
  const fit = fitting(type)
  const rewrite = (text: string): Buffer => {
    const scrubbed = scrubbers.length === 0 ? undefined : scrub(scrubbers, text, key)
    return Buffer.from(fit(redact(redactor, scrubbed?.text ?? text, key) ?? ''))
  }
  switch (redactor.kind) {
    case 'keep-domain':
      return redactDomain(scrubbers, starsAs(type), roomOf(type), rewrite)
    case 'hash': {
      // The spaces at a char(n)'s end mean nothing: columns of different lengths must fit each other.
      const hash = (text: string) => Buffer.from(fit(redact(redactor, text, key) ?? ''))
      if (type.oid !== types.bpchar) return (bytes, from, to) => hash(bytes.toString('utf8', from, to))
      return (bytes, from, to) => hash(bytes.toString('utf8', from, to).replace(/ +$/, ''))
    }
    default:
      return (bytes, from, to) => rewrite(bytes.toString('utf8', from, to))
  }
}

/**
 * As the redactor `keep-domain`. hot path: of most values the bytes from the `@` on stay where they are, and no string is made.
 * @param room in characters, where there is a bound
 */
function redactDomain(
  scrubbers: PlainColumn['scrubbers'],
  hidden: Buffer | null,
  room: number | undefined,
  rewrite: (text: string) => Buffer,
): CellMask {
  const sieve = new Sieve(scrubbers.map(({ detector }) => detector))
  return (bytes, from, to) => {
    const at = domainIn(bytes, from, to)
    if (at === none) return hidden
    const isKept =
      at !== unclear &&
      (room === undefined || starsLength + to - at <= room) &&
      // Of finds, addresses alone reach over an `@`: one is there where a letter is in front of it.
      sieve.mayHold(bytes, Math.max(from, at - 1), to) === 0
    return isKept ? at : rewrite(bytes.toString('utf8', from, to))
  }
}

const atSign = 0x40
const starsLength = 4
const none = -1
const unclear = -2
const maxDomainLength = 253

/** Where the `@` is in front of a domain of ASCII; `none` where there is no domain, `unclear` where it takes more to tell. */
function domainIn(bytes: Buffer, from: number, to: number): number {
  let last = to - 1
  while (last >= from && bytes[last] === space) last--
  let hasLabels = false
  for (let at = last; at >= from; at--) {
    const kind = kindOf[bytes[at]!]!
    if (kind === letter || kind === digitOrHyphen) continue
    if (kind === atSign) return hasLabels && to - at - 1 <= maxDomainLength ? at : none
    if (kind !== dot) return kind === beyondAscii ? unclear : none
    // The last label begins with a letter.
    if (!hasLabels && (at === last || kindOf[bytes[at + 1]!] !== letter)) return none
    hasLabels = true
  }
  return none
}

const space = 0x20
const dot = 0x2e
const letter = 1
const digitOrHyphen = 2
const beyondAscii = 3

/** What a byte is in a domain. */
const kindOf = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte > 0x7f) return beyondAscii
  if (/[A-Za-z]/.test(String.fromCharCode(byte))) return letter
  if (/[\d-]/.test(String.fromCharCode(byte))) return digitOrHyphen
  return byte === dot || byte === atSign ? byte : 0
})
