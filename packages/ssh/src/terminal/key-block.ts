import type { Span } from '@sallyport/masking'

/** A private key in a text that goes on. */
export interface KeyBlock extends Span {
  /** Nothing has ended it. */
  readonly isOpen: boolean
  /** Its last line is not over, and does not look like a part of it: whether it is one, its end will tell. */
  readonly unsureFrom: number | undefined
}

/** What a private key may have behind its first line, at most: as its detector has it. */
export const maxKeyLength = 20_000

/**
 * How far a private key goes: to its last line, to a line that cannot be of a key, such as a prompt behind the beginning of a file, or
 * to {@link maxKeyLength}.
 * @param text may be one, from `from` on
 * @param most how long it may still be
 */
export function keyBlockAt(text: string, from: number, most: number): KeyBlock {
  const end = Math.min(text.length, from + most)
  for (let at = from; at < end;) {
    const feed = text.indexOf('\n', at)
    const isWhole = feed !== -1 && feed < end
    const next = isWhole ? feed + 1 : end
    const line = text.slice(at, next)
    const last = lastLine.exec(line)
    if (last !== null)
      return { from, to: at + last.index + last[0].length, isOpen: false, unsureFrom: undefined }
    if (!ofKey.test(line)) {
      const to = withoutFeed(text, from, at)
      if (isWhole) return { from, to, isOpen: false, unsureFrom: undefined }
      return { from, to, isOpen: end - from < most, unsureFrom: to }
    }
    at = next
  }
  return { from, to: end, isOpen: end - from < most, unsureFrom: undefined }
}

/** Where a text ends that ends in front of a line's beginning. */
function withoutFeed(text: string, from: number, at: number): number {
  if (at === from || text[at - 1] !== '\n') return at
  return text[at - 2] === '\r' && at - 2 >= from ? at - 2 : at - 1
}

export function isKeyBlock(find: string): boolean {
  return firstLine.test(find)
}

const firstLine = /^-----BEGIN (?:[A-Z]+ )?PRIVATE KEY/
const lastLine = /-----END (?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?-----/
/** A first line; Base64, alone or behind a file's name or a line's number; a header (RFC 1421, RFC 4880); nothing. */
const ofKey =
  /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY|[A-Za-z\d+/=]{40}|^\s*[A-Za-z\d+/=-]*\s*$|^-----END[A-Z -]*$|^(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset): /
