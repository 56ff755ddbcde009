import { request } from 'node:https'

/** It could not be asked, which says nothing about who somebody is. Its message is safe to show and to log. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

/** What of an answer is looked at. */
interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** PEM, in place of the system's authorities. */
  readonly certificateAuthority?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Asks an issuer or provider: over TLS, within {@link timeoutMs}, at most {@link maxBytes}, and whoever it redirects to is not asked.
 * @throws Unreachable that says in a few words what failed, and nothing that was sent or answered
 */
export async function ask(url: URL, asked: Asked = {}): Promise<Response> {
  if (url.protocol !== 'https:') throw new Unreachable(`${url.host} is to be asked without TLS`)
  const limit = AbortSignal.timeout(timeoutMs)
  const { method = 'GET', headers = {}, body, certificateAuthority: ca, signal } = asked
  try {
    return await exchange(url, {
      method,
      headers: {
        accept: 'application/json',
        ...headers,
        ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      },
      body,
      ca,
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    })
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
    const what = limit.aborted ? `does not answer within ${timeoutMs / 1000} s` : reasonOf(code)
    throw new Unreachable(`${url.host} ${what}`)
  }
}

/** What is published there. @throws Error likewise */
export async function askForJson(url: URL, certificateAuthority: string | undefined): Promise<unknown> {
  const response = await ask(url, { certificateAuthority })
  if (response.status !== 200) throw new Error(`${url.host}${url.pathname} answers ${response.status}`)
  try {
    return (await response.json()) as unknown
  } catch {
    throw new Error(`${url.host}${url.pathname} answers with something that is no JSON`)
  }
}

function exchange(
  url: URL,
  options: {
    readonly method: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: string | undefined
    readonly ca: string | undefined
    readonly signal: AbortSignal
  },
): Promise<Response> {
  const { body, ca, ...rest } = options
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      ...rest,
      agent: false,
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca, allowPartialTrustChain: true }),
    })
    sent.on('error', reject)
    sent.on('response', (answer) => {
      const parts: Buffer[] = []
      let size = 0
      answer.on('data', (part: Buffer) => {
        size += part.byteLength
        if (size <= maxBytes) parts.push(part)
        else sent.destroy(Object.assign(new Error('too large'), { code: 'TOO_LARGE' }))
      })
      answer.on('error', reject)
      answer.on('end', () => {
        const { statusCode: status = 0 } = answer
        const headers = Object.entries(answer.headers).flatMap(([name, value]): [string, string][] =>
          value === undefined ? [] : [[name, String(value)]],
        )
        const isEmpty = status === 204 || status === 304
        if (status < 200) reject(new Error('no answer'))
        else resolve(new Response(isEmpty ? null : Buffer.concat(parts), { status, headers }))
      })
    })
    sent.end(body)
  })
}

function reasonOf(code: string): string {
  if (code === 'TOO_LARGE') return `answers with more than ${maxBytes} bytes`
  return /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? `cannot be reached (${code})` : 'cannot be reached'
}

const timeoutMs = 5_000
const maxBytes = 512 * 1024
