import { randomBytes } from 'node:crypto'
import { isRefusal, type Clock, type OfferedKey, type Subject } from '@sallyport/core'
import {
  checkCertificate,
  fingerprint,
  Malformed,
  mintCertificate,
  parseCertificate,
  permitAll,
  type Certificate,
  type CertificateFlaw,
  type PrivateKey,
  type PublicKey,
} from '@sallyport/openssh'
import type { Store } from '@sallyport/store'
import type { Authenticated } from '../authenticator.ts'
import type { Tokens } from '../tokens.ts'

/** A certificate of the gateway's authority for users. */
export interface UserCertificate {
  /** As OpenSSH encodes it. */
  readonly blob: Buffer
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number
}

/** Why a certificate lets nobody in: for logs. `ended`: the token under which it was issued is revoked or over. */
export type CertificateTrouble = CertificateFlaw | 'ended' | 'forced-command'

/**
 * Certificates by which people log in to the gateway. Each is issued under an access token and is that token in another form: its key
 * id is the token's id, it is good no longer, it logs in as the token does, and whatever ends the token ends it, and what it opened.
 */
export class UserCertificates {
  readonly #authority: PrivateKey
  readonly #store: Store
  readonly #tokens: Pick<Tokens, 'holderOf'>
  readonly #clock: Clock

  constructor(parts: {
    readonly authority: PrivateKey
    readonly store: Store
    readonly tokens: Pick<Tokens, 'holderOf'>
    readonly clock: Clock
  }) {
    this.#authority = parts.authority
    this.#store = parts.store
    this.#tokens = parts.tokens
    this.#clock = parts.clock
  }

  /** @param token of whoever asks @returns undefined in its last second */
  async issue(
    by: Subject,
    token: Pick<Authenticated['token'], 'id' | 'expiresAtMs'>,
    key: PublicKey,
  ): Promise<UserCertificate | undefined> {
    const now = this.#clock.now()
    const expiresAtMs = Math.floor(token.expiresAtMs / 1000) * 1000
    if (expiresAtMs <= now) return undefined
    const serial = randomBytes(8).readBigUInt64BE()
    const blob = mintCertificate(
      {
        key,
        kind: 'user',
        keyId: token.id,
        serial,
        principals: [by.principal.id],
        validAfterMs: now - skewMs,
        validBeforeMs: expiresAtMs,
        extensions: permitAll,
      },
      this.#authority,
    )
    await this.#store.write(by, 'SSH certificate', (tx) =>
      Promise.resolve(
        tx.note(`SSH certificate ${serial} for ${fingerprint(key.blob)} issued under token ${token.id}`, {
          kind: 'certificate',
        }),
      ),
    )
    return { blob, expiresAtMs }
  }

  /**
   * Whom a certificate is for. That its key is in the hand of whoever shows it is proven elsewhere.
   * @param from `host:port` of the client
   * @throws Fault gateway/store-unavailable
   */
  async holder({ blob }: OfferedKey, from: string | undefined): Promise<Authenticated | CertificateTrouble> {
    const certificate = readCertificate(blob)
    if (certificate === undefined) return 'malformed'
    const [name = '', ...others] = certificate.principals
    const verdict = checkCertificate(certificate, {
      kind: 'user',
      authorities: [this.#authority.publicKey],
      // Whose that must be, its token says.
      principal: name,
      nowMs: this.#clock.now(),
      ...(from !== undefined && { peerAddress: hostOf(from) }),
      // So does its token.
      isRevoked: () => false,
    })
    if (verdict.kind === 'flawed') return verdict.flaw
    // None is issued with one; nobody here would hold to it.
    if (verdict.forceCommand !== undefined) return 'forced-command'
    const who = await this.#tokens.holderOf(certificate.keyId)
    if (isRefusal(who)) return 'ended'
    return name === who.subject.principal.id && others.length === 0 ? who : 'other-principal'
  }
}

function readCertificate(blob: Uint8Array): Certificate | undefined {
  try {
    return parseCertificate(blob)
  } catch (thrown) {
    if (thrown instanceof Malformed) return undefined
    throw thrown
  }
}

/** The address in `host:port`. */
function hostOf(address: string): string {
  const [, bracketed, plain] = /^(?:\[(.+)\]|([^:]*)):\d+$/.exec(address) ?? []
  return bracketed ?? plain ?? address
}

/** Clocks of whoever reads it may be this far behind ours. */
const skewMs = 60_000
