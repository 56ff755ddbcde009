import { Secret, type Clock } from '@sallyport/core'
import type { CertificateAuthority } from '@sallyport/identity'
import type { Store } from '@sallyport/store'
import {
  gatewayUri,
  listenForAgents,
  type AgentServer,
  type Place,
  type TunnelEvent,
} from '@sallyport/tunnel'
import type { Config, ListenAddress } from '../config/schema.ts'
import { StoredAgents } from './agent-directory.ts'
import { unavailable } from './listener.ts'
import { serverNames, ServerTls, type KeyPair } from './server-tls.ts'

export interface AgentsPortOptions {
  readonly config: Config
  /** A port of our own, or our place among several processes, of which another passes agents' connections on. */
  readonly listen?: ListenAddress
  readonly place?: Place
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
  const { listen, place } = options
  const listening = listenForAgents({
    ...(listen === undefined ? {} : { listen }),
    ...(place === undefined ? {} : { place }),
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
      throw await cannotListen(error, config)
    }),
  )
  return server
}

/** Why the agents' port cannot be had, in words where it is the system that says so. */
export async function cannotListen(error: unknown, { listen }: Config): Promise<unknown> {
  return isSystemError(error) ? await unavailable(error, 'agents', listen.agents) : error
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}

function portCertificate({ cert, key }: KeyPair): { certificate: string; privateKey: Secret } {
  return { certificate: cert, privateKey: new Secret(key) }
}
