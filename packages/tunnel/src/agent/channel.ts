import { isIP } from 'node:net'
import { createSecureContext, type PeerCertificate, type SecureContext } from 'node:tls'
import { ChannelCredentials, type ClientOptions } from '@grpc/grpc-js'
import { clientOf, Enrolment, Tunnel } from '@sallyport/proto'
import { defaultLimits, maxMessageBytes, windows } from '../limits.ts'
import { gatewayUri, isGateway, serverNameOf } from '../names.ts'
import type { AgentCredentials } from './identity.ts'

export type TunnelClient = ReturnType<typeof tunnelClient>
type SomeCredentials = Pick<AgentCredentials, 'authority'> & Partial<AgentCredentials>

/**
 * A client of the tunnel, on a TCP connection of its own.
 * @param process which of the gateway's processes it is to reach; any where absent
 */
export function tunnelClient(gateway: string, credentials: AgentCredentials, process?: number) {
  return clientOf(Tunnel, gateway, channelCredentials(credentials), optionsFor(gateway, process))
}

/** A client of enrolment. Without certificate and key, it is a stranger's. */
export function enrolmentClient(gateway: string, credentials: SomeCredentials) {
  return clientOf(Enrolment, gateway, channelCredentials(credentials), optionsFor(gateway))
}

function channelCredentials(credentials: SomeCredentials): ChannelCredentials {
  return ChannelCredentials.createFromSecureContext(secureContext(credentials), { checkServerIdentity })
}

/** Who we are, and whom we trust. */
export function secureContext(credentials: SomeCredentials): SecureContext {
  return createSecureContext({
    ca: credentials.authority,
    ...(credentials.certificate !== undefined && { cert: credentials.certificate }),
    ...(credentials.privateKey !== undefined && { key: credentials.privateKey.reveal() }),
    minVersion: 'TLSv1.3',
  })
}

/** The chain was verified up to the one authority; what is left is that the certificate is a gateway's. */
export function checkServerIdentity(_host: string, certificate: PeerCertificate): Error | undefined {
  if (isGateway(certificate.subjectaltname)) return undefined
  return new Error(`the server's certificate is not a gateway's: it lacks the name ${gatewayUri}`)
}

/**
 * The name that TLS asks a gateway for. A name is sent as it was dialled, for balancers that route by it; an address is no server
 * name (RFC 6066, section 3).
 * @param process which of the gateway's processes it is to reach; any where absent
 */
export function serverName(gateway: string, process?: number): string {
  if (process !== undefined) return serverNameOf(process)
  const { host } = splitAddress(gateway)
  return isIP(host) === 0 ? host : 'gateway.sallyport.internal'
}

function optionsFor(gateway: string, process?: number): ClientOptions {
  return { ...options, 'grpc.ssl_target_name_override': serverName(gateway, process) }
}

/** `host:port`, `[::1]:port`. */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(':')
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) }
}

const options: ClientOptions = {
  // A retried call would replay bytes.
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.keepalive_time_ms': defaultLimits.pingIntervalMs,
  'grpc.keepalive_timeout_ms': defaultLimits.deadAfterMs - defaultLimits.pingIntervalMs,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': 500,
  'grpc.max_reconnect_backoff_ms': 5_000,
  'grpc.max_receive_message_length': maxMessageBytes,
  'grpc.max_send_message_length': maxMessageBytes,
  'grpc-node.flow_control_window': windows.streamBytes,
  'grpc.enable_http_proxy': 0,
  'grpc.enable_channelz': 0,
}
