/** Why an agent did not come up, in words for whoever started it. */
export class AgentCannotStart extends Error {
  override readonly name = 'AgentCannotStart'
  /** `state`: the state directory; `join`: no certificate, and no token that brings one. */
  readonly kind: 'state' | 'join'

  constructor(kind: AgentCannotStart['kind'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.kind = kind
  }
}
