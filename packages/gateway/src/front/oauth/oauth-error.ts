import { Fault, type Refusal } from '@sallyport/core'

/** RFC 6749 section 5.2, RFC 8628 section 3.5, RFC 8693 section 2.2.2; and for what no client can help, section 4.1.2.1 of the first. */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'authorization_pending'
  | 'slow_down'
  | 'access_denied'
  | 'expired_token'
  | 'temporarily_unavailable'
  | 'server_error'

/** Thrown by routes: becomes the answer, so every word of it is safe to show. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly code: OAuthErrorCode
  readonly status: number

  constructor(code: OAuthErrorCode, description: string, status = 400) {
    super(description)
    this.code = code
    this.status = status
  }

  get body(): { readonly error: OAuthErrorCode; readonly error_description: string } {
    return { error: this.code, error_description: plain(this.message) }
  }
}

export function throttled({ reason, next }: Refusal): OAuthError {
  return new OAuthError('temporarily_unavailable', next === undefined ? reason : `${reason}: ${next}`, 429)
}

/** Whatever was thrown, as an answer; undefined for a bug, whose words stay in the house. */
export function oauthErrorOf(thrown: unknown): OAuthError | undefined {
  if (thrown instanceof OAuthError) return thrown
  if (thrown instanceof Fault && thrown.code !== 'gateway/internal')
    return new OAuthError('temporarily_unavailable', thrown.shown, 503)
  if (!(thrown instanceof Error) || !('statusCode' in thrown)) return undefined
  switch (thrown.statusCode) {
    case 413:
      return new OAuthError('invalid_request', 'the request is larger than this route takes', 413)
    case 415:
      return new OAuthError('invalid_request', 'send application/x-www-form-urlencoded')
    case 429:
      return new OAuthError(
        'temporarily_unavailable',
        'too many requests from your address: wait a minute',
        429,
      )
    case 400:
      return new OAuthError('invalid_request', 'the request cannot be read')
    default:
      return undefined
  }
}

/** The characters that a description may have: RFC 6749 section 5.2. */
function plain(text: string): string {
  return text.replaceAll('’', "'").replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?')
}
