/**
 * Buffers that were given back, by size, to be used again: powers of two, from 1 KiB. hot path: recordings fill and empty buffers
 * all the time, and memory outside of V8's heap that comes and goes has it collect everything.
 */
export class SpareBuffers {
  readonly #bySize: Buffer[][] = sizes.map(() => [])

  /** One of at least so many bytes, with anything in it. */
  take(leastBytes: number): Buffer {
    const at = sizes.findIndex((size) => size >= leastBytes)
    return this.#bySize[at]?.pop() ?? Buffer.allocUnsafeSlow(sizes[at] ?? leastBytes)
  }

  giveBack(buffer: Buffer): void {
    const spares = this.#bySize[sizes.indexOf(buffer.length)]
    if (spares !== undefined && spares.length * buffer.length < maxBytesOfASize) spares.push(buffer)
  }
}

const sizes = Array.from({ length: 10 }, (_, power) => 1024 * 2 ** power)
const maxBytesOfASize = 4 * 1024 * 1024
