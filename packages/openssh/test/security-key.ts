import { generateKeyPairSync, hash, sign, type KeyObject } from 'node:crypto'
import { parsePublicKey, WireWriter, type PublicKey } from '../src/index.ts'

/** A security key made of software: it signs as OpenSSH's PROTOCOL.u2f says. */
export class SecurityKey {
  readonly #object: KeyObject
  readonly #isEd25519: boolean
  readonly publicKey: PublicKey

  constructor(
    type: 'sk-ssh-ed25519@openssh.com' | 'sk-ecdsa-sha2-nistp256@openssh.com',
    application = 'ssh:',
  ) {
    this.#isEd25519 = type.includes('ed25519')
    const { privateKey } = this.#isEd25519
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#object = privateKey
    const { x = '', y = '' } = privateKey.export({ format: 'jwk' })
    const writer = new WireWriter().string(type)
    if (this.#isEd25519) writer.string(Buffer.from(x, 'base64url'))
    else
      writer
        .string('nistp256')
        .string(Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]))
    this.publicKey = parsePublicKey(writer.string(application).done())
  }

  /** @param flags 1 where somebody touched it, 4 where they were verified */
  sign(data: Uint8Array, flags = 1, counter = 7): Buffer {
    const moment = new WireWriter().uint8(flags).uint32(counter).done()
    const application = hash('sha256', this.publicKey.application ?? '', 'buffer')
    const signed = Buffer.concat([application, moment, hash('sha256', data, 'buffer')])
    const raw = this.#isEd25519
      ? sign(null, signed, this.#object)
      : sign('sha256', signed, { key: this.#object, dsaEncoding: 'ieee-p1363' })
    const bytes = this.#isEd25519
      ? raw
      : new WireWriter().mpint(raw.subarray(0, 32)).mpint(raw.subarray(32)).done()
    return new WireWriter().string(this.publicKey.type).string(bytes).bytes(moment).done()
  }
}
