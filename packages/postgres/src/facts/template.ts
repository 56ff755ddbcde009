import {
  commentEnd,
  dollarEnd,
  doubleQuote,
  isWordStart,
  lineEnd,
  quote,
  skipPast,
  startsComment,
  wordEnd,
} from './lexical.ts'

/** A text with its plain literals left out. Texts with the same shape differ in the values of those alone. */
export interface Template {
  readonly shape: string
  /** Where each literal that was left out began. */
  readonly places: readonly number[]
}

/** Beyond this a text is analysed as it stands. */
const maxLength = 16 * 1024
const maxPlaces = 500

/**
 * Leaves out plain strings and whole numbers, but says of a number which type the server gives it. Everything else stays, and what is
 * not certain to be one of these as well: only the parser knows whether what was left out was a literal, and {@link WatchedLiterals}
 * asks it.
 * hot path: one pass, some 5 ns a character.
 * @returns undefined where there is nothing to leave out
 */
export function templateOf(text: string): Template | undefined {
  if (text.length > maxLength) return undefined
  const places: number[] = []
  let shape = ''
  let kept = 0
  for (let at = 0; at < text.length;) {
    const unit = text.charCodeAt(at)
    if (unit === quote) {
      const end = stringEnd(text, at)
      places.push(at)
      shape += `${text.slice(kept, at)}\0s`
      kept = at = end
    } else if (isDigit(unit)) {
      const end = digitsEnd(text, at)
      const type = typeOf(text, at, end)
      if (type !== undefined && isEndOfNumber(text, end)) {
        places.push(at)
        shape += `${text.slice(kept, at)}\0${type}`
        kept = end
      }
      at = numberEnd(text, end)
    } else if (isWordStart(unit)) {
      at = wordEnd(text, at)
      // E'…', B'…', N'…': a string of another kind.
      if (text.charCodeAt(at) === quote) return undefined
    } else if (unit === 0x2e && isDigit(text.charCodeAt(at + 1))) at = numberEnd(text, at + 1)
    else if (unit === doubleQuote) at = skipPast(text, '"', at + 1)
    else if (unit === 0x24)
      at = isDigit(text.charCodeAt(at + 1)) ? digitsEnd(text, at + 1) : dollarEnd(text, at)
    else if (unit === 0x2d && startsComment(text, at)) at = lineEnd(text, at)
    else if (unit === 0x2f && startsComment(text, at)) at = commentEnd(text, at)
    else if (unit === 0) return undefined
    else at++
    if (places.length > maxPlaces) return undefined
  }
  return places.length === 0 ? undefined : { shape: shape + text.slice(kept), places }
}

/** With doubled quotes as part of it. */
function stringEnd(text: string, open: number): number {
  let end = skipPast(text, "'", open + 1)
  while (text.charCodeAt(end) === quote) end = skipPast(text, "'", end + 1)
  return end
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39
}

function digitsEnd(text: string, from: number): number {
  let at = from + 1
  while (isDigit(text.charCodeAt(at))) at++
  return at
}

/**
 * `n` for what is certainly an `integer`, `b` for what is certainly a `bigint`. Near the bounds, and where zeros lead, it is neither.
 * @see https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-CONSTANTS-NUMERIC
 */
function typeOf(text: string, from: number, end: number): 'n' | 'b' | undefined {
  const digits = end - from
  if (digits <= 9) return 'n'
  if (digits === 10 && text.charCodeAt(from) <= 0x31) return 'n'
  if (digits > 18 || text.charCodeAt(from) < (digits === 10 ? 0x33 : 0x31)) return undefined
  return 'b'
}

/** Nothing that would go on with the number, or begin right behind it. */
function isEndOfNumber(text: string, end: number): boolean {
  const next = text.charCodeAt(end)
  return !isWordStart(next) && next !== 0x2e && next !== 0x24 && next !== quote
}

/** Past whatever hangs on digits: a fraction, an exponent, a name. */
function numberEnd(text: string, from: number): number {
  let at = from
  while (at < text.length) {
    const unit = text.charCodeAt(at)
    if (!isDigit(unit) && !isWordStart(unit) && unit !== 0x2e) break
    at++
  }
  return at
}
