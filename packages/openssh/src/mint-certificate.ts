import { randomBytes } from 'node:crypto'
import { certificateType, type CertificateKind } from './certificate.ts'
import { isPrincipal } from './check-certificate.ts'
import { fieldsOf, type PublicKey } from './public-key.ts'
import { control, WireWriter } from './wire.ts'
import type { PrivateKey } from './private-key.ts'

/** What an authority is to say of a key. */
export interface CertificateRequest {
  readonly key: PublicKey
  readonly kind: CertificateKind
  readonly keyId: string
  readonly serial: bigint
  /** At least one. */
  readonly principals: readonly string[]
  /** Milliseconds since 1970; the certificate has whole seconds, and is never good for longer than this. */
  readonly validAfterMs: number
  readonly validBeforeMs: number
  readonly criticalOptions?: Readonly<Record<string, string>>
  /** Those without a value have an empty one: `{ 'permit-pty': '' }`. */
  readonly extensions?: Readonly<Record<string, string>>
}

/**
 * A certificate, as OpenSSH encodes it.
 * @throws RangeError where it would be good for nobody, for no time, or for more than it says
 */
export function mintCertificate(request: CertificateRequest, authority: PrivateKey): Buffer {
  const { key, principals } = request
  const validAfter = BigInt(Math.ceil(request.validAfterMs / 1000))
  const validBefore = BigInt(Math.floor(request.validBeforeMs / 1000))
  if (principals.length === 0 || !principals.every(isPrincipal))
    throw new RangeError('a certificate has principals, each of them a name without spaces and commas')
  if (validAfter < 0n || validAfter >= validBefore)
    throw new RangeError('a certificate is good for some time')
  if (control.test(request.keyId)) throw new RangeError('a key id has no control characters')
  const signed = new WireWriter()
    .string(certificateType(key))
    .string(randomBytes(nonceBytes))
    .bytes(fieldsOf(key))
    .uint64(request.serial)
    .uint32(request.kind === 'user' ? 1 : 2)
    .string(request.keyId)
    .string(principals.reduce((list, name) => list.string(name), new WireWriter()).done())
    .uint64(validAfter)
    .uint64(validBefore)
    .string(optionList(request.criticalOptions ?? {}))
    .string(optionList(request.extensions ?? {}))
    .string('') // reserved
    .string(authority.publicKey.blob)
    .done()
  return new WireWriter().bytes(signed).string(authority.sign(signed)).done()
}

/** What sshd permits of itself where nothing is certified: all that a person's session may need. */
export const permitAll: Readonly<Record<string, string>> = {
  'permit-X11-forwarding': '',
  'permit-agent-forwarding': '',
  'permit-port-forwarding': '',
  'permit-pty': '',
  'permit-user-rc': '',
}

function optionList(options: Readonly<Record<string, string>>): Buffer {
  const writer = new WireWriter()
  for (const name of Object.keys(options).toSorted()) {
    const value = options[name] ?? ''
    if (control.test(name) || control.test(value)) throw new RangeError('an option has no control characters')
    writer.string(name).string(value === '' ? '' : new WireWriter().string(value).done())
  }
  return writer.done()
}

const nonceBytes = 32
