import { createECDH, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { orMalformed } from '../test/or-malformed.ts'
import { SecurityKey } from '../test/security-key.ts'
import { softKeys, SshKeygen } from '../test/ssh-keygen.ts'
import { keyLine, parseKeyText } from './key-line.ts'
import { fingerprint, parsePublicKey, publicKeyOf } from './public-key.ts'
import { Malformed, WireWriter } from './wire.ts'

test.each(softKeys)('a key of type %s is read as ssh-keygen wrote it', async (type, ...options) => {
  await using keygen = await SshKeygen.open()
  await keygen.key('k', ...options)
  const text = await keygen.read('k.pub')
  const { key, comment } = parseKeyText(text)
  expect(key.type).toBe(type)
  expect(comment).toBe('k of a test')
  expect(key.blob).toEqual(await keygen.blob('k'))
  expect(`${keyLine(key.blob, comment)}\n`).toBe(text)
  expect(publicKeyOf(key.object).blob).toEqual(key.blob)
})

test.each(softKeys)(
  'the fingerprint of a key of type %s is the one that ssh-keygen shows',
  async (_, ...options) => {
    await using keygen = await SshKeygen.open()
    await keygen.key('k', ...options)
    expect(await keygen.run(['-l', '-f', 'k.pub'])).toContain(` ${fingerprint(await keygen.blob('k'))} `)
  },
)

test.each(['sk-ssh-ed25519@openssh.com', 'sk-ecdsa-sha2-nistp256@openssh.com'] as const)(
  'ssh-keygen reads the key of type %s that we write, with the same fingerprint',
  async (type) => {
    await using keygen = await SshKeygen.open()
    const { publicKey } = new SecurityKey(type)
    expect(publicKey.type).toBe(type)
    expect(publicKey.application).toBe('ssh:')
    await keygen.write('sk.pub', keyLine(publicKey.blob))
    expect(await keygen.run(['-l', '-f', 'sk.pub'])).toContain(fingerprint(publicKey.blob))
  },
)

test('an RSA key of 1024 bits is refused', async () => {
  await using keygen = await SshKeygen.open()
  await keygen.key('weak', '-t', 'rsa', '-b', '1024')
  const blob = await keygen.blob('weak')
  expect(() => parsePublicKey(blob)).toThrow('fewer than 2048 bits')
})

test('an RSA key of 2047 bits is refused, and one of 2048 is not', () => {
  const modulus = Buffer.alloc(256, 0xff)
  const of = (first: number): Buffer => {
    modulus[0] = first
    return new WireWriter()
      .string('ssh-rsa')
      .mpint(Buffer.of(1, 0, 1))
      .mpint(modulus)
      .done()
  }
  expect(() => parsePublicKey(of(0x7f))).toThrow('fewer than 2048 bits')
  expect(parsePublicKey(of(0x80)).type).toBe('ssh-rsa')
})

test('an RSA key of more than 16384 bits is refused', () => {
  const blob = new WireWriter()
    .string('ssh-rsa')
    .mpint(Buffer.of(1, 0, 1))
    .mpint(Buffer.alloc(2049, 0xff))
    .done()
  expect(() => parsePublicKey(blob)).toThrow('more than 16384 bits')
})

test.each([
  ['1', Buffer.of(1)],
  ['even', Buffer.of(1, 0, 0)],
  ['longer than 8 bytes', Buffer.alloc(9, 0xff)],
])('an RSA key whose exponent is %s is refused', (_, exponent) => {
  const blob = new WireWriter().string('ssh-rsa').mpint(exponent).mpint(Buffer.alloc(256, 0xff)).done()
  expect(() => parsePublicKey(blob)).toThrow('cannot be one')
})

test('a DSA key is refused', () => {
  expect(() => parsePublicKey(new WireWriter().string('ssh-dss').string('').done())).toThrow('not supported')
})

test('a point that is not on its curve is refused', () => {
  const point = createECDH('prime256v1').generateKeys()
  point[64] = point[64]! ^ 1
  const blob = new WireWriter().string('ecdsa-sha2-nistp256').string('nistp256').string(point).done()
  expect(() => parsePublicKey(blob)).toThrow('not on its curve')
})

test('a compressed point is refused', () => {
  const ecdh = createECDH('prime256v1')
  ecdh.generateKeys()
  const point = ecdh.getPublicKey(null, 'compressed')
  const blob = new WireWriter().string('ecdsa-sha2-nistp256').string('nistp256').string(point).done()
  expect(() => parsePublicKey(blob)).toThrow('not uncompressed')
})

test('a key that names another curve than its type does is refused', () => {
  const point = createECDH('prime256v1').generateKeys()
  const blob = new WireWriter().string('ecdsa-sha2-nistp256').string('nistp384').string(point).done()
  expect(() => parsePublicKey(blob)).toThrow('another curve')
})

test('a security key of no application is refused', () => {
  const blob = new WireWriter()
    .string('sk-ssh-ed25519@openssh.com')
    .string(Buffer.alloc(32, 9))
    .string('')
    .done()
  expect(() => parsePublicKey(blob)).toThrow('no application')
})

test('bytes after a key are refused', () => {
  const blob = new WireWriter().string('ssh-ed25519').string(Buffer.alloc(32, 9)).uint8(0).done()
  expect(() => parsePublicKey(blob)).toThrow('after the last field')
})

test.each([
  ['X25519', generateKeyPairSync('x25519').publicKey],
  ['secp256k1', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey],
  ['secp224r1', generateKeyPairSync('ec', { namedCurve: 'secp224r1' }).publicKey],
])('a key of %s, which SSH has not, is refused', (_, object) => {
  expect(() => publicKeyOf(object)).toThrow(Malformed)
})

test('any key that is changed or cut is another key or is refused', () => {
  const key = new SecurityKey('sk-ecdsa-sha2-nistp256@openssh.com').publicKey.blob
  fc.assert(
    fc.property(fc.nat(key.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const changed = Buffer.from(key)
      changed[at] = changed[at]! ^ by
      for (const blob of [changed, key.subarray(0, at)])
        expect(orMalformed(() => parsePublicKey(blob))?.blob ?? blob).toEqual(blob)
    }),
  )
})
