import { createHash, type X509Certificate } from 'node:crypto'

/** What an agent's certificate says, and all that is believed of it. */
export interface AgentIdentity {
  /** UUID. */
  readonly id: string
  readonly pool: string
  /** SHA-256 of the public key (SubjectPublicKeyInfo), base64url. */
  readonly keyFingerprint: string
  /** Milliseconds since 1970. */
  readonly notAfterMs: number
}

/**
 * Every certificate of the gateway's agents' port has this name beside those of its hosts. An agent demands it, whatever name it
 * dialled, so that a gateway may be reached by any name or address.
 */
export const gatewayUri = 'spiffe://sallyport/gateway'

export function agentUri(pool: string, id: string): string {
  return `spiffe://sallyport/agent/${pool}/${id}`
}

/** Letters, digits, `.`, `_` and `-`, at most 63, starting with a letter or digit. */
export function isName(text: string): boolean {
  return namePattern.test(text)
}

/** Who a verified certificate names; undefined where it names no agent, or more than an agent. */
export function identityOf(certificate: X509Certificate): AgentIdentity | undefined {
  const match = agentName.exec(certificate.subjectAltName ?? '')
  const [, pool, id] = match ?? []
  if (pool === undefined || id === undefined || !isName(pool)) return undefined
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return {
    id,
    pool,
    keyFingerprint: createHash('sha256').update(key).digest('base64url'),
    notAfterMs: certificate.validToDate.getTime(),
  }
}

/** True for a certificate of a gateway's agents' port. */
export function isGateway(subjectAltName: string | undefined): boolean {
  return (subjectAltName ?? '').split(', ').includes(`URI:${gatewayUri}`)
}

/** The TLS server name by which an agent reaches one process of a gateway, counted from 1. */
export function serverNameOf(process: number): string {
  return `${process}.gateway.sallyport.internal`
}

/** Undefined for any other name. */
export function processOfServerName(name: string | undefined): number | undefined {
  const process = /^([1-9][0-9]{0,2})\.gateway\.sallyport\.internal$/.exec(name ?? '')?.[1]
  return process === undefined ? undefined : Number(process)
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
const agentName =
  /^URI:spiffe:\/\/sallyport\/agent\/([^/,"]+)\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/
