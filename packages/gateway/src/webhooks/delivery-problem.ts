/** Why a message did not get there, in words that hold neither a secret nor anything that the receiver said. */
export class DeliveryProblem extends Error {
  override readonly name = 'DeliveryProblem'
  /** How long the receiver asked to be left alone. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, retryAfterMs?: number) {
    super(message)
    this.retryAfterMs = retryAfterMs
  }
}
