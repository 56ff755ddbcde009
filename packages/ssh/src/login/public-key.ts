import type { OfferedKey, ProvenKey } from '@sallyport/core'
import {
  isCertificateType,
  Malformed,
  parseCertificate,
  parsePublicKey,
  parseSignature,
  signatureAlgorithms,
  verifySignature,
  verifyWithCertificate,
} from '@sallyport/openssh'
import type { PublicKeyRequest } from '../ssh2/index.ts'

/** The key that a client names, as the gate knows keys. Undefined where it is of a kind that nobody may use. */
export function offeredKey({ algorithm, key: { data } }: PublicKeyRequest): OfferedKey | undefined {
  return ifWellFormed(() => {
    const certifies = isCertificateType(typeOf(data))
    const key = certifies ? parseCertificate(data).key : parsePublicKey(data)
    if (!namesOf(key.type, certifies).includes(algorithm)) return undefined
    return { kind: certifies ? 'certificate' : 'public-key', blob: data }
  })
}

/** The key in whose name the client signed this very connection. Undefined where it did not. */
export function provenKey(attempt: PublicKeyRequest): ProvenKey | undefined {
  const { algorithm, blob: signed, rawSignature } = attempt
  const offered = offeredKey(attempt)
  if (offered === undefined || signed === undefined || rawSignature === undefined) return undefined
  return ifWellFormed(() => {
    const signature = parseSignature(rawSignature)
    // A signature by another algorithm than the one that was named would let a client choose a weaker one.
    if (signature.algorithm !== plainName(algorithm)) return undefined
    const isGood =
      offered.kind === 'certificate'
        ? verifyWithCertificate(parseCertificate(offered.blob), signature, signed)
        : verifySignature(parsePublicKey(offered.blob), signature, signed)
    return isGood ? { ...offered, isProven: true } : undefined
  })
}

/** By which names a key of a type signs, or a certificate of one. */
function namesOf(type: Parameters<typeof signatureAlgorithms>[0], certifies: boolean): readonly string[] {
  const plain = signatureAlgorithms(type)
  return certifies ? plain.map((name) => `${name.replace(vendor, '')}${certificateEnd}`) : plain
}

/** The algorithm of a signature that is made for a certificate of this algorithm. */
function plainName(algorithm: string): string {
  if (!algorithm.endsWith(certificateEnd)) return algorithm
  const plain = algorithm.slice(0, -certificateEnd.length)
  return plain.startsWith('sk-') ? `${plain}@openssh.com` : plain
}

function typeOf(blob: Buffer): string {
  return blob.length < 4 ? '' : blob.toString('latin1', 4, 4 + blob.readUInt32BE(0))
}

function ifWellFormed<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (thrown) {
    if (thrown instanceof Malformed) return undefined
    throw thrown
  }
}

const certificateEnd = '-cert-v01@openssh.com'
const vendor = /@openssh\.com$/
