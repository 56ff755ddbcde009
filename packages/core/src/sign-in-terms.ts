import type { SignedIn } from './identity.ts'

/** What a sign-in must be. */
export interface SignInTerms {
  /** Of one of these classes, to the letter: there is no order among them. Absent: of any. */
  readonly acr?: readonly string[]
  /** Not so long ago, or longer. */
  readonly maxAgeMs?: number
}

/**
 * Whether a sign-in is what is asked for. Of what it does not say nothing is met.
 * @param nowMs since 1970
 */
export function isSignedInAs(
  { acr, maxAgeMs }: SignInTerms,
  signedIn: SignedIn | undefined,
  nowMs: number,
): boolean {
  if (signedIn === undefined) return false
  if (acr !== undefined && !acr.some((one) => signedIn.acr.includes(one))) return false
  if (maxAgeMs === undefined) return true
  const { atMs } = signedIn
  return atMs !== undefined && nowMs - atMs < maxAgeMs && atMs - nowMs <= aheadMs
}

/** When {@link isSignedInAs} will say something else, if ever. @returns Infinity where never */
export function signInLapsesAt({ maxAgeMs }: SignInTerms, { atMs }: SignedIn, nowMs: number): number {
  if (maxAgeMs === undefined || atMs === undefined) return Number.POSITIVE_INFINITY
  const turns = [atMs - aheadMs, atMs + maxAgeMs].filter((at) => at > nowMs)
  return Math.min(...turns)
}

/** What meets both; undefined where nothing can. */
export function bothTerms(one: SignInTerms, other: SignInTerms): SignInTerms | undefined {
  const acr = one.acr && other.acr ? one.acr.filter((it) => other.acr?.includes(it)) : (one.acr ?? other.acr)
  if (acr?.length === 0) return undefined
  const ages = [one.maxAgeMs, other.maxAgeMs].filter((age) => age !== undefined)
  return termsOf(acr, ages)
}

/** What meets one of them at least: those that any sign-in meets that is new, where there are such. */
export function eitherTerms(all: readonly SignInTerms[]): SignInTerms {
  const ofAny = all.filter(({ acr }) => acr === undefined)
  const some = ofAny.length > 0 ? ofAny : all
  const acr = [...new Set(some.flatMap((terms) => terms.acr ?? []))]
  const ages = some.flatMap(({ maxAgeMs }) => maxAgeMs ?? [])
  return termsOf(ofAny.length > 0 ? undefined : acr, ages)
}

/** `a sign-in by phr or phrh, at most 15 min ago`. */
export function signInInWords({ acr, maxAgeMs }: SignInTerms): string {
  const by = acr === undefined ? '' : ` by ${acr.join(' or ')}`
  const age = maxAgeMs === undefined ? '' : `${acr === undefined ? '' : ','} at most ${inUnits(maxAgeMs)} ago`
  return `a sign-in${by}${age}`
}

function termsOf(acr: readonly string[] | undefined, ages: readonly number[]): SignInTerms {
  return {
    ...(acr !== undefined && { acr }),
    ...(ages.length > 0 && { maxAgeMs: Math.min(...ages) }),
  }
}

function inUnits(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000} h`
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${Math.ceil(ms / 1000)} s`
}

/** How far the clock of whoever signs people in may be ahead of ours. */
const aheadMs = 60_000
