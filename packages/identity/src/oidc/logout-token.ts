import { shown, textsIn } from '../federation/claims.ts'
import { wrongSignature } from '../federation/signature.ts'
import type { IssuerKeys } from '../federation/issuer-keys.ts'
import { isObject, readJwt, type Claims, type NotTaken } from '../federation/jwt.ts'
import { sessionIn } from '../signed-in.ts'

/** What a provider says by a logout token: a person, or one session of theirs there, is over. */
export interface Logout {
  /** The token's own name. */
  readonly jti: string
  readonly subject: string | undefined
  readonly sid: string | undefined
  /** Nobody takes it from then on. */
  readonly expiresAtMs: number
}

/** For whom it must be, and by whose keys signed. */
export interface LogoutJudge {
  readonly issuer: string
  readonly clientId: string
  /** The claim by which the provider's people are known here. */
  readonly subjectClaim: string
  readonly keys: Pick<IssuerKeys, 'find'>
}

/**
 * Reads a logout token and believes it, or says why not. OpenID Connect Back-Channel Logout 1.0 section 2.6
 * @param nowMs since 1970
 */
export async function readLogoutToken(
  text: string,
  { issuer, clientId, subjectClaim, keys }: LogoutJudge,
  nowMs: number,
): Promise<Logout | NotTaken> {
  const jwt = readJwt(text)
  if ('why' in jwt) return jwt
  const { header, claims } = jwt
  const wrong = wrongHeader(header) ?? wrongClaims(claims, issuer, clientId)
  if (wrong !== undefined) return { why: wrong }
  const expiresAtMs = endOf(claims, nowMs)
  if (typeof expiresAtMs === 'string') return { why: expiresAtMs }
  const unsigned = await wrongSignature(text, keys, algorithms)
  if (unsigned !== undefined) return { why: unsigned }
  const { jti, [subjectClaim]: subject } = claims
  const sid = sessionIn(claims) ?? undefined
  if (typeof subject !== 'string' && sid === undefined)
    return { why: `it does not say by ${shown(subjectClaim)} whom it is about` }
  return {
    jti: String(jti),
    subject: typeof subject === 'string' ? subject : undefined,
    sid,
    expiresAtMs,
  }
}

function wrongHeader(header: Claims): string | undefined {
  const { alg, typ } = header
  if (!algorithms.some((one) => one === alg)) return `it is signed by ${shown(alg)}`
  if ('crit' in header) return 'its header has extensions that must be understood'
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ
  // Not all providers name the type yet: what kind it is, `events` says.
  return type === undefined || type === 'logout+jwt' || type === 'jwt'
    ? undefined
    : `its typ is ${shown(typ)}`
}

function wrongClaims(claims: Claims, issuer: string, clientId: string): string | undefined {
  const { iss, aud, events, jti, sub } = claims
  if (iss !== issuer) return `it is of another issuer: ${shown(iss)}`
  const meant = textsIn(aud)
  const isWellFormed = typeof aud === 'string' || (Array.isArray(aud) && meant.length === aud.length)
  if (!isWellFormed || !meant.includes(clientId)) return `it is for another client: ${shown(aud)}`
  if (!isObject(events) || !Object.hasOwn(events, logoutEvent) || !isObject(events[logoutEvent]))
    return 'it does not say that somebody has left'
  // Else an ID token might pass for one.
  if (Object.hasOwn(claims, 'nonce')) return 'it has a nonce'
  if (typeof jti !== 'string' || jti === '' || jti.length > maxName) return 'it has no name of its own (jti)'
  if (sub !== undefined && (typeof sub !== 'string' || sub === '' || sub.length > maxName))
    return 'whom it is about cannot be read'
  if (Object.hasOwn(claims, 'sid') && sessionIn(claims) === null) return 'its session cannot be read'
  return sub === undefined && !Object.hasOwn(claims, 'sid') ? 'it is about nobody' : undefined
}

/** Until when it may be taken, or why it may not. */
function endOf({ iat, exp }: Claims, nowMs: number): number | string {
  if (!isTime(iat) || !(exp === undefined || isTime(exp))) return 'it does not say when it was issued'
  if (iat * 1000 > nowMs + toleranceMs) return 'it is not valid yet'
  const latest = iat * 1000 + maxAgeMs
  const end = exp === undefined ? latest : Math.min(latest, exp * 1000 + toleranceMs)
  return end <= nowMs ? 'it is too old' : end
}

/** RFC 7519 section 2, NumericDate; up to the year 9999. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 253_402_300_799
}

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'
/** Whose signing key is secret. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
const toleranceMs = 60_000
/** Providers make it when they send it. */
const maxAgeMs = 300_000
const maxName = 255
