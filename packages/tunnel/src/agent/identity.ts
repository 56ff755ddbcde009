import type { Secret } from '@sallyport/core'

/** By what an agent is known, and whom it trusts. */
export interface AgentCredentials {
  /** PEM. */
  readonly certificate: string
  /** PKCS #8, PEM. Made on this machine, never leaves it. */
  readonly privateKey: Secret
  /** PEM: the gateway's certificate authority. */
  readonly authority: string
}

/** The credentials in use, which renewal replaces while links stand. */
export class HeldIdentity {
  #current: AgentCredentials
  #replaced = Promise.withResolvers<void>()

  constructor(credentials: AgentCredentials) {
    this.#current = credentials
  }

  get current(): AgentCredentials {
    return this.#current
  }

  /** Resolves when `current` is next replaced. */
  get replaced(): Promise<void> {
    return this.#replaced.promise
  }

  replace(credentials: AgentCredentials): void {
    this.#current = credentials
    const replaced = this.#replaced
    this.#replaced = Promise.withResolvers<void>()
    replaced.resolve()
  }
}
