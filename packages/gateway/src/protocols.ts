import type { Clock, StreamProtocol } from '@sallyport/core'
import type { ActionSpec, FactSpec } from '@sallyport/core'
import * as postgresProtocol from '@sallyport/postgres'

/** What protocols may need of the gateway beside its gate. */
export interface ProtocolParts {
  readonly clock: Clock
  /** Secret: for masks that must be stable and unguessable. */
  readonly maskKey: Uint8Array
}

/** A protocol before it runs: what the configuration must know of it, and how it comes to be. */
export interface ProtocolKind {
  readonly name: string
  readonly listenPort: number
  open(parts: ProtocolParts): StreamProtocol & Partial<AsyncDisposable>
}

/** Every protocol that this gateway speaks. The only file that names them. */
export const protocolKinds: readonly ProtocolKind[] = [
  { name: 'postgres', listenPort: 15432, open: postgresProtocol.postgres },
]

/** What policies may say of each, for tools that run without a gateway. */
export const vocabularyOfProtocols: readonly {
  readonly name: string
  readonly actions: readonly ActionSpec[]
  readonly facts: readonly FactSpec[]
}[] = [{ name: 'postgres', actions: postgresProtocol.actions, facts: postgresProtocol.facts }]

export { detectorTags } from '@sallyport/masking'
