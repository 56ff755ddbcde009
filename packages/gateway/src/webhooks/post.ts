import { request as overHttp, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as overHttps } from 'node:https'
import { isIPv6, type LookupFunction } from 'node:net'
import { DeliveryProblem } from './delivery-problem.ts'
import type { Destination } from './destination.ts'

/**
 * Posts a body. What the receiver answers is not read beyond its status, and a redirect is not followed: it would lead where nobody
 * has looked.
 * @throws DeliveryProblem where the answer is not 2xx, or none comes within {@link timeoutMs}
 */
export async function post(
  destination: Destination,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<void> {
  const sizeBytes = Buffer.byteLength(body)
  if (sizeBytes > maxBodyBytes) throw new DeliveryProblem(`it is larger than ${maxBodyBytes} bytes`)
  const limit = AbortSignal.timeout(timeoutMs)
  const { statusCode = 0, headers: answered } = await answer(
    destination,
    {
      method: 'POST',
      agent: false,
      lookup: pinned(destination.addresses),
      headers: { ...headers, 'content-type': 'application/json', 'content-length': sizeBytes },
      signal: AbortSignal.any([signal, limit]),
      maxHeaderSize: maxHeaderBytes,
    },
    body,
  ).catch((thrown: unknown) => {
    throw limit.aborted
      ? new DeliveryProblem(`it did not answer within ${timeoutMs / 1000} s`)
      : new DeliveryProblem(`it cannot be reached: ${codeOf(thrown)}`)
  })
  if (statusCode >= 200 && statusCode < 300) return
  if (statusCode >= 300 && statusCode < 400)
    throw new DeliveryProblem(`it answered ${statusCode}, a redirect, which is not followed`)
  const seconds = Number(answered['retry-after'])
  throw new DeliveryProblem(`it answered ${statusCode}`, seconds > 0 ? seconds * 1000 : undefined)
}

function answer({ url }: Destination, options: RequestOptions, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = url.protocol === 'https:' ? overHttps(url, options) : overHttp(url, options)
    sent.on('error', reject)
    sent.on('response', (response) => {
      response.on('error', () => undefined).destroy()
      resolve(response)
    })
    sent.end(body)
  })
}

/** What was checked is what is dialled. */
function pinned(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
  return (_name, options, found) => {
    const [first] = all
    if (options.all === true) found(null, all)
    else found(null, first?.address ?? '', first?.family)
  }
}

/** Never its message, which may quote the URL. */
function codeOf(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  return /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : 'the connection failed'
}

const timeoutMs = 10_000
const maxBodyBytes = 65_536
const maxHeaderBytes = 16_384
