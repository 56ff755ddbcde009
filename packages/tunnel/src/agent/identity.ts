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
  /** Under way, with the credentials that each shows. */
  readonly #attempts = new Map<Promise<unknown>, AgentCredentials>()

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

  /**
   * The credentials to attach with, once nobody is attaching with earlier ones: the gateway takes an old key that it sees after its
   * successor for a copy.
   * @param attempt begins to attach with them, and resolves when that has succeeded or failed
   */
  async attempt<T extends { readonly welcomed: Promise<unknown> }>(
    attempt: (credentials: AgentCredentials) => T,
  ): Promise<T> {
    for (let earlier = this.#earlier; earlier.length > 0; earlier = this.#earlier)
      await Promise.allSettled(earlier)
    const attempted = attempt(this.#current)
    const { welcomed } = attempted
    this.#attempts.set(welcomed, this.#current)
    const forget = (): void => void this.#attempts.delete(welcomed)
    welcomed.then(forget, forget)
    return attempted
  }

  get #earlier(): Promise<unknown>[] {
    return [...this.#attempts].flatMap(([attempt, shown]) => (shown === this.#current ? [] : [attempt]))
  }

  replace(credentials: AgentCredentials): void {
    this.#current = credentials
    const replaced = this.#replaced
    this.#replaced = Promise.withResolvers<void>()
    replaced.resolve()
  }
}
