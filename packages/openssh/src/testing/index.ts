import { hash } from 'node:crypto'
import type { PrivateKey } from '../private-key.ts'
import type { PublicKey } from '../public-key.ts'
import { WireReader, WireWriter } from '../wire.ts'

/** What `ssh-keygen -Y sign` writes, and `-Y verify` reads. @see OpenSSH's PROTOCOL.sshsig */
export const sshSignature = {
  signed(namespace: string, message: Uint8Array): Buffer {
    const writer = new WireWriter().bytes(preamble).string(namespace).string('').string('sha512')
    return writer.string(hash('sha512', message, 'buffer')).done()
  },

  armored(key: PublicKey, namespace: string, signature: Uint8Array): string {
    const writer = new WireWriter().bytes(preamble).uint32(1).string(key.blob).string(namespace).string('')
    const lines =
      writer
        .string('sha512')
        .string(signature)
        .done()
        .toString('base64')
        .match(/.{1,70}/g) ?? []
    return `${['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----'].join('\n')}\n`
  },

  /** The signature in it. */
  of(text: string): Buffer {
    const reader = new WireReader(Buffer.from(text.replaceAll(/-----.*-----|\s/g, ''), 'base64'))
    reader.take(preamble.length + 4)
    for (let field = 0; field < 4; field++) reader.string()
    return reader.string()
  },
}

const preamble = Buffer.from('SSHSIG')

/** What `ssh-keygen -Y sign` writes of a message. */
export function signedBy(key: PrivateKey, namespace: string, message: string): string {
  const signature = key.sign(sshSignature.signed(namespace, Buffer.from(message)))
  return sshSignature.armored(key.publicKey, namespace, signature)
}
