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
  /** Whether finds may be told by this byte. Each find has an anchor at which {@link mayBeAt} says yes. */
  isAnchor(byte: number): boolean
  /** Whether the place in front of a text is an anchor as well. */
  readonly isAnchoredInFront: boolean
  /**
   * hot path: a cheap test whether a find may be around the anchor at `at`, in the text `bytes[from, to)`. Looks at no more than a
   * bounded number of bytes, and at none outside of the text.
   */
  mayBeAt(bytes: Uint8Array, at: number, from: number, to: number): boolean
  /** Finds, in order, not overlapping. Linear in the text's length. */
  find(text: string): readonly Span[]
  /**
   * hot path, for text that comes in pieces: where in `bytes[from, to)` a find may begin that what follows could complete, make longer
   * or undo; `to` where none may. Looks at no more than a bounded number of bytes, and rather says too much than too little. A private
   * key that has begun is not said: it is found as it stands.
   */
  openFrom(bytes: Uint8Array, from: number, to: number): number
}

/**
 * Where the bytes begin that end at `to` and are all in `set`, at most `most` of them, at the first of them that may begin a find.
 * hot path.
 */
export function runFrom(
  bytes: Uint8Array,
  from: number,
  to: number,
  { set, begins, most }: { readonly set: ByteSet; readonly begins: ByteSet; readonly most: number },
): number {
  const least = Math.max(from, to - most)
  let at = to
  while (at > least && set[bytes[at - 1]!] === 1) at--
  while (at < to && begins[bytes[at]!] === 0) at++
  return at
}

/** By byte: 1 where it is in the set. */
export type ByteSet = Uint8Array

/** @param pattern of one character */
export function bytesLike(pattern: RegExp): ByteSet {
  return Uint8Array.from({ length: 256 }, (_, byte) => Number(pattern.test(String.fromCharCode(byte))))
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

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

/** Whether `count` ASCII digits begin at `at`, all of them in `bytes[from, to)`. hot path. */
export function areDigits(bytes: Uint8Array, at: number, count: number, from: number, to: number): boolean {
  if (at < from || at + count > to) return false
  for (let i = at; i < at + count; i++) if (!isDigit(bytes[i])) return false
  return true
}
