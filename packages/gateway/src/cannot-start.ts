/** Why a gateway did not come up: what is wrong and what to do, for whoever started it. */
export class CannotStart extends Error {
  override readonly name = 'CannotStart'
  /** What the process should exit with: 3 a port is taken, 4 the data directory cannot be used, 5 keys or certificates. */
  readonly exitCode: 3 | 4 | 5
  readonly next: string

  constructor(exitCode: 3 | 4 | 5, what: string, next: string, options?: { cause?: unknown }) {
    super(what, options)
    this.exitCode = exitCode
    this.next = next
  }
}
