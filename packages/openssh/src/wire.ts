/** What was read is not what OpenSSH's formats allow, or not what is supported here. Its message is safe to show and to log. */
export class Malformed extends Error {
  override readonly name = 'Malformed'
}

/** Nothing that is read here is longer: a certificate of the largest RSA key by another such key has 7 KiB. */
export const maxBlobBytes = 32 * 1024

/**
 * Exact, bounds-checked reading. Every reader ends with {@link end}, which refuses leftovers, so that what was read is written the
 * same way again.
 * @see RFC 4251 section 5
 */
export class WireReader {
  readonly #bytes: Buffer
  #at = 0

  /** @throws Malformed where it is longer than {@link maxBlobBytes} */
  constructor(bytes: Uint8Array) {
    if (bytes.byteLength > maxBlobBytes) throw new Malformed(`longer than ${maxBlobBytes} bytes`)
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get at(): number {
    return this.#at
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#advance(1))
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4))
  }

  uint64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#advance(8))
  }

  /** A view, not a copy. */
  take(length: number): Buffer {
    const from = this.#advance(length)
    return this.#bytes.subarray(from, from + length)
  }

  /** Length and bytes. A view. */
  string(): Buffer {
    return this.take(this.uint32())
  }

  /** A string of printable UTF-8, without control characters. */
  text(): string {
    const bytes = this.string()
    let text: string
    try {
      text = utf8.decode(bytes)
    } catch {
      throw new Malformed('text that is not UTF-8')
    }
    if (control.test(text)) throw new Malformed('text with control characters')
    return text
  }

  /** A positive number in the shortest form: its bytes without the sign's zero. A view. */
  mpint(): Buffer {
    const bytes = this.string()
    const [first, second] = bytes
    if (first === undefined) throw new Malformed('a number that is zero')
    if (first >= 0x80) throw new Malformed('a negative number')
    if (first > 0) return bytes
    if (second === undefined || second < 0x80) throw new Malformed('a number with needless zeros')
    return bytes.subarray(1)
  }

  /** @throws Malformed where anything is left. */
  end(): void {
    if (this.left > 0) throw new Malformed('bytes after the last field')
  }

  #advance(by: number): number {
    const at = this.#at
    if (by > this.#bytes.length - at) throw new Malformed('it ends too early')
    this.#at = at + by
    return at
  }
}

/** Builds what {@link WireReader} reads. Chainable; `done()` hands over the bytes. */
export class WireWriter {
  readonly #parts: Uint8Array[] = []

  uint8(value: number): this {
    return this.bytes(Buffer.of(value))
  }

  uint32(value: number): this {
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeUInt32BE(value)
    return this.bytes(bytes)
  }

  uint64(value: bigint): this {
    const bytes = Buffer.allocUnsafe(8)
    bytes.writeBigUInt64BE(value)
    return this.bytes(bytes)
  }

  /** As they are, without a length. */
  bytes(value: Uint8Array): this {
    this.#parts.push(value)
    return this
  }

  string(value: Uint8Array | string): this {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    return this.uint32(bytes.byteLength).bytes(bytes)
  }

  /** @param magnitude a positive number, big-endian, with any number of leading zeros */
  mpint(magnitude: Uint8Array): this {
    const digits = withoutZeros(magnitude)
    const isNegative = (digits[0] ?? 0) >= 0x80
    return this.string(isNegative ? Buffer.concat([Buffer.of(0), digits]) : digits)
  }

  done(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

export function withoutZeros(magnitude: Uint8Array): Uint8Array {
  let from = 0
  while (magnitude[from] === 0) from++
  return magnitude.subarray(from)
}

/** The number of exactly `bytes` bytes. @throws Malformed where it takes more */
export function padded(magnitude: Uint8Array, bytes: number): Buffer {
  if (magnitude.byteLength > bytes) throw new Malformed('a number that is too large')
  const whole = Buffer.alloc(bytes)
  whole.set(magnitude, bytes - magnitude.byteLength)
  return whole
}

/** ASCII's and Unicode's control characters, and what breaks or turns lines. */
export const control = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
