import type { ClaimCondition, Issuer, IssuerRule } from '@sallyport/core'
import { actingIn, type Acting } from './actors.ts'
import { claimAt, shown, textsIn } from './claims.ts'
import type { Claims, NotTaken, UnverifiedJwt } from './jwt.ts'

/** How far an issuer's clock may be ahead of ours. A token's end is not stretched by it: its sessions end with it. */
const clockToleranceMs = 60_000

/** What a token says that may be relied on once its signature has been verified. */
export interface Judged {
  readonly rule: IssuerRule
  readonly subject: string
  /** Who acts for them, and who may. */
  readonly acting: Acting
  readonly issuedAtMs: number
  readonly expiresAtMs: number
}

/** Judges by an issuer's declaration all but the signature: whom the token is for, what kind it is, its times, and who it is about. Pure. */
export function judge(
  issuer: Issuer,
  { header, claims }: Pick<UnverifiedJwt, 'header' | 'claims'>,
  nowMs: number,
): Judged | NotTaken {
  const wrong =
    wrongHeader(issuer, header) ?? wrongAudience(issuer, claims) ?? wrongKind(issuer, header, claims)
  if (wrong !== undefined) return { why: wrong }
  const subject = claimAt(claims, 'sub')
  if (typeof subject !== 'string' || subject === '' || subject.length > maxSubject)
    return { why: 'it has no subject, or one that is too long' }
  const times = timesOf(issuer, claims, nowMs)
  if ('why' in times) return times
  const acting = actingIn(issuer, claims)
  if ('why' in acting) return acting
  const unwanted = wrongActor(issuer, acting)
  if (unwanted !== undefined) return { why: unwanted }
  const rule = issuer.rules.find(({ match }) => holds(match, claims))
  return rule === undefined ? { why: 'no rule matches its claims' } : { rule, subject, acting, ...times }
}

function wrongHeader({ algorithms }: Issuer, header: Claims): string | undefined {
  const { alg } = header
  if (!algorithms.some((one) => one === alg))
    return `it is signed by ${shown(alg)}, which is not one of its issuer’s algorithms`
  // RFC 7515 section 4.1.11: there is no extension that we know.
  return 'crit' in header ? 'its header has extensions that must be understood' : undefined
}

/** Ours must be in `aud`, and whatever says for which client it was made must say one of ours. OpenID Connect Core section 3.1.3.7 */
function wrongAudience({ audiences, authorizedParties }: Issuer, claims: Claims): string | undefined {
  const { aud } = claims
  const meant = textsIn(aud)
  const isWellFormed = typeof aud === 'string' || (Array.isArray(aud) && meant.length === aud.length)
  if (!isWellFormed || !meant.some((one) => audiences.includes(one)))
    return aud === undefined ? 'it names no audience' : `it is for another audience: ${shown(aud)}`
  const parties = ['azp', 'client_id'].filter((name) => Object.hasOwn(claims, name))
  if (parties.length === 0) {
    if (authorizedParties.length > 0) return 'it does not say for which client it was made'
    return meant.length > 1
      ? 'it is for several audiences, and does not say for which client it was made'
      : undefined
  }
  const ours = authorizedParties.length > 0 ? authorizedParties : audiences
  const other = parties.find((name) => !ours.some((one) => one === claims[name]))
  return other === undefined
    ? undefined
    : `it was made for another client: ${other} is ${shown(claims[other])}`
}

/** A sign-in's ID token is shown to a client, and proves nothing to anybody else. RFC 9068 section 4 */
function wrongKind({ tokens }: Issuer, header: Claims, claims: Claims): string | undefined {
  const type =
    typeof header['typ'] === 'string'
      ? header['typ'].toLowerCase().replace(/^application\//, '')
      : header['typ']
  const isId =
    claims['token_use'] === 'id' ||
    claims['typ'] === 'ID' ||
    ['nonce', 'at_hash', 'c_hash', 's_hash'].some((name) => Object.hasOwn(claims, name))
  if (isId) return 'it is the ID token of a sign-in'
  if (tokens === 'access')
    return type === 'at+jwt' || claims['token_use'] === 'access'
      ? undefined
      : `it is no access token: its typ is ${shown(header['typ'])}`
  return type === undefined || type === 'jwt' ? undefined : `its typ is ${shown(header['typ'])}`
}

function wrongActor({ actors }: Issuer, { actor }: Acting): string | undefined {
  if (actor === undefined) return actors === 'required' ? 'it does not say who acts' : undefined
  return actors === 'refused' ? 'it says that somebody acts for whom it is about' : undefined
}

function timesOf(
  { maxLifetimeSeconds }: Issuer,
  claims: Claims,
  nowMs: number,
): { readonly issuedAtMs: number; readonly expiresAtMs: number } | NotTaken {
  const [issued, expires, notBefore = issued] = ['iat', 'exp', 'nbf'].map((name) => claims[name])
  if (!isTime(issued) || !isTime(expires) || !isTime(notBefore))
    return { why: 'it does not say when it was issued and until when it is good' }
  const issuedAtMs = issued * 1000
  const expiresAtMs = expires * 1000
  if (expiresAtMs <= nowMs) return { why: 'it has expired' }
  if (Math.max(issuedAtMs, notBefore * 1000) > nowMs + clockToleranceMs) return { why: 'it is not valid yet' }
  if (expiresAtMs - issuedAtMs > maxLifetimeSeconds * 1000)
    return { why: `it lives longer than ${maxLifetimeSeconds} s` }
  return { issuedAtMs, expiresAtMs }
}

/** RFC 7519 section 2, NumericDate; up to the year 9999. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 253_402_300_799
}

function holds(match: IssuerRule['match'], claims: Claims): boolean {
  return Object.entries(match).every(([path, condition]) => {
    const value = claimAt(claims, path)
    const values: readonly unknown[] = Array.isArray(value) ? value : [value]
    return values.some((one) => meets(one, condition))
  })
}

function meets(value: unknown, condition: ClaimCondition): boolean {
  if (Array.isArray(condition)) return condition.includes(value)
  if (typeof condition !== 'object') return value === condition
  return typeof value === 'string' && 'startsWith' in condition && value.startsWith(condition.startsWith)
}

const maxSubject = 255
