import { randomBytes } from 'node:crypto'
import { timeOrderedId, type SignedIn } from '@sallyport/core'
import type { SignInRow, Writers } from '@sallyport/store'
import { claimAt, textsIn } from './federation/claims.ts'
import type { Claims } from './federation/jwt.ts'

/** What a token says of how somebody signed in. What it does not say plainly, or at too great a length, it does not say. */
export function signedInBy(claims: Claims, acrClaim = 'acr'): SignedIn {
  const at = claims['auth_time']
  return {
    acr: wordsIn(claimAt(claims, acrClaim)),
    amr: wordsIn(claims['amr']),
    ...(typeof at === 'number' && at >= 0 && at <= latestSeconds && { atMs: Math.floor(at) * 1000 }),
  }
}

/** What the provider calls its session, where it says so. */
export function sessionIn(claims: Claims): string | null {
  const sid = claims['sid']
  return typeof sid === 'string' && sid !== '' && sid.length <= maxLength ? sid : null
}

/** Keeps a new sign-in. @returns its id */
export async function keepSignIn(tx: Writers, nowMs: number, signIn: Omit<SignInRow, 'id'>): Promise<string> {
  const id = signInId(nowMs)
  await tx.signIns.add({ ...signIn, id })
  return id
}

/** {@link keepSignIn}, by a password of ours. */
export function keepPasswordSignIn(tx: Writers, nowMs: number, userName: string): Promise<string> {
  const signedIn = { acr: [], amr: ['pwd'], atMs: nowMs }
  return keepSignIn(tx, nowMs, { userName, issuer: null, sid: null, refresh: null, signedIn })
}

export function signInId(nowMs: number): string {
  return timeOrderedId('sgn', nowMs, randomBytes(16))
}

function wordsIn(claim: unknown): readonly string[] {
  const words = textsIn(claim).filter((word) => word !== '' && word.length <= maxLength)
  return words.slice(0, maxWords)
}

const maxLength = 255
const maxWords = 32
/** The last second of the year 9999. */
const latestSeconds = 253_402_300_799
