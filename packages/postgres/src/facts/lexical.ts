/**
 * Where PostgreSQL's tokens end, with standard_conforming_strings on. Offsets are in UTF-16 units.
 * @see https://www.postgresql.org/docs/18/sql-syntax-lexical.html
 */

export const quote = 0x27
export const doubleQuote = 0x22

export function isWordStart(unit: number): boolean {
  return (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a) || unit === 0x5f || unit >= 0x80
}

export function wordEnd(text: string, from: number): number {
  let at = from + 1
  for (; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (!isWordStart(unit) && !(unit >= 0x30 && unit <= 0x39) && unit !== 0x24) break
  }
  return at
}

/** Doubled quotes read as two strings without anything between: the same end. */
export function skipPast(text: string, mark: string, from: number): number {
  const end = text.indexOf(mark, from)
  return end === -1 ? text.length : end + mark.length
}

export function escapeStringEnd(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === 0x5c) at++
    else if (unit === quote) return at + 1
  }
  return text.length
}

export function dollarEnd(text: string, from: number): number {
  const tag = /^\$(?:[A-Za-z_\x80-\uffff][A-Za-z0-9_\x80-\uffff]*)?\$/.exec(text.slice(from, from + 200))?.[0]
  return tag === undefined ? from + 1 : skipPast(text, tag, from + tag.length)
}

export function lineEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++)
    if (text.charCodeAt(at) === 0x0a || text.charCodeAt(at) === 0x0d) return at
  return text.length
}

/** Comments nest. */
export function commentEnd(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const pair = text.slice(at, at + 2)
    if (pair === '/*') {
      depth++
      at++
    } else if (pair === '*/') {
      at++
      if (--depth === 0) return at + 1
    }
  }
  return text.length
}

export function startsComment(text: string, at: number): boolean {
  const pair = text.slice(at, at + 2)
  return pair === '--' || pair === '/*'
}
