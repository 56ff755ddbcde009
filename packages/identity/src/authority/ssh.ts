import { randomBytes } from 'node:crypto'
import type { Clock, UpstreamCredential } from '@sallyport/core'
import {
  fingerprint,
  generatePrivateKey,
  keyLine,
  mintCertificate,
  permitAll,
  type PrivateKey,
} from '@sallyport/openssh'

/** An authority's public half, as sshd and people take it. */
export interface SshAuthorityView {
  /** One line, as `TrustedUserCAKeys` has them. */
  readonly publicKey: string
  /** `SHA256:…` */
  readonly fingerprint: string
}

export function authorityView({ publicKey, comment }: PrivateKey): SshAuthorityView {
  return { publicKey: keyLine(publicKey.blob, comment), fingerprint: fingerprint(publicKey.blob) }
}

/**
 * Certifies keys with which the gateway itself logs in to targets. Targets trust it (`TrustedUserCAKeys`); nobody's client ever holds
 * a certificate of it, and the gateway lets nobody in by one.
 */
export class TargetAuthority {
  readonly #key: PrivateKey
  readonly #clock: Clock

  constructor(key: PrivateKey, clock: Clock) {
    this.#key = key
    this.#clock = clock
  }

  /**
   * A fresh key and its certificate, good for one log-in. What a session may do there, policy has decided: the certificate permits
   * what a plain key would.
   * @param account the one principal, by which sshd knows whom it lets in
   * @param session the key id, by which sshd's log and ours are about the same
   * @throws RangeError where the account's name cannot stand in a certificate
   */
  issue(account: string, session: string): UpstreamCredential {
    const now = this.#clock.now()
    const key = generatePrivateKey(session)
    const certificate = mintCertificate(
      {
        key: key.publicKey,
        kind: 'user',
        keyId: session,
        serial: randomBytes(8).readBigUInt64BE(),
        principals: [account],
        validAfterMs: now - skewMs,
        validBeforeMs: now + logInMs,
        extensions: permitAll,
      },
      this.#key,
    )
    return { user: account, privateKey: key.toOpenSsh(), certificate }
  }
}

/** Targets' clocks may be this far behind ours. */
const skewMs = 60_000
/** A log-in takes no longer; sshd asks for the certificate only then. */
const logInMs = 5 * 60_000
