import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { connect as connectTls, type DetailedPeerCertificate } from 'node:tls'
import { Metadata, status, type ServiceError } from '@grpc/grpc-js'
import type { Secret } from '@sallyport/core'
import type { Certificate } from '@sallyport/proto'
import { enrolmentClient, splitAddress } from '../agent/channel.ts'
import type { AgentCredentials } from '../agent/identity.ts'
import type { JoinToken } from './join-token.ts'
import { certificateRequestFor } from './request.ts'

/**
 * Why an agent got no certificate: the gateway does not want it (`refused`), could not be asked (`unreachable`), or is not the one
 * that the token or the agent's own certificate names (`untrusted`).
 */
export class EnrolmentFailure extends Error {
  override readonly name = 'EnrolmentFailure'
  readonly kind: 'refused' | 'unreachable' | 'untrusted'

  constructor(kind: EnrolmentFailure['kind'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.kind = kind
  }
}

/**
 * Trades a join token for a certificate. The authority that the token pins is fetched first, over a connection that is believed
 * nothing else; the token is then shown only to a server which that authority certified.
 * @throws EnrolmentFailure
 */
export async function enrol(request: {
  /** `host:port`. */
  readonly gateway: string
  readonly token: JoinToken
  readonly name: string
  /** PKCS #8, PEM. */
  readonly privateKey: Secret
}): Promise<AgentCredentials> {
  const { gateway, token, name, privateKey } = request
  const authority = await fetchAuthority(gateway, token.authorityFingerprint)
  const certificateRequest = await certificateRequestFor(privateKey)
  const answer = await ask(gateway, { authority }, (client, reply) => {
    const asked = { token: token.secret.reveal(), certificateRequest, name }
    client.enroll(asked, new Metadata(), { deadline: Date.now() + askMs }, reply)
  })
  return accepted(answer, authority, privateKey)
}

/**
 * Trades the certificate in use for the next one, for another key. May be repeated with the same key, and with no other.
 * @throws EnrolmentFailure
 */
export async function renew(request: {
  readonly gateway: string
  readonly credentials: AgentCredentials
  /** The new key: PKCS #8, PEM. Keep it before asking. */
  readonly privateKey: Secret
}): Promise<AgentCredentials> {
  const { gateway, credentials, privateKey } = request
  const certificateRequest = await certificateRequestFor(privateKey)
  const answer = await ask(gateway, credentials, (client, reply) =>
    client.renew({ certificateRequest }, new Metadata(), { deadline: Date.now() + askMs }, reply),
  )
  return accepted(answer, credentials.authority, privateKey)
}

/**
 * When to renew: at half of a certificate's life, give or take a tenth of it, so that a fleet spreads out.
 * @param random 0 to 1.
 * @returns milliseconds since 1970
 */
export function renewalAtMs(certificate: string, random: () => number): number {
  const { validFromDate, validToDate } = new X509Certificate(certificate)
  const [from, to] = [validFromDate.getTime(), validToDate.getTime()]
  return from + (to - from) * (0.4 + 0.2 * random())
}

type Client = ReturnType<typeof enrolmentClient>
type Reply = (error: ServiceError | null, answer?: Certificate) => void

function ask(
  gateway: string,
  credentials: Parameters<typeof enrolmentClient>[1],
  call: (client: Client, reply: Reply) => void,
): Promise<Certificate> {
  const client = enrolmentClient(gateway, credentials)
  return new Promise<Certificate>((resolve, reject) =>
    call(client, (error, answer) => {
      if (error !== null) return reject(failureOf(gateway, error))
      if (answer === undefined)
        return reject(new EnrolmentFailure('unreachable', `${gateway} answered nothing`))
      resolve(answer)
    }),
  ).finally(() => client.close())
}

function failureOf(gateway: string, error: ServiceError): EnrolmentFailure {
  const isNo =
    error.code === status.UNAUTHENTICATED ||
    error.code === status.PERMISSION_DENIED ||
    error.code === status.INVALID_ARGUMENT
  if (isNo) return new EnrolmentFailure('refused', `${gateway} says: ${error.details}`, { cause: error })
  return new EnrolmentFailure('unreachable', `${gateway} could not be asked: ${error.details}`, {
    cause: error,
  })
}

/** What the gateway gave is used only if it is for our key and of the authority that is trusted already. */
function accepted(answer: Certificate, authority: string, privateKey: Secret): AgentCredentials {
  let isOurs = false
  try {
    const certificate = new X509Certificate(answer.certificate)
    isOurs =
      certificate.checkPrivateKey(createPrivateKey(privateKey.reveal())) &&
      certificate.verify(new X509Certificate(authority).publicKey)
  } catch {
    isOurs = false
  }
  if (!isOurs)
    throw new EnrolmentFailure('untrusted', 'the gateway gave a certificate that is not for this agent')
  return { certificate: answer.certificate, privateKey, authority }
}

/** The certificate with that fingerprint, of those that the server shows. */
function fetchAuthority(gateway: string, fingerprint: string): Promise<string> {
  const { host, port } = splitAddress(gateway)
  return new Promise((resolve, reject) => {
    // Nothing is sent or believed here but a certificate whose hash is known.
    const socket = connectTls({
      host,
      port,
      ALPNProtocols: ['h2'],
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
    })
    socket.setTimeout(askMs, () => socket.destroy(new Error('no answer in time')))
    socket.once('error', (cause) =>
      reject(
        new EnrolmentFailure('unreachable', `${gateway} could not be reached: ${cause.message}`, { cause }),
      ),
    )
    socket.once('secureConnect', () => {
      const authority = chainOf(socket.getPeerCertificate(true)).find((der) => sha256(der) === fingerprint)
      socket.destroy()
      if (authority !== undefined) return resolve(new X509Certificate(authority).toString())
      const message = `${gateway} is not the gateway that this join token is for: it does not show the pinned authority`
      reject(new EnrolmentFailure('untrusted', message))
    })
  })
}

function chainOf(first: DetailedPeerCertificate): Buffer[] {
  const chain: Buffer[] = []
  // A self-signed certificate is its own issuer.
  for (
    let at: DetailedPeerCertificate | undefined = first;
    at?.raw !== undefined;
    at = at.issuerCertificate
  ) {
    if (chain.length === maxChain || chain.some((der) => der.equals(at?.raw ?? Buffer.alloc(0)))) break
    chain.push(at.raw)
  }
  return chain
}

function sha256(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64url')
}

const askMs = 10_000
const maxChain = 8
