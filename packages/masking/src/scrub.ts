import type { Redactor } from '@sallyport/core'
import type { Detector, Span } from './detector.ts'
import { redact } from './redactor.ts'

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

/** hot path: whether any of them could find anything, before a byte is decoded. */
export function mayFind(scrubbers: readonly Scrubber[], bytes: Uint8Array): boolean {
  for (const { detector } of scrubbers) if (detector.mayOccur(bytes)) return true
  return false
}

/** @returns undefined where nothing was found. Where finds overlap, the earlier scrubber's wins. */
export function scrub(scrubbers: readonly Scrubber[], text: string, key: Uint8Array): Scrubbed | undefined {
  const finds: { readonly span: Span; readonly redactor: Redactor }[] = []
  for (const { detector, redactor } of scrubbers) {
    for (const span of detector.find(text)) {
      if (!finds.some(({ span: other }) => span.from < other.to && other.from < span.to))
        finds.push({ span, redactor })
    }
  }
  if (finds.length === 0) return undefined
  finds.sort((a, b) => a.span.from - b.span.from)
  let scrubbed = ''
  let at = 0
  for (const { span, redactor } of finds) {
    scrubbed += text.slice(at, span.from) + (redact(redactor, text.slice(span.from, span.to), key) ?? '')
    at = span.to
  }
  return { text: scrubbed + text.slice(at), found: finds.length }
}
