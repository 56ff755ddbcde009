import { Fault, type FaultCode } from '@sallyport/core'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bounds-checked reading of one message. Every reader ends with {@link end}, which refuses leftovers. */
export class Cursor {
  readonly bytes: Buffer
  #at: number
  readonly #to: number
  readonly #blame: FaultCode

  /** @param blame the fault that a reading past the end is: `client/malformed` or `target/malformed` */
  constructor(bytes: Buffer, from: number, to: number, blame: FaultCode) {
    this.bytes = bytes
    this.#at = from
    this.#to = to
    this.#blame = blame
  }

  get at(): number {
    return this.#at
  }

  get left(): number {
    return this.#to - this.#at
  }

  uint8(): number {
    return this.bytes.readUInt8(this.#advance(1))
  }

  int16(): number {
    return this.bytes.readInt16BE(this.#advance(2))
  }

  uint16(): number {
    return this.bytes.readUInt16BE(this.#advance(2))
  }

  int32(): number {
    return this.bytes.readInt32BE(this.#advance(4))
  }

  uint32(): number {
    return this.bytes.readUInt32BE(this.#advance(4))
  }

  /** A view, not a copy. */
  take(length: number): Buffer {
    if (length < 0) throw this.#fault('negative length')
    const from = this.#advance(length)
    return this.bytes.subarray(from, from + length)
  }

  /** UTF-8 text up to a NUL, which is consumed. */
  cstring(): string {
    return this.#decode(this.cstringBytes())
  }

  /** The bytes of a NUL-terminated string, without the NUL. A view. */
  cstringBytes(): Buffer {
    const nul = this.bytes.indexOf(0, this.#at)
    if (nul === -1 || nul >= this.#to) throw this.#fault('unterminated string')
    const text = this.bytes.subarray(this.#at, nul)
    this.#at = nul + 1
    return text
  }

  /** @throws Fault where anything is left. */
  end(): void {
    if (this.#at !== this.#to) throw this.#fault('bytes after the last field')
  }

  #decode(bytes: Buffer): string {
    try {
      return utf8.decode(bytes)
    } catch {
      throw this.#fault('invalid UTF-8')
    }
  }

  #advance(by: number): number {
    const at = this.#at
    if (by > this.#to - at) throw this.#fault('message ends too early')
    this.#at = at + by
    return at
  }

  #fault(what: string): Fault {
    return new Fault(this.#blame, `malformed protocol message: ${what}`)
  }
}
