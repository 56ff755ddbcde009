import { hash } from 'node:crypto'
import { Secret } from '@sallyport/core'
import {
  checkCertificate,
  checkHostKey,
  generatePrivateKey,
  hostKeyAlgorithms,
  isInAddressList,
  keyLine,
  Malformed,
  mintCertificate,
  parseCertificate,
  parseKeyLine,
  parseKeyText,
  parseKnownHosts,
  parseMessageSignature,
  parsePrivateKey,
  parsePublicKey,
  parseSignature,
  permitAll,
  privateKeyFromSeed,
  verifyMessage,
  verifySignature,
  verifyWithCertificate,
  WireWriter,
  type CertificateRequest,
} from '../../../packages/openssh/src/index.ts'
import { pick, type Random } from '../random.ts'
import { must, type Subject, type Target } from '../target.ts'

/** An input: one byte for which reader, then what it reads. */
export const target: Target = {
  name: 'openssh',
  promise:
    'keys, signatures, certificates and host lines of strangers are read exactly or refused: what is read is written by the same bytes, and nothing that an authority did not sign is good',
  unit: 'inputs',
  units: { long: 500_000, short: 3_000 },
  guide: /packages\/openssh\/src\//,
  maxBytes: 4096,
  slowMs: 300,
  open: () => Promise.resolve(subject),
}

const nowMs = Date.UTC(2030, 0, 1)
const authority = privateKeyFromSeed(Buffer.alloc(32, 1), 'authority')
const holder = privateKeyFromSeed(Buffer.alloc(32, 2), 'holder')
const stranger = generatePrivateKey()

function minted(changes: Partial<CertificateRequest>, by = authority): Buffer {
  const request = {
    key: holder.publicKey,
    kind: 'user' as const,
    keyId: 'k',
    serial: 1n,
    principals: ['alice'],
    validAfterMs: nowMs,
    validBeforeMs: nowMs + 60_000,
    extensions: permitAll,
  }
  return mintCertificate({ ...request, ...changes }, by)
}

const point = Buffer.from(
  '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
  'hex',
)
const blobs = [
  holder.publicKey.blob,
  new WireWriter().string('ecdsa-sha2-nistp256').string('nistp256').string(point).done(),
  new WireWriter()
    .string('sk-ecdsa-sha2-nistp256@openssh.com')
    .string('nistp256')
    .string(point)
    .string('ssh:')
    .done(),
  new WireWriter().string('sk-ssh-ed25519@openssh.com').string(Buffer.alloc(32, 9)).string('ssh:').done(),
  new WireWriter()
    .string('ssh-rsa')
    .mpint(Buffer.of(1, 0, 1))
    .mpint(Buffer.alloc(256, 0xff))
    .done(),
]
const certificates = [
  minted({}),
  minted({}, stranger),
  minted({ kind: 'host', principals: ['web-1'] }),
  minted({ principals: ['bob', 'alice'] }),
  minted({ criticalOptions: { 'source-address': '10.0.0.0/8,2001:db8::/32', 'force-command': 'true' } }),
  ...blobs.map((blob) => minted({ key: parsePublicKey(blob) })),
]
/** All that was ever signed here: whatever else is found good, is forged. */
const genuine = new Set(certificates.map((blob) => parseCertificate(blob).signed.toString('hex')))
const data = Buffer.from('data')
const use = 'a-use@sallyport'
const preamble = Buffer.from('SSHSIG')
const signedData = new WireWriter()
  .bytes(preamble)
  .string(use)
  .string('')
  .string('sha512')
  .string(hash('sha512', data, 'buffer'))
  .done()
const hostLines = [
  keyLine(holder.publicKey.blob),
  `web-*,!web-2,[web-1]:2222 ${keyLine(holder.publicKey.blob)} c`,
  `@cert-authority * ${keyLine(authority.publicKey.blob)}`,
  `@revoked |1|AAAA|BBBB ${keyLine(stranger.publicKey.blob)}`,
].map((line) => Buffer.from(line))

const readers: readonly ((input: Buffer) => void)[] = [
  checkPublicKey,
  checkSignature,
  checkOneCertificate,
  checkLine,
  checkPrivateKey,
  checkHosts,
  checkAddresses,
  checkMessageSignature,
]

const seeds: readonly (readonly Buffer[])[] = [
  blobs,
  [holder.sign(data), sign('rsa-sha2-512'), sign('sk-ssh-ed25519@openssh.com')],
  certificates,
  [...blobs, ...certificates].map((blob) => Buffer.from(keyLine(blob, 'c'))),
  [holder.toOpenSsh(), holder.toPkcs8()].map((text) => Buffer.from(text.reveal())),
  hostLines,
  ['10.0.0.0/8', '2001:db8::/32,::1', '::ffff:10.0.0.0/104'].map((text) => Buffer.from(text)),
  blobs.map((blob) => armored(blob, holder.sign(signedData))),
]

const words = [
  ...seeds.flat(),
  ...[
    'ssh-ed25519',
    'nistp256',
    '-cert-v01@openssh.com',
    'force-command',
    '@revoked',
    '::',
    ',',
    '/0',
    '"',
  ].map((text) => Buffer.from(text)),
  Buffer.alloc(4),
  Buffer.of(0, 0, 0, 1),
  Buffer.alloc(4, 0xff),
]

