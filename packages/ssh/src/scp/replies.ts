import { Fault, type FaultCode } from '@sallyport/core'
import { longestLineBytes } from './lines.ts'

/** What the side that takes files says to a line, and to a file: 0; or 1, or 2 where it goes away, with a line of text. */
export type Reply = 'ok' | 'failed'

/** Cuts the bytes of that side into replies. */
export class Replies {
  readonly #malformed: FaultCode
  #textBytes = 0
  #isInText = false

  constructor(malformed: FaultCode) {
    this.#malformed = malformed
  }

  /**
   * Reads on.
   * @returns where the first reply of these bytes ends, and what it was; or nothing where there is none that ends
   */
  next(chunk: Buffer, from: number): { readonly end: number; readonly reply: Reply } | undefined {
    let at = from
    if (!this.#isInText) {
      const code = chunk[at++]
      if (code === undefined) return undefined
      if (code > 2) throw new Fault(this.#malformed, 'a reply that the scp protocol does not have')
      if (code === 0) return { end: at, reply: 'ok' }
      this.#isInText = true
      this.#textBytes = 0
    }
    const newline = chunk.indexOf(0x0a, at)
    const end = newline === -1 ? chunk.length : newline + 1
    this.#textBytes += end - at
    if (this.#textBytes > longestLineBytes) {
      throw new Fault(this.#malformed, `a text of scp beyond ${longestLineBytes} bytes`)
    }
    if (newline === -1) return undefined
    this.#isInText = false
    return { end, reply: 'failed' }
  }
}
