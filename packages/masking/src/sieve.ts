import type { Detector } from './detector.ts'

/**
 * Tells by its bytes which detectors could find anything in a text, before any of it is decoded. Most values end here.
 * hot path: one pass for all detectors, which looks closer only at bytes that somebody's finds must have.
 */
export class Sieve {
  /** What {@link mayHold} says where it cannot tell. */
  static readonly all = -1

  readonly #detectors: readonly Detector[]
  /** By byte: whose anchor it is, one bit each in the order of the detectors. */
  readonly #anchorOf = new Int32Array(256)
  /** Those for whom the place in front of a text is an anchor as well. */
  readonly #inFront: number = 0
  readonly #everybody: number

  constructor(detectors: readonly Detector[]) {
    this.#detectors = detectors
    this.#everybody = 2 ** detectors.length - 1
    for (const [i, detector] of detectors.entries()) {
      for (let byte = 0; byte < 256; byte++) if (detector.isAnchor(byte)) this.#anchorOf[byte]! |= 1 << i
      if (detector.isAnchoredInFront) this.#inFront |= 1 << i
    }
  }

  /** Looks at `bytes[from, to)`, UTF-8. @returns by detector, one bit each in their order, whether it could find anything */
  mayHold(bytes: Uint8Array, from: number, to: number): number {
    const anchorOf = this.#anchorOf
    let may = this.#inFront === 0 ? 0 : this.#look(this.#inFront, bytes, from - 1, from, to)
    for (let at = from; at < to; at++) {
      const here = anchorOf[bytes[at]!]! & ~may
      if (here === 0) continue
      may |= this.#look(here, bytes, at, from, to)
      if (may === this.#everybody) return may
    }
    return may
  }

  #look(whose: number, bytes: Uint8Array, at: number, from: number, to: number): number {
    let may = 0
    for (let i = 0, left = whose; left !== 0; i++, left >>>= 1)
      if ((left & 1) === 1 && this.#detectors[i]!.mayBeAt(bytes, at, from, to)) may |= 1 << i
    return may
  }
}
