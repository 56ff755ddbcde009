import { maxHoldMs, type OutputMask } from '../terminal/index.ts'

/** One stream of output behind its mask, which holds back the beginning of what may be something to hide; never for long. */
export class MaskedOutput {
  readonly #mask: OutputMask
  readonly #late: (bytes: Buffer) => void
  #timer: NodeJS.Timeout | undefined

  /** @param late gets what was held back, when its time is up */
  constructor(mask: OutputMask, late: (bytes: Buffer) => void) {
    this.#mask = mask
    this.#late = late
  }

  // hot path
  /** @returns what may leave now */
  pass(bytes: Buffer): Buffer {
    const out = this.#mask.push(bytes, performance.now())
    if (this.#mask.heldSinceMs === undefined) this.#stop()
    else this.#timer ??= setTimeout(() => this.#look(), maxHoldMs)
    return out
  }

  /** Nothing more comes: what is held back leaves. */
  end(): void {
    this.#stop()
    const rest = this.#mask.flush()
    if (rest.length > 0) this.#late(rest)
  }

  get maskedValues(): number {
    return this.#mask.maskedValues
  }

  get maskedTags(): readonly string[] {
    return this.#mask.maskedTags
  }

  /** What is held by now may be younger than what was when the timer began. */
  #look(): void {
    this.#timer = undefined
    const since = this.#mask.heldSinceMs
    if (since === undefined) return
    const leftMs = since + maxHoldMs - performance.now()
    if (leftMs > 1) this.#timer = setTimeout(() => this.#look(), leftMs)
    else this.end()
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
