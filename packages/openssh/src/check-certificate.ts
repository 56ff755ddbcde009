import { isInAddressList } from './address-list.ts'
import { isCertificateType, parseCertificate, type Certificate, type CertificateKind } from './certificate.ts'
import { signatureAlgorithms, verifySignature } from './signature.ts'
import { control, Malformed, WireReader } from './wire.ts'
import type { PublicKey } from './public-key.ts'

/** What a certificate is held against. */
export interface CertificateTerms {
  readonly kind: CertificateKind
  /** Plain keys, each of which is trusted to say this. */
  readonly authorities: readonly PublicKey[]
  /** The user or host that it must be for. */
  readonly principal: string
  readonly nowMs: number
  /** Whom it came from, without a port: what `source-address` is about. Where absent, a certificate that names sources is refused. */
  readonly peerAddress?: string
  /** By its serial, key id, key or authority. Only asked about what a trusted authority has signed. */
  readonly isRevoked: (certificate: Certificate) => boolean
}

/**
 * Why a certificate is not good: for logs, never for whoever showed it, to whom all of these are the same.
 *
 * - `malformed` not whole, not exact, or of a type that is not supported
 * - `other-kind` of a host where a user is asked for, or the other way round
 * - `signed-by-certificate` whoever signed it is certified itself: there are no chains
 * - `unknown-authority` signed by a key that is not trusted
 * - `weak-signature` an algorithm that its authority may not sign by, such as `ssh-rsa`, which is SHA-1
 * - `bad-signature` the authority did not sign this
 * - `no-principals` it names none, which once meant all
 * - `strange-principals` one of them is empty or has a comma, a space or a control character
 * - `other-principal` it is for somebody else
 * - `not-yet-valid` `expired` by our clock
 * - `unknown-critical-option` it restricts what it is for by something that we do not know
 * - `bad-critical-option` or says it in a way that has no meaning
 * - `other-source` it may not be used from that address
 * - `revoked`
 */
export type CertificateFlaw =
  | 'malformed'
  | 'other-kind'
  | 'signed-by-certificate'
  | 'unknown-authority'
  | 'weak-signature'
  | 'bad-signature'
  | 'no-principals'
  | 'strange-principals'
  | 'other-principal'
  | 'not-yet-valid'
  | 'expired'
  | 'unknown-critical-option'
  | 'bad-critical-option'
  | 'other-source'
  | 'revoked'

export type CertificateVerdict = GoodCertificate | { readonly kind: 'flawed'; readonly flaw: CertificateFlaw }

/** What it says is true. Whether whoever showed it has its key is another question: {@link verifyWithCertificate}. */
export interface GoodCertificate {
  readonly kind: 'good'
  readonly certificate: Certificate
  /** The one command that it is good for, in place of whatever is asked for. */
  readonly forceCommand?: string
}

/** The one place that says whether a certificate is good. It throws nothing: what cannot be read is flawed. */
export function checkCertificate(
  shown: Certificate | Uint8Array,
  terms: CertificateTerms,
): CertificateVerdict {
  let certificate
  try {
    certificate = shown instanceof Uint8Array ? parseCertificate(shown) : shown
  } catch (thrown) {
    if (thrown instanceof Malformed) return { kind: 'flawed', flaw: 'malformed' }
    throw thrown
  }
  const flaw =
    signatureFlaw(certificate, terms) ??
    principalFlaw(certificate, terms) ??
    restrictionFlaw(certificate, terms)
  if (flaw !== undefined) return { kind: 'flawed', flaw }
  const forceCommand = certificate.criticalOptions.get('force-command')
  return { kind: 'good', certificate, ...(forceCommand !== undefined && { forceCommand }) }
}

/** Whether it says anything at all: until this is known, whatever else it has in it is a stranger's. */
function signatureFlaw(
  certificate: Certificate,
  { kind, authorities }: CertificateTerms,
): CertificateFlaw | undefined {
  if (certificate.kind !== kind) return 'other-kind'
  if (isSignedByCertificate(certificate)) return 'signed-by-certificate'
  const authority = authorities.find(({ blob }) => blob.equals(certificate.authority))
  if (authority === undefined) return 'unknown-authority'
  if (!signatureAlgorithms(authority.type).includes(certificate.signature.algorithm)) return 'weak-signature'
  return verifySignature(authority, certificate.signature, certificate.signed) ? undefined : 'bad-signature'
}

function isSignedByCertificate({ authority }: Certificate): boolean {
  try {
    return isCertificateType(new WireReader(authority).text())
  } catch {
    // Whatever it is, it is no key that is trusted, which is what is said of it next.
    return false
  }
}

function principalFlaw(
  { principals }: Certificate,
  { principal }: CertificateTerms,
): CertificateFlaw | undefined {
  if (principals.length === 0) return 'no-principals'
  if (!principals.every(isPrincipal)) return 'strange-principals'
  return principals.includes(principal) ? undefined : 'other-principal'
}

/** A comma would make one name look like several to others; a space or a control character, like none. */
export function isPrincipal(name: string): boolean {
  return name !== '' && !/[\s,]/.test(name) && !control.test(name)
}

function restrictionFlaw(certificate: Certificate, terms: CertificateTerms): CertificateFlaw | undefined {
  const now = BigInt(Math.floor(terms.nowMs / 1000))
  if (now < certificate.validAfter) return 'not-yet-valid'
  if (now >= certificate.validBefore) return 'expired'
  for (const [option, value] of certificate.criticalOptions) {
    const flaw = optionFlaw(option, value, terms)
    if (flaw !== undefined) return flaw
  }
  return terms.isRevoked(certificate) ? 'revoked' : undefined
}

function optionFlaw(option: string, value: string, terms: CertificateTerms): CertificateFlaw | undefined {
  // None is defined for hosts.
  if (terms.kind === 'host') return 'unknown-critical-option'
  switch (option) {
    case 'force-command':
      return value === '' ? 'bad-critical-option' : undefined
    case 'verify-required':
      return value === '' ? undefined : 'bad-critical-option'
    case 'source-address':
      return sourceFlaw(value, terms.peerAddress)
    default:
      return 'unknown-critical-option'
  }
}

function sourceFlaw(list: string, peerAddress = ''): CertificateFlaw | undefined {
  try {
    return isInAddressList(list, peerAddress) ? undefined : 'other-source'
  } catch (thrown) {
    if (thrown instanceof Malformed) return 'bad-critical-option'
    throw thrown
  }
}
