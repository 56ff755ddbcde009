import type { Redactor } from '@sallyport/core'
import type { Detector, Span } from './detector.ts'
import { redact } from './redactor.ts'
import { Sieve } from './sieve.ts'

/** A detector with what becomes of its finds. */
export interface Scrubber {
  readonly detector: Detector
  readonly redactor: Redactor
}

/** A text with every find replaced. */
export interface Scrubbed {
  readonly text: string
  readonly found: number
}

/**
 * Where finds overlap, the earlier scrubber's wins, and the rest of the other goes by its own.
 * @param may which of them could find anything, as a {@link Sieve} says
 * @returns undefined where nothing was found
 */
export function scrub(
  scrubbers: readonly Scrubber[],
  text: string,
  key: Uint8Array,
  may = Sieve.all,
): Scrubbed | undefined {
  const finds = findsIn(scrubbers, text, may)
  if (finds.length === 0) return undefined
  let scrubbed = ''
  let at = 0
  for (const { span, redactor } of finds) {
    scrubbed += text.slice(at, span.from) + (redact(redactor, text.slice(span.from, span.to), key) ?? '')
    at = span.to
  }
  return { text: scrubbed + text.slice(at), found: finds.length }
}

/** What is found, and what becomes of it. */
export interface Find {
  readonly span: Span
  readonly redactor: Redactor
}

/** What {@link scrub} replaces, in order, not overlapping. */
export function findsIn(scrubbers: readonly Scrubber[], text: string, may = Sieve.all): readonly Find[] {
  let finds: readonly Find[] = []
  for (const [i, { detector, redactor }] of scrubbers.entries()) {
    if (((may >>> i) & 1) === 0) continue
    finds = merged(
      finds,
      detector.find(text).map((span) => ({ span, redactor })),
    )
  }
  return finds
}

/**
 * Both are in order, and so is what comes of them. Of `more`, what `kept` does not cover: a find is never shown because another
 * reaches into it. In time by their number: a text may hold many.
 */
function merged(kept: readonly Find[], more: readonly Find[]): readonly Find[] {
  const pieces: Find[] = []
  let next = 0
  for (const { span, redactor } of more) {
    while (next < kept.length && kept[next]!.span.to <= span.from) next++
    let { from } = span
    for (let i = next; from < span.to; i++) {
      const rival = kept[i]?.span ?? { from: span.to, to: span.to }
      const to = Math.min(span.to, rival.from)
      if (from < to) pieces.push({ span: { from, to }, redactor })
      from = Math.max(from, rival.to)
    }
  }
  return [...kept, ...pieces].sort((a, b) => a.span.from - b.span.from)
}
