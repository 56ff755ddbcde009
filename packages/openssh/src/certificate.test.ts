import { Secret } from '@sallyport/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SecurityKey } from '../test/security-key.ts'
import { softKeys, SshKeygen } from '../test/ssh-keygen.ts'
import { certificateType, isCertificateType, parseCertificate, verifyWithCertificate } from './certificate.ts'
import { checkCertificate } from './check-certificate.ts'
import { keyLine, parseKeyLine } from './key-line.ts'
import { mintCertificate } from './mint-certificate.ts'
import { generatePrivateKey, parsePrivateKey } from './private-key.ts'
import { parsePublicKey } from './public-key.ts'
import { Malformed, WireWriter } from './wire.ts'

test.each(softKeys)('ssh-keygen’s certificate of a key of type %s is read', async (_, ...options) => {
  await using keygen = await SshKeygen.open()
  await keygen.key('ca', '-t', 'ed25519')
  await keygen.key('k', ...options)
  const blob = await keygen.certify('k', 'ca', '-n', 'alice,bob', '-z', '18446744073709551615')
  const certificate = parseCertificate(blob)
  expect(certificate).toMatchObject({
    kind: 'user',
    keyId: 'id of k',
    principals: ['alice', 'bob'],
    serial: 2n ** 64n - 1n,
    validAfter: 0n,
    validBefore: 2n ** 64n - 1n,
  })
  expect(certificate.key.blob).toEqual(await keygen.blob('k'))
  expect(certificate.authority).toEqual(await keygen.blob('ca'))
  expect(certificate.type).toBe(certificateType(certificate.key))
  expect(parseKeyLine(await keygen.read('k-cert.pub'))).toMatchObject({ type: certificate.type, blob })
})

test.each(['sk-ssh-ed25519@openssh.com', 'sk-ecdsa-sha2-nistp256@openssh.com'] as const)(
  'ssh-keygen’s certificate of a %s key is read, and what that key signs is good with it',
  async (type) => {
    await using keygen = await SshKeygen.open()
    await keygen.key('ca', '-t', 'ed25519')
    const key = new SecurityKey(type)
    await keygen.write('sk.pub', keyLine(key.publicKey.blob))
    const certificate = parseCertificate(await keygen.certify('sk', 'ca', '-n', 'alice'))
    expect(certificate.key.blob).toEqual(key.publicKey.blob)
    const data = Buffer.from('data')
    expect(verifyWithCertificate(certificate, key.sign(data), data)).toBe(true)
    expect(verifyWithCertificate(certificate, key.sign(data), Buffer.from('other'))).toBe(false)
  },
)

test('a certificate that asks for a verified user is not shown with a touch alone', async () => {
  await using keygen = await SshKeygen.open()
  await keygen.key('ca', '-t', 'ed25519')
  const key = new SecurityKey('sk-ssh-ed25519@openssh.com')
  await keygen.write('sk.pub', keyLine(key.publicKey.blob))
  const certificate = parseCertificate(await keygen.certify('sk', 'ca', '-n', 'a', '-O', 'verify-required'))
  const data = Buffer.from('data')
  expect(verifyWithCertificate(certificate, key.sign(data, 1), data)).toBe(false)
  expect(verifyWithCertificate(certificate, key.sign(data, 5), data)).toBe(true)
})

test('every option that ssh-keygen knows is read', async () => {
  await using keygen = await SshKeygen.open()
  await keygen.key('ca', '-t', 'ed25519')
  await keygen.key('k', '-t', 'ed25519')
  const options = [
    'clear',
    'force-command=/bin/echo a "b"',
    'source-address=10.0.0.0/8,2001:db8::/32',
    'verify-required',
    'permit-pty',
    'permit-X11-forwarding',
    'permit-agent-forwarding',
    'permit-port-forwarding',
    'permit-user-rc',
    'no-touch-required',
    'extension:ours@example.com=value',
    'critical:theirs@example.com=other',
  ]
  const validity = ['-V', '20300101000000Z:20300101010000Z']
  const blob = await keygen.certify('k', 'ca', '-n', 'a', ...validity, ...options.flatMap((it) => ['-O', it]))
  const certificate = parseCertificate(blob)
  expect(Object.fromEntries(certificate.criticalOptions)).toEqual({
    'force-command': '/bin/echo a "b"',
    'source-address': '10.0.0.0/8,2001:db8::/32',
    'theirs@example.com': 'other',
    'verify-required': '',
  })
  expect(Object.fromEntries(certificate.extensions)).toEqual({
    'no-touch-required': '',
    'ours@example.com': 'value',
    'permit-X11-forwarding': '',
    'permit-agent-forwarding': '',
    'permit-port-forwarding': '',
    'permit-pty': '',
    'permit-user-rc': '',
  })
  expect(certificate.validAfter).toBe(BigInt(Date.UTC(2030, 0, 1) / 1000))
  expect(certificate.validBefore).toBe(BigInt(Date.UTC(2030, 0, 1, 1) / 1000))
})

