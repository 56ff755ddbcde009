import { keyTypeNamed, readPublicKey, type PublicKey } from './public-key.ts'
import { parseSignature, verifySignature, type Signature } from './signature.ts'
import { Malformed, WireReader } from './wire.ts'

/**
 * An OpenSSH certificate as it was read: nothing of it is true before {@link checkCertificate} has found it good.
 * @see OpenSSH's PROTOCOL.certkeys
 */
export interface Certificate {
  /** Such as `ssh-ed25519-cert-v01@openssh.com`. */
  readonly type: string
  readonly blob: Buffer
  /** The key that it certifies. */
  readonly key: PublicKey
  readonly serial: bigint
  readonly kind: CertificateKind
  /** What whoever issued it calls it, for people and logs. */
  readonly keyId: string
  /** User or host names. An empty list, which once meant all of them, is good for none. */
  readonly principals: readonly string[]
  /** Seconds since 1970: from then on. */
  readonly validAfter: bigint
  /** Seconds since 1970: not then any more. */
  readonly validBefore: bigint
  /** Must be understood. The value is empty where the option has none. */
  readonly criticalOptions: ReadonlyMap<string, string>
  /** May be passed over. */
  readonly extensions: ReadonlyMap<string, string>
  /** The blob of the key that signed it, read by nobody yet. */
  readonly authority: Buffer
  readonly signature: Signature
  /** What is signed. */
  readonly signed: Buffer
}

export type CertificateKind = 'user' | 'host'

export function isCertificateType(type: string): boolean {
  return type.endsWith(suffix)
}

/** The type of a certificate of a key. */
export function certificateType(key: PublicKey): string {
  return key.type.replace(/(?:@openssh\.com)?$/, suffix)
}

/** @throws Malformed where it is no certificate of a key type in use, or is not whole and exact */
export function parseCertificate(blob: Uint8Array): Certificate {
  const bytes = Buffer.from(blob)
  const reader = new WireReader(bytes)
  const type = reader.text()
  const keyType = keyTypeOf(type)
  if (keyType === undefined) throw new Malformed('a type of certificate that is not supported')
  reader.string() // the nonce
  const key = readPublicKey(keyType, reader)
  const serial = reader.uint64()
  const kind = kinds[reader.uint32()]
  if (kind === undefined) throw new Malformed('a certificate of neither a user nor a host')
  const keyId = reader.text()
  const principals = principalsIn(reader.string())
  const [validAfter, validBefore] = [reader.uint64(), reader.uint64()]
  const criticalOptions = optionsIn(reader.string())
  const extensions = optionsIn(reader.string())
  if (reader.string().length > 0) throw new Malformed('a certificate with something in what is reserved')
  const authority = reader.string()
  const signed = bytes.subarray(0, reader.at)
  const signature = parseSignature(reader.string())
  reader.end()
  return {
    type,
    blob: bytes,
    key,
    serial,
    kind,
    keyId,
    principals,
    validAfter,
    validBefore,
    criticalOptions,
    extensions,
    authority,
    signature,
    signed,
  }
}

/**
 * Whether the certified key signed the data: what proves that whoever shows a certificate has its key. A signature here carries its
 * algorithm's plain name, such as `ssh-ed25519`. Where the certificate asks for it, the user must have been verified.
 */
export function verifyWithCertificate(
  certificate: Certificate,
  signature: Signature | Uint8Array,
  data: Uint8Array,
): boolean {
  const demands = certificate.criticalOptions.has('verify-required') ? 'verified' : 'present'
  return verifySignature(certificate.key, signature, data, demands)
}

function keyTypeOf(type: string): PublicKey['type'] | undefined {
  if (!isCertificateType(type)) return undefined
  const name = type.slice(0, -suffix.length)
  return keyTypeNamed(name.startsWith('sk-') ? `${name}@openssh.com` : name)
}

function principalsIn(list: Buffer): readonly string[] {
  const reader = new WireReader(list)
  const principals: string[] = []
  while (reader.left > 0) {
    if (principals.length === maxPrincipals) throw new Malformed(`more than ${maxPrincipals} principals`)
    principals.push(reader.text())
  }
  return principals
}

function optionsIn(list: Buffer): ReadonlyMap<string, string> {
  const reader = new WireReader(list)
  const options = new Map<string, string>()
  let last = ''
  while (reader.left > 0) {
    if (options.size === maxOptions) throw new Malformed(`more than ${maxOptions} options`)
    const name = reader.text()
    if (name <= last) throw new Malformed('options without a name, twice or out of order')
    last = name
    const data = new WireReader(reader.string())
    options.set(name, data.left === 0 ? '' : data.text())
    data.end()
  }
  return options
}

const suffix = '-cert-v01@openssh.com'
const kinds: readonly (CertificateKind | undefined)[] = [undefined, 'user', 'host']
/** OpenSSH's own limit. */
const maxPrincipals = 256
const maxOptions = 64
