import { AsyncLocalStorage } from 'node:async_hooks'

const from = new AsyncLocalStorage<string>()

/** Does what somebody asks for, from an address: it stands in the audit entries of what they change meanwhile. */
export function cameFrom<T>(address: string, work: () => T): T {
  return from.run(address, work)
}

/** From where the work comes that is being done; undefined where nobody asked for it from elsewhere. */
export function whereFrom(): string | undefined {
  return from.getStore()
}
