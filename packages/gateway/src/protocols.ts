import type { Clock, StreamProtocol } from '@sallyport/core'
import type { ActionSpec, FactSpec } from '@sallyport/core'
import * as postgresProtocol from '@sallyport/postgres'
import * as sshProtocol from '@sallyport/ssh'

/** What protocols may need of the gateway beside its gate. */
export interface ProtocolParts {
  readonly clock: Clock
  /** A secret of 32 bytes by its name: the same after a restart and in every process, another for every other name. */
  readonly secret: (name: string) => Uint8Array
}

/** A protocol before it runs: what the configuration must know of it, and how it comes to be. */
export interface ProtocolKind {
  readonly name: string
  readonly listenPort: number
  open(parts: ProtocolParts): StreamProtocol & Partial<AsyncDisposable>
}

/** Every protocol that this gateway speaks. The only file that names them. */
export const protocolKinds: readonly ProtocolKind[] = [
  {
    name: 'postgres',
    listenPort: 15432,
    open: ({ clock, secret }) => postgresProtocol.postgres({ clock, maskKey: secret('masks') }),
  },
  {
    name: 'ssh',
    listenPort: 2222,
    open: ({ clock, secret }) =>
      sshProtocol.ssh({ clock, hostKeySeed: secret('ssh-host-key'), maskKey: secret('masks') }),
  },
]

/** What policies may say of each, for tools that run without a gateway. */
export const vocabularyOfProtocols: readonly {
  readonly name: string
  readonly actions: readonly ActionSpec[]
  readonly facts: readonly FactSpec[]
}[] = [
  { name: 'postgres', actions: postgresProtocol.actions, facts: postgresProtocol.facts },
  { name: 'ssh', actions: sshProtocol.actions, facts: sshProtocol.facts },
]

export { detectorTags } from '@sallyport/masking'
