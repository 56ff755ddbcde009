import type { Redactor } from '@sallyport/core'
import { findsIn, redact, type Scrubber } from '@sallyport/masking'
import { isKeyBlock, keyBlockAt, maxKeyLength } from './key-block.ts'
import { readable } from './readable.ts'

/** A value in visible bytes, and what stands for it. */
export interface Hidden {
  readonly from: number
  readonly to: number
  readonly tag: string
  readonly instead: string
  /** The beginning of a private key whose end has not come. */
  readonly isOpen: boolean
}

/** In order, not overlapping. @param may which scrubbers could find anything, as a `Sieve` says */
export function hiddenIn(
  scrubbers: readonly Scrubber[],
  bytes: Uint8Array,
  may: number,
  key: Uint8Array,
): readonly Hidden[] {
  const tagOf = new Map<Redactor, string>(scrubbers.map(({ detector, redactor }) => [redactor, detector.tag]))
  const hidden: Hidden[] = []
  for (let begin = 0; begin < bytes.length;) {
    const { text, byteAt } = readable(bytes, begin, bytes.length)
    const finds = findsIn(scrubbers, text, may)
    begin = bytes.length
    for (const { span, redactor } of finds) {
      const found = text.slice(span.from, span.to)
      const block = isKeyBlock(found) ? keyBlockAt(text, span.from, maxKeyLength) : undefined
      const to = block === undefined ? span.to : (block.unsureFrom ?? block.to)
      hidden.push({
        from: byteAt(span.from),
        to: byteAt(to),
        tag: tagOf.get(redactor) ?? '',
        instead: redact(redactor, text.slice(span.from, to), key) ?? '',
        isOpen: block?.isOpen === true,
      })
      if (block === undefined) continue
      // What is behind it is read anew: the detector takes all that follows for a part of the key.
      begin = byteAt(to)
      break
    }
  }
  return hidden
}
