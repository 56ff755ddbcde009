/** One client connection's place. Ends with the connection. */
export interface Place extends Disposable {
  /** It has logged in: it no longer counts against its address. */
  loggedIn(): void
}

export interface AdmissionLimits {
  /** Connections in all. */
  readonly connections: number
  /** Of those, from one address, that have not logged in. */
  readonly connectionsBeforeLogin: number
}

/** Counts client connections over all protocols, so that one source cannot use up what all need. */
export class Admission {
  readonly #limits: AdmissionLimits
  readonly #beforeLogin = new Map<string, number>()
  #total = 0

  constructor(limits: AdmissionLimits) {
    this.#limits = limits
  }

  get total(): number {
    return this.#total
  }

  /** A place, or which limit is reached. */
  enter(address: string): Place | 'connections' | 'connectionsBeforeLogin' {
    if (this.#total >= this.#limits.connections) return 'connections'
    const waiting = this.#beforeLogin.get(address) ?? 0
    if (waiting >= this.#limits.connectionsBeforeLogin) return 'connectionsBeforeLogin'
    this.#total++
    this.#beforeLogin.set(address, waiting + 1)

    let isWaiting = true
    let isOpen = true
    const loggedIn = (): void => {
      if (!isWaiting) return
      isWaiting = false
      const rest = (this.#beforeLogin.get(address) ?? 1) - 1
      if (rest === 0) this.#beforeLogin.delete(address)
      else this.#beforeLogin.set(address, rest)
    }
    return {
      loggedIn,
      [Symbol.dispose]: () => {
        loggedIn()
        if (isOpen) this.#total--
        isOpen = false
      },
    }
  }
}
