/** Where something listens. */
export interface Address {
  /** The key below `listen` in the configuration. */
  readonly name: string
  readonly host: string
  readonly port: number
  /** How a person or a client writes it. */
  readonly url: string
}

/** A host as it stands before a port. */
export const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host)
