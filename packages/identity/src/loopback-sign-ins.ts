import { hash, timingSafeEqual } from 'node:crypto'
import { isRefusal, refusal, type Clock, type Refusal, type Secret } from '@sallyport/core'
import type { Approver } from './device-sign-ins.ts'
import { mintOpaque, opaqueHash } from './opaque-token.ts'
import type { MintedToken, Tokens } from './tokens.ts'

interface Given {
  readonly challenge: string
  readonly by: Approver
  readonly expiresAtMs: number
}

/**
 * Sign-ins of a program by the browser of the same machine (RFC 8252): the browser carries a code back to it over loopback, and only
 * whoever began can trade that for a token (RFC 7636). Kept in memory, for {@link codeMs}.
 */
export class LoopbackSignIns {
  readonly #tokens: Pick<Tokens, 'mint'>
  readonly #clock: Clock
  readonly #given = new Map<string, Given>()

  constructor(tokens: Pick<Tokens, 'mint'>, clock: Clock) {
    this.#tokens = tokens
    this.#clock = clock
  }

  /** @param challenge SHA-256 of the program's verifier, base64url */
  give(by: Approver, challenge: string): Secret | Refusal {
    const now = this.#clock.now()
    for (const [key, { expiresAtMs }] of this.#given) if (expiresAtMs <= now) this.#given.delete(key)
    if (this.#given.size >= maxGiven)
      return refusal('throttled', 'too many sign-ins are on their way', 'try again in a minute')
    const { token, hash: key } = mintOpaque('spd')
    this.#given.set(key, { challenge, by, expiresAtMs: now + codeMs })
    return token
  }

  /** Each code once, whoever shows it. */
  async redeem(code: Secret, verifier: Secret): Promise<MintedToken | Refusal> {
    const key = opaqueHash('spd', code)
    const given = key === undefined ? undefined : this.#given.get(key)
    if (key === undefined || given === undefined) return notGood
    this.#given.delete(key)
    if (given.expiresAtMs <= this.#clock.now() || !isOf(given.challenge, verifier)) return notGood
    const { subject, token } = given.by
    const minted = await this.#tokens.mint(subject, {
      principalId: subject.principal.id,
      label: 'sallyport login',
      signedInBy: token.id,
    })
    return isRefusal(minted) ? notGood : minted
  }
}

function isOf(challenge: string, verifier: Secret): boolean {
  const expected = Buffer.from(hash('sha256', verifier.reveal(), 'base64url'))
  const given = Buffer.from(challenge)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

const notGood = refusal(
  'invalid-credential',
  'the sign-in is not good, or its time is over',
  'begin anew: sallyport login',
)
const codeMs = 60_000
const maxGiven = 1000
