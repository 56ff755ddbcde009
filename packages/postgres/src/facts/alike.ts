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

/** The server cuts names behind so many bytes of its own encoding. @see PostgreSQL source, NAMEDATALEN */
const nameBytes = 63

// oxlint-disable-next-line no-control-regex -- ASCII is what is meant
const notAscii = /[^\x00-\x7f]/

/**
 * Whether every name in a text is the same in whatever encoding the server parses it. Where a letter has another number of bytes, a
 * long name is cut elsewhere; and where each has one, the server folds more than ASCII to lower case.
 */
export function isAlikeEverywhere(text: string): boolean {
  if (!notAscii.test(text) && !/u&/i.test(text)) return true
  for (let at = 0; at < text.length;) {
    const end = tokenEnd(text, at)
    if (!isTokenAlike(text.slice(at, end))) return false
    at = end
  }
  return true
}

function isTokenAlike(token: string): boolean {
  const first = token.charCodeAt(0)
  if (/^u&"/i.test(token)) return false
  if (first === doubleQuote) return !notAscii.test(token) || Buffer.byteLength(token) - 2 <= nameBytes
  // An escape string begins with a letter too.
  if (!isWordStart(first) || token.charCodeAt(1) === quote || !notAscii.test(token)) return true
  return !hasUpperCaseBesideAscii(token) && Buffer.byteLength(token) <= nameBytes
}

function hasUpperCaseBesideAscii(word: string): boolean {
  for (const letter of word)
    if (letter.codePointAt(0)! >= 0x80 && letter.toLowerCase() !== letter) return true
  return false
}

function tokenEnd(text: string, at: number): number {
  const unit = text.charCodeAt(at)
  if (unit === quote) return skipPast(text, "'", at + 1)
  if (unit === doubleQuote) return quotedNameEnd(text, at)
  if (unit === 0x24) return dollarEnd(text, at)
  if (startsComment(text, at)) return text[at] === '-' ? lineEnd(text, at) : commentEnd(text, at)
  if ((unit === 0x65 || unit === 0x45) && text.charCodeAt(at + 1) === quote)
    return escapeStringEnd(text, at + 1)
  if (/^u&"/i.test(text.slice(at, at + 3))) return quotedNameEnd(text, at + 2)
  return isWordStart(unit) ? wordEnd(text, at) : at + 1
}

/** A doubled quote is a quote of the name. */
function quotedNameEnd(text: string, open: number): number {
  let end = skipPast(text, '"', open + 1)
  while (text.charCodeAt(end) === doubleQuote) end = skipPast(text, '"', end + 1)
  return end
}
