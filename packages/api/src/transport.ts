import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { ApiError } from './api-error.ts'

export interface Exchange {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** PEM; the system's authorities where absent. */
  readonly ca?: string
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * One HTTPS exchange over a connection of its own, up to the answer's headers.
 * @throws ApiError unreachable, bad-certificate, cancelled
 */
export function exchange(it: Exchange): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(
      it.url,
      {
        method: it.method,
        headers: it.headers,
        agent: false,
        minVersion: 'TLSv1.2',
        ...(it.ca === undefined ? {} : { ca: it.ca, allowPartialTrustChain: true }),
        ...(it.signal === undefined ? {} : { signal: it.signal }),
      },
      resolve,
    )
    sent.setTimeout(it.timeoutMs, () => {
      sent.destroy(
        new ApiError({
          status: 0,
          code: 'unreachable',
          detail: `${it.url.host} did not answer within ${it.timeoutMs / 1000} s`,
        }),
      )
    })
    sent.on('error', (error: NodeJS.ErrnoException) => reject(worded(error, it.url.host)))
    sent.end(it.body)
  })
}

function worded(error: NodeJS.ErrnoException, host: string): ApiError {
  if (error instanceof ApiError) return error
  const code = error.code ?? ''
  if (error.name === 'AbortError') return new ApiError({ status: 0, code: 'cancelled', detail: 'cancelled' })
  if (isCertificateTrouble(code)) {
    return new ApiError(
      {
        status: 0,
        code: 'bad-certificate',
        detail: `${host} presents a certificate that is not trusted (${code})`,
        next: 'check the address, and the fingerprint that the gateway printed when it was first started',
      },
      { cause: error },
    )
  }
  return new ApiError(
    {
      status: 0,
      code: 'unreachable',
      detail: `${host} cannot be reached (${code || error.message})`,
      next: 'is the gateway running, and is this its address?',
    },
    { cause: error },
  )
}

/** @see https://nodejs.org/api/tls.html#x509-certificate-error-codes */
function isCertificateTrouble(code: string): boolean {
  return (
    /CERT|UNABLE_TO_|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH|INVALID_PURPOSE/.test(code) ||
    code === 'ERR_TLS_CERT_ALTNAME_INVALID'
  )
}