const subject: Subject = {
  seeds: seeds.flatMap((of, reader) => of.map((bytes) => Buffer.concat([Buffer.of(reader), bytes]))),
  words,
  invent: (random: Random) => {
    const parts = Array.from({ length: 1 + random.below(6) }, () => pick(random, words))
    return Buffer.concat([Buffer.of(random.below(readers.length)), ...parts])
  },
  run(input) {
    const reader = readers[(input[0] ?? 0) % readers.length]!
    try {
      reader(input.subarray(1))
    } catch (thrown) {
      if (!(thrown instanceof Malformed)) throw thrown
    }
    return 1
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

function sign(algorithm: string): Buffer {
  return new WireWriter().string(algorithm).string(Buffer.alloc(64, 1)).uint8(1).uint32(7).done()
}

function checkPublicKey(input: Buffer): void {
  const key = parsePublicKey(input)
  must(key.blob.equals(input), () => `${input.toString('hex')} became ${key.blob.toString('hex')}`)
  const again = parseKeyText(keyLine(key.blob, 'c'))
  must(again.key.blob.equals(input) && again.comment === 'c', () => 'another key in a line')
}

function checkSignature(input: Buffer): void {
  for (const blob of blobs)
    if (verifySignature(parsePublicKey(blob), input, data))
      must(input.equals(holder.sign(data)), () => `a forged signature: ${input.toString('hex')}`)
  const { algorithm, bytes, touch } = parseSignature(input)
  const writer = new WireWriter().string(algorithm).string(bytes)
  if (touch !== undefined) writer.uint8(touch.flags).uint32(touch.counter)
  must(writer.done().equals(input), () => `a signature that is written otherwise: ${input.toString('hex')}`)
}

function checkOneCertificate(input: Buffer): void {
  for (const kind of ['user', 'host'] as const)
    for (const principal of ['alice', 'web-1']) {
      const verdict = checkCertificate(input, {
        kind,
        principal,
        authorities: [authority.publicKey],
        nowMs,
        peerAddress: '10.0.0.1',
        isRevoked: () => false,
      })
      if (verdict.kind === 'flawed') continue
      const { certificate } = verdict
      must(
        genuine.has(certificate.signed.toString('hex')),
        () => `a forged certificate: ${input.toString('hex')}`,
      )
      must(certificate.kind === kind, () => 'a certificate of another kind')
      must(certificate.principals.includes(principal), () => 'a certificate for somebody else')
    }
  const certificate = parseCertificate(input)
  const read = parsePublicKey(certificate.key.blob)
  must(read.type === certificate.key.type, () => 'a certificate of a key that is none')
  must(!verifyWithCertificate(certificate, input, data), () => 'proven without a signature')
}

function checkLine(input: Buffer): void {
  const line = parseKeyLine(input.toString('latin1'))
  if (line === undefined) return
  const again = parseKeyLine(keyLine(line.blob, line.comment))
  must(again?.blob.equals(line.blob) === true && again.comment === line.comment, () => 'another line')
}

function checkPrivateKey(input: Buffer): void {
  const key = parsePrivateKey(new Secret(input.toString('latin1')))
  must(verifySignature(key.publicKey, key.sign(data), data), () => 'halves that do not belong together')
  const again = parsePrivateKey(key.toOpenSsh())
  must(again.publicKey.blob.equals(key.publicKey.blob), () => 'another key after writing')
}

function checkHosts(input: Buffer): void {
  const known = parseKnownHosts(input.toString('latin1').split('\n'))
  for (const blob of [holder.publicKey.blob, certificates[2]!, certificates[1]!, Buffer.of()]) {
    const verdict = checkHostKey(known, { host: 'web-1', port: 22, blob, nowMs })
    if (verdict.kind === 'distrusted') continue
    const by = verdict.by === 'key' ? 'key' : 'authority'
    must(
      known.some(({ trust }) => trust === by),
      () => 'trusted by a line that is not there',
    )
  }
  must(
    hostKeyAlgorithms(known, 'web-1', 22).every((name) => name !== 'ssh-rsa'),
    () => 'SHA-1 is asked for',
  )
}

function checkAddresses(input: Buffer): void {
  const list = input.toString('latin1')
  if (isInAddressList(list, '10.0.0.1'))
    must(isInAddressList(list, '::ffff:10.0.0.1'), () => 'one address, two answers')
}

/** As `ssh-keygen -Y sign` writes it. */
function armored(blob: Buffer, signature: Uint8Array): Buffer {
  const writer = new WireWriter().bytes(preamble).uint32(1).string(blob).string(use).string('')
  const text = writer.string('sha512').string(signature).done().toString('base64')
  return Buffer.from(`-----BEGIN SSH SIGNATURE-----\n${text}\n-----END SSH SIGNATURE-----\n`)
}

function checkMessageSignature(input: Buffer): void {
  const read = parseMessageSignature(input.toString('latin1'))
  if (!verifyMessage(read, { namespace: use, message: data })) return
  must(read.key.blob.equals(holder.publicKey.blob), () => 'signed by somebody who never did')
  must(read.signature.equals(holder.sign(signedData)), () => 'a forged signature of a message')
}