test('ssh-keygen’s certificate of a host is read', async () => {
  await using keygen = await SshKeygen.open()
  await keygen.key('ca', '-t', 'ed25519')
  await keygen.key('k', '-t', 'ed25519')
  const certificate = parseCertificate(await keygen.certify('k', 'ca', '-h', '-n', 'web-1.example'))
  expect(certificate).toMatchObject({ kind: 'host', principals: ['web-1.example'] })
  expect(certificate.criticalOptions.size + certificate.extensions.size).toBe(0)
})

test('a certificate of an RSA key is no way around its 2048 bits', async () => {
  await using keygen = await SshKeygen.open()
  await keygen.key('ca', '-t', 'ed25519')
  await keygen.key('k', '-t', 'rsa', '-b', '1024')
  const blob = await keygen.certify('k', 'ca', '-n', 'a')
  expect(() => parseCertificate(blob)).toThrow('fewer than 2048 bits')
})

test('a plain key is no certificate, and the other way round', () => {
  const key = generatePrivateKey().publicKey
  const certificate = mintCertificate(
    { key, kind: 'user', keyId: '', serial: 0n, principals: ['a'], validAfterMs: 0, validBeforeMs: 9e12 },
    generatePrivateKey(),
  )
  expect(() => parseCertificate(key.blob)).toThrow('not supported')
  expect(() => parsePublicKey(certificate)).toThrow('not supported')
  expect([isCertificateType(key.type), isCertificateType(certificateType(key))]).toEqual([false, true])
})

const key = generatePrivateKey().publicKey

/** A certificate with some of its fields replaced. Nobody signed it. */
function crafted(fields: {
  kind?: number
  keyId?: Buffer
  principals?: Buffer
  critical?: Buffer
  reserved?: string
}): Buffer {
  return new WireWriter()
    .string(certificateType(key))
    .string('nonce')
    .string(key.blob.subarray(-32))
    .uint64(1n)
    .uint32(fields.kind ?? 1)
    .string(fields.keyId ?? '')
    .string(fields.principals ?? '')
    .uint64(0n)
    .uint64(1n)
    .string(fields.critical ?? '')
    .string('')
    .string(fields.reserved ?? '')
    .string(key.blob)
    .string(new WireWriter().string('ssh-ed25519').string(Buffer.alloc(64)).done())
    .done()
}

function options(...pairs: readonly (readonly [string, Uint8Array | string])[]): Buffer {
  return pairs.reduce((writer, [name, data]) => writer.string(name).string(data), new WireWriter()).done()
}

test.each([
  ['of neither a user nor a host', crafted({ kind: 3 })],
  ['of no kind', crafted({ kind: 0 })],
  ['whose key id would act on a terminal', crafted({ keyId: Buffer.from('\u001b[2J') })],
  ['whose options are out of order', crafted({ critical: options(['b', ''], ['a', '']) })],
  ['that has an option twice', crafted({ critical: options(['a', ''], ['a', '']) })],
  ['that has an option without a name', crafted({ critical: options(['', '']) })],
  ['that has an option whose value is no string', crafted({ critical: options(['a', Buffer.of(1)]) })],
  [
    'that has an option with two values',
    crafted({ critical: options(['a', new WireWriter().string('x').string('y').done()]) }),
  ],
  [
    'of more than 256 principals',
    crafted({
      principals: Array.from({ length: 257 })
        .reduce<WireWriter>((it) => it.string('a'), new WireWriter())
        .done(),
    }),
  ],
  [
    'of more than 64 options',
    crafted({ critical: options(...Array.from({ length: 65 }, (_, at) => [String(at + 100), ''] as const)) }),
  ],
  ['with something in what is reserved', crafted({ reserved: 'x' })],
  ['with bytes after it', Buffer.concat([crafted({}), Buffer.of(0)])],
])('a certificate %s is malformed', (_, blob) => {
  expect(parseCertificate(crafted({})).kind).toBe('user')
  expect(() => parseCertificate(blob)).toThrow(Malformed)
})

test('a certificate that is cut or altered anywhere is malformed, or its signature is not good', async () => {
  await using keygen = await SshKeygen.open()
  await keygen.key('ca', '-t', 'ed25519')
  await keygen.key('k', '-t', 'ecdsa')
  const blob = await keygen.certify('k', 'ca', '-n', 'alice')
  const authority = parsePrivateKey(new Secret(await keygen.read('ca'))).publicKey
  const terms = {
    kind: 'user',
    authorities: [authority],
    principal: 'alice',
    nowMs: Date.now(),
    isRevoked: () => false,
  } as const
  expect(checkCertificate(blob, terms).kind).toBe('good')
  fc.assert(
    fc.property(fc.nat(blob.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const altered = Buffer.from(blob)
      altered[at] = altered[at]! ^ by
      expect(checkCertificate(altered, terms).kind).toBe('flawed')
      expect(checkCertificate(blob.subarray(0, at), terms)).toEqual({ kind: 'flawed', flaw: 'malformed' })
    }),
    { numRuns: 1000 },
  )
})
