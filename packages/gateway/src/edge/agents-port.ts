import { Secret, type Clock } from '@sallyport/core'
import type { CertificateAuthority } from '@sallyport/identity'
import type { Store } from '@sallyport/store'
import { gatewayUri, listenForAgents, type AgentServer, type TunnelEvent } from '@sallyport/tunnel'
import type { Config } from '../config/schema.ts'
import { StoredAgents } from './agent-directory.ts'
import { unavailable } from './listener.ts'
import { serverNames, ServerTls, type KeyPair } from './server-tls.ts'

export interface AgentsPortOptions {
  readonly config: Config
  readonly store: Store
  readonly authority: CertificateAuthority
  readonly clock: Clock
  readonly onEvent: (event: TunnelEvent) => void
  readonly onTrouble: (error: unknown) => void
}

/**
 * The port that agents dial, with a certificate of our own authority: agents trust no other.
 * @param life takes whatever has to be ended
 * @throws CannotStart where the port is taken
 */
export async function openAgentsPort(
  life: AsyncDisposableStack,
  options: AgentsPortOptions,
): Promise<AgentServer> {
  const { config, store, authority, clock, onEvent, onTrouble } = options
  const tls = life.use(
    await ServerTls.open({
      names: serverNames(config),
      uris: [gatewayUri],
      authority,
      clock,
      onRenewed: (pair) => server.useCertificate(portCertificate(pair)),
      onTrouble,
    }),
  )
  const { agents: address } = config.listen
  const listening = listenForAgents({
    listen: address,
    certificate: portCertificate(tls.pair),
    authority,
    directory: new StoredAgents(store),
    clock,
    onEvent: (event) => {
      onEvent(event)
      if (event.kind === 'agent-attached')
        store.traffic.agentSeen(event.agent, event.version).catch(onTrouble)
    },
  })
  const server = life.use(
    await listening.catch(async (error: unknown) => {
      throw isSystemError(error) ? await unavailable(error, 'agents', address) : error
    }),
  )
  return server
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}

function portCertificate({ cert, key }: KeyPair): { certificate: string; privateKey: Secret } {
  return { certificate: cert, privateKey: new Secret(key) }
}
