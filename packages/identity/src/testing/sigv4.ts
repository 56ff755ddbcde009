import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** A request as it was signed. */
export interface SignedRequest {
  readonly method: string
  /** Encoded, with its query. */
  readonly target: string
  /** Names in small letters. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * AWS's signature, version 4, from its documentation and for checking alone: by another hand than the library that signs.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * @returns the signature, hexadecimal
 */
export function signatureOf(
  { method, target, headers, body }: SignedRequest,
  scope: {
    readonly secretKey: string
    readonly amzDate: string
    readonly region: string
    readonly service: string
    readonly signedHeaders: readonly string[]
    /** In place of the body's own hash. */
    readonly payload?: string
  },
): string {
  const { secretKey, amzDate, region, service, signedHeaders, payload = sha256(body) } = scope
  const url = new URL(target, 'https://any')
  const query = [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .toSorted()
    .join('&')
  const canonicalHeaders = signedHeaders.map(
    (name) => `${name}:${headers[name]?.trim().replaceAll(/ +/g, ' ')}\n`,
  )
  const canonical = [
    method,
    url.pathname,
    query,
    canonicalHeaders.join(''),
    signedHeaders.join(';'),
    payload,
  ].join('\n')
  const date = amzDate.slice(0, 8)
  const toSign = ['AWS4-HMAC-SHA256', amzDate, `${date}/${region}/${service}/aws4_request`, sha256(canonical)]
  const key = [date, region, service, 'aws4_request'].reduce<Buffer>(
    (last, part) => createHmac('sha256', last).update(part).digest(),
    Buffer.from(`AWS4${secretKey}`),
  )
  return createHmac('sha256', key).update(toSign.join('\n')).digest('hex')
}

/** Whether its Authorization header is by this key. */
export function isSigned(request: SignedRequest, accessKey: string, secretKey: string): boolean {
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      request.headers['authorization'] ?? '',
    )
  if (parts === null || parts[1] !== accessKey) return false
  const [, , , region = '', service = '', signed = '', signature = ''] = parts
  const signedHeaders = signed.split(';')
  if (!signedHeaders.includes('host') || !signedHeaders.includes('x-amz-date')) return false
  const amzDate = request.headers['x-amz-date'] ?? ''
  const expected = signatureOf(request, { secretKey, amzDate, region, service, signedHeaders })
  return timingSafeEqual(Buffer.from(signature), Buffer.from(expected))
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** RFC 3986, and nothing but unreserved letters as they are. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
