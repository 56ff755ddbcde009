/**
 * A credential store did not give what it was asked for. Its message names the store and what is wrong, and quotes nothing that came
 * from there: operators read it.
 */
export class StoreProblem extends Error {
  override readonly name = 'StoreProblem'
  /**
   * - `unavailable` it does not answer, is sealed, or has too much to do: another time it may
   * - `refused` it does not know us, or does not let us
   * - `missing` it has no such thing
   * - `malformed` what it says is no answer
   */
  readonly kind: 'unavailable' | 'refused' | 'missing' | 'malformed'

  constructor(kind: StoreProblem['kind'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.kind = kind
  }
}
