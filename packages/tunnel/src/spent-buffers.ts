import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Has V8 collect young objects each time that so many bytes went by. Node reads into a new buffer each time, whose 64 KiB lie outside of
 * V8's heap: thousands of them fit into its young generation, so that V8 sees nothing to collect until all that memory outside makes
 * it collect everything, which costs ten times as much, and half a gigabyte may have come together. A young collection takes a
 * millisecond or so, and hands buffers back while the processor still has them in its cache.
 *
 * One for the process: buffers are all of one heap.
 */
export class SpentBuffers {
  readonly #everyBytes: number
  #leftBytes: number
  #collect: (() => void) | undefined

  constructor(everyBytes: number) {
    this.#everyBytes = everyBytes
    this.#leftBytes = everyBytes
  }

  /** hot path: a subtraction. */
  add(bytes: number): void {
    this.#leftBytes -= bytes
    if (this.#leftBytes > 0) return
    this.#leftBytes = this.#everyBytes
    this.#collect ??= youngCollection()
    this.#collect()
  }
}

/** Both directions of all carried connections. Measured: on one machine 2 to 16 MB are the same; over a distance 2 MB are best. */
export const spentBuffers = new SpentBuffers(2_000_000)

/** V8 shows `gc` to contexts that are made while the flag is set; where it does not, nothing is collected but as V8 likes. */
function youngCollection(): () => void {
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('globalThis.gc')
  setFlagsFromString('--no-expose-gc')
  if (typeof gc !== 'function') return () => {}
  return () => void gc({ type: 'minor' })
}
