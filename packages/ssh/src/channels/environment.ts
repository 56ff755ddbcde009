import { maxVariableBytes, maxVariables } from '../limits.ts'

/** A variable as a client sets it. The value is bytes, as it is passed on. */
export interface Variable {
  readonly name: string
  readonly value: Buffer
}

/** The variables of one command, of those that a resource lets clients set. */
export class Environment {
  readonly #allowed: readonly string[]
  readonly #variables = new Map<string, Variable>()

  /** @param allowed names, or the begin of names and a `*` */
  constructor(allowed: readonly string[]) {
    this.#allowed = allowed
  }

  /** @returns whether it is set: the others, and those beyond the limits, are left out, as sshd does with what it does not accept */
  set(name: string, value: Buffer): boolean {
    const isAllowed = this.#allowed.some((each) =>
      each.endsWith('*') ? name.startsWith(each.slice(0, -1)) : name === each,
    )
    if (!isAllowed || !/^\w+$/.test(name) || name.length + value.length > maxVariableBytes) return false
    if (this.#variables.size >= maxVariables && !this.#variables.has(name)) return false
    this.#variables.set(name, { name, value })
    return true
  }

  get variables(): readonly Variable[] {
    return [...this.#variables.values()]
  }
}
