import { randomBytes } from 'node:crypto'
import { refusal, timeOfId, type Clock, type PrincipalId, type Refusal } from '@sallyport/core'
import { Malformed, parseMessageSignature, verifyMessage, type PublicKey } from '@sallyport/openssh'
import type { Readers } from '@sallyport/store'
import type { Authenticated } from '../authenticator.ts'
import { userNameOf } from '../principals.ts'

/** What somebody signs with a key, to show that they have it. */
export interface KeyChallenge {
  readonly challenge: string
  /** The text to sign, to the byte: it says what for, at which gateway, and for whom. */
  readonly message: string
  readonly expiresAtMs: number
}

interface Asked extends KeyChallenge {
  readonly principalId: PrincipalId
}

/** What the signature is for: no other signature by the key is one of these, and none of these is another. */
export const keyNamespace = 'register-key@sallyport'

/**
 * Signing in is the moment at which a person is known best: what is to outlive their token for months is added within 15 minutes of it.
 * It counts when they last showed their provider who they are. Where that does not say so, when they signed in here; of a token that the
 * provider gave to something else nobody knows.
 */
export async function hasJustSignedIn(
  { tokens }: Pick<Readers, 'tokens'>,
  { subject, token }: Authenticated,
  nowMs: number,
): Promise<boolean> {
  const row = await tokens.get(token.id)
  const isOurs = row !== undefined && row.issuer === null && row.sshKey === null
  const hereMs = isOurs && row.signIn !== null ? timeOfId(row.signIn) : undefined
  const atMs = subject.signedIn?.atMs ?? hereMs
  // A provider's clock may be ahead of ours, by little.
  return atMs !== undefined && nowMs - atMs <= justMs && atMs - nowMs <= clockToleranceMs
}

/**
 * Proofs that whoever adds a key has its private half. A challenge is for one person and one key, once, and is kept in memory: a gateway
 * that starts anew has forgotten it.
 */
export class KeyProofs {
  readonly #clock: Clock
  readonly #asked = new Map<string, Asked>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param gateway its own address */
  begin(principalId: PrincipalId, gateway: string): KeyChallenge | Refusal {
    this.#forgetOver()
    const mine = [...this.#asked.values()].filter((it) => it.principalId === principalId)
    if (mine.length >= maxOfOne || this.#asked.size >= maxAsked) return tooMany
    const challenge = randomBytes(24).toString('base64url')
    const message = [
      'Sallyport: let this key log in over SSH',
      `gateway: ${gateway}`,
      `user: ${userNameOf(principalId) ?? principalId}`,
      `challenge: ${challenge}`,
    ].join('\n')
    const asked = { challenge, message, expiresAtMs: this.#clock.now() + challengeMs, principalId }
    this.#asked.set(challenge, asked)
    return asked
  }

  /** Whether the key has signed the challenge of this person. Whatever the answer, the challenge is over. */
  isProven(
    principalId: PrincipalId,
    proof: { readonly key: PublicKey; readonly challenge: string; readonly signature: string },
  ): boolean {
    this.#forgetOver()
    const asked = this.#asked.get(proof.challenge)
    if (asked?.principalId !== principalId) return false
    this.#asked.delete(proof.challenge)
    try {
      const signature = parseMessageSignature(proof.signature)
      const expected = { namespace: keyNamespace, message: Buffer.from(asked.message) }
      return signature.key.blob.equals(proof.key.blob) && verifyMessage(signature, expected)
    } catch (thrown) {
      if (thrown instanceof Malformed) return false
      throw thrown
    }
  }

  /** They all live equally long, so that the first are over first. */
  #forgetOver(): void {
    for (const [challenge, { expiresAtMs }] of this.#asked) {
      if (expiresAtMs > this.#clock.now()) return
      this.#asked.delete(challenge)
    }
  }
}

const tooMany = refusal('throttled', 'too many keys are being added', 'try again in ten minutes')
const justMs = 15 * 60_000
const clockToleranceMs = 60_000
const challengeMs = 600_000
const maxOfOne = 20
const maxAsked = 1000
