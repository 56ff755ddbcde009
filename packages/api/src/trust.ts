import { X509Certificate } from 'node:crypto'
import { connect, type DetailedPeerCertificate } from 'node:tls'
import { ApiError } from './api-error.ts'

/** `sha256:` and 64 hex digits: how certificates are named to people, here and wherever one is printed. */
export function fingerprintOf(certificate: X509Certificate): string {
  return `sha256:${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}`
}

/**
 * The certificate with this fingerprint, as PEM, from the chain that the gateway presents: what to trust from now on.
 * The connection that fetches it is not trusted and carries nothing; only the fingerprint vouches for the answer, and
 * every later connection is verified against it in full, host name included.
 *
 * @param fingerprint as the gateway printed it; colons, case and the `sha256:` prefix do not matter
 * @throws ApiError unreachable, bad-certificate
 */
export async function certificateByFingerprint(
  baseUrl: string,
  fingerprint: string,
  timeoutMs = 10_000,
): Promise<string> {
  const wanted = `sha256:${fingerprint
    .toLowerCase()
    .replace(/^sha-?256:/, '')
    .replaceAll(':', '')}`
  const url = new URL(baseUrl)
  for (const certificate of await presented(url, timeoutMs)) {
    if (fingerprintOf(certificate) === wanted) return certificate.toString()
  }
  throw new ApiError({
    status: 0,
    code: 'bad-certificate',
    detail: `${url.host} does not present a certificate with that fingerprint`,
    next: 'compare it with the one that the gateway printed when it was first started',
  })
}

function presented(url: URL, timeoutMs: number): Promise<X509Certificate[]> {
  return new Promise((resolve, reject) => {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const unreachable = (why: string): void => {
      reject(
        new ApiError({ status: 0, code: 'unreachable', detail: `${url.host} cannot be reached (${why})` }),
      )
    }
    const socket = connect(
      {
        host,
        port: Number(url.port || 443),
        rejectUnauthorized: false,
        ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
      },
      () => {
        resolve(chain(socket.getPeerCertificate(true)))
        socket.destroy()
      },
    )
    socket.setTimeout(timeoutMs, () => {
      unreachable('it did not answer')
      socket.destroy()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => unreachable(error.code ?? error.message))
  })
}

function chain(leaf: DetailedPeerCertificate): X509Certificate[] {
  const found: X509Certificate[] = []
  const seen = new Set<DetailedPeerCertificate>()
  // A self-signed certificate names itself as its issuer.
  for (
    let at: DetailedPeerCertificate | undefined = leaf;
    at?.raw && !seen.has(at);
    at = at.issuerCertificate
  ) {
    seen.add(at)
    found.push(new X509Certificate(at.raw))
  }
  return found
}
