/** A part of a text, in UTF-16 units. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Finds values of one kind in free text. */
export interface Detector {
  readonly name: string
  /** What its finds are tagged as. */
  readonly tag: string
  /** hot path: a cheap test that no text with a find fails; most values end here. */
  mayOccur(bytes: Uint8Array): boolean
  /** Finds, in order, not overlapping. Linear in the text's length. */
  find(text: string): readonly Span[]
}

/**
 * All matches that the check confirms. Behind a match that it does not, the search goes on one character further, since
 * a find may begin inside. Patterns match a bounded length, so that this stays linear.
 * @param pattern global; used by nobody else meanwhile
 */
export function spansOf(pattern: RegExp, text: string, isOne: (match: string) => boolean): Span[] {
  const spans: Span[] = []
  pattern.lastIndex = 0
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const to = match.index + match[0].length
    if (isOne(match[0])) spans.push({ from: match.index, to })
    else pattern.lastIndex = match.index + 1
  }
  return spans
}

/** One more find; where it begins in the last one, the last one goes on to its end. */
export function add(spans: Span[], { from, to }: Span): void {
  const last = spans.at(-1)
  if (last === undefined || last.to <= from) spans.push({ from, to })
  else if (last.to < to) spans[spans.length - 1] = { from: last.from, to }
}

/** Whether at least `count` ASCII digits occur. hot path. */
export function hasDigits(bytes: Uint8Array, count: number): boolean {
  let found = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (byte >= 0x30 && byte <= 0x39 && ++found >= count) return true
  }
  return false
}
