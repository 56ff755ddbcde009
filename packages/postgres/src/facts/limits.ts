import {
  commentEnd,
  dollarEnd,
  doubleQuote,
  escapeStringEnd,
  isWordStart,
  lineEnd,
  quote,
  skipPast,
  startsComment,
  wordEnd,
} from './lexical.ts'

export interface ParserLimits {
  /** Longer texts are refused, in UTF-8 bytes. */
  readonly maxBytes: number
  /** Parentheses and brackets inside each other. */
  readonly maxDepth: number
  /** Operators, and words that nest as operators do, that hang on each other in one expression. */
  readonly maxOperators: number
  /** Texts up to this are parsed at once, longer ones in a worker. */
  readonly maxInlineBytes: number
  /** A worker that takes longer is ended. */
  readonly maxParseMs: number
  /** Texts that may wait for the worker. */
  readonly maxWaiting: number
  readonly maxCacheEntries: number
  /** Of texts and trees together, as UTF-16 units of their JSON. */
  readonly maxCacheSize: number
}

export const parserLimits: ParserLimits = {
  maxBytes: 1024 * 1024,
  maxDepth: 500,
  maxOperators: 4000,
  maxInlineBytes: 16 * 1024,
  maxParseMs: 5000,
  maxWaiting: 64,
  maxCacheEntries: 2000,
  maxCacheSize: 16 * 1024 * 1024,
}

/**
 * Why a text is not given to the parser, whose recursion would not end well; `undefined` where it may be. Reads strings,
 * quoted names and comments as the server does with standard_conforming_strings on, so that what they hold does not count.
 * @see https://www.postgresql.org/docs/18/sql-syntax-lexical.html
 */
export function tooComplex(text: string, limits: ParserLimits): string | undefined {
  if (text.length > limits.maxBytes || Buffer.byteLength(text) > limits.maxBytes)
    return `the text is longer than ${limits.maxBytes} bytes`
  if (text.includes('\0')) return 'the text holds a zero byte'
  const counts: number[] = [0] // operators since the last comma, by depth
  let nested = 0
  for (let at = 0; at < text.length;) {
    const unit = text.charCodeAt(at)
    if (isWordStart(unit)) {
      const end = wordEnd(text, at)
      const next = text.charCodeAt(end)
      if (next === quote && end - at === 1 && (unit | 0x20) === 0x65) at = escapeStringEnd(text, end)
      else {
        const word = end - at <= 9 ? text.slice(at, end).toLowerCase() : ''
        if (nesting.has(word)) {
          counts[counts.length - 1] = (counts.at(-1) ?? 0) + 1
          nested++
        } else if (word === 'and' || word === 'or') nested -= reset(counts)
        at = end
      }
    } else if (unit === quote || unit === doubleQuote) at = skipPast(text, text[at] ?? '', at + 1)
    else if (unit === 0x24) at = dollarEnd(text, at)
    else if (unit === 0x2d && text.charCodeAt(at + 1) === 0x2d) at = lineEnd(text, at)
    else if (unit === 0x2f && text.charCodeAt(at + 1) === 0x2a) at = commentEnd(text, at)
    else if (unit === 0x28 || unit === 0x5b) {
      counts.push(0)
      at++
    } else if (unit === 0x29 || unit === 0x5d) {
      if (counts.length > 1) nested -= counts.pop() ?? 0
      at++
    } else if (unit === 0x2c || unit === 0x3b) {
      nested -= reset(counts)
      at++
    } else if (operatorUnits.includes(text[at] ?? '')) {
      counts[counts.length - 1] = (counts.at(-1) ?? 0) + 1
      nested++
      at++
      while (at < text.length && operatorUnits.includes(text[at] ?? '') && !startsComment(text, at)) at++
    } else at++
    if (counts.length > limits.maxDepth + 1) return `parentheses are nested deeper than ${limits.maxDepth}`
    if (nested > limits.maxOperators) return `an expression has more than ${limits.maxOperators} operators`
  }
  return undefined
}

function reset(counts: number[]): number {
  const count = counts.at(-1) ?? 0
  counts[counts.length - 1] = 0
  return count
}

const operatorUnits = '+-*/<>=~!@#%^&|`?:'
const nesting = new Set(
  'not case union intersect except join is isnull notnull collate at in like ilike similar between with'.split(
    ' ',
  ),
)
