import { inspect } from 'node:util'
import { Secret } from '@sallyport/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { orMalformed } from '../test/or-malformed.ts'
import { softKeys, SshKeygen } from '../test/ssh-keygen.ts'
import { keyLine } from './key-line.ts'
import {
  generatePrivateKey,
  looksLikePrivateKey,
  parsePrivateKey,
  privateKeyFromSeed,
} from './private-key.ts'
import { verifySignature } from './signature.ts'

const forms = [
  ['OpenSSH’s form', 'RFC4716'],
  ['PKCS #8', 'PKCS8'],
  ['its older form', 'PEM'],
] as const

test.each(
  softKeys.flatMap(([type, ...options]) => forms.map(([form, flag]) => [type, form, flag, options] as const)),
)('a private key of type %s in %s is read', async (_type, _form, flag, options) => {
  await using keygen = await SshKeygen.open()
  await keygen.key('k', ...options, '-m', flag)
  const text = new Secret(await keygen.read('k'))
  expect(looksLikePrivateKey(text)).toBe(true)
  const key = parsePrivateKey(text)
  expect(key.publicKey.blob).toEqual(await keygen.blob('k'))
  const data = Buffer.from('data')
  expect(verifySignature(key.publicKey, key.sign(data), data)).toBe(true)
})

test.each(softKeys)(
  'a private key of type %s is written as ssh-keygen reads it, comment and all',
  async (type, ...options) => {
    await using keygen = await SshKeygen.open()
    await keygen.key('k', ...options)
    const key = parsePrivateKey(new Secret(await keygen.read('k')))
    expect(key.comment).toBe('k of a test')
    await keygen.write('again', key.toOpenSsh().reveal())
    expect((await keygen.run(['-y', '-f', 'again'])).trim()).toBe(keyLine(key.publicKey.blob, key.comment))
    // Ed25519 in PKCS #8 is a thing of OpenSSH 9.6.
    if (type === 'ssh-ed25519') return
    await keygen.write('pkcs8', key.toPkcs8().reveal())
    expect((await keygen.run(['-y', '-f', 'pkcs8'])).trim()).toBe(keyLine(key.publicKey.blob))
  },
)

test('a seed gives the same key each time, written by the same bytes', () => {
  const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex')
  const key = privateKeyFromSeed(seed, 'c')
  // RFC 8032 section 7.1, test 1.
  expect(key.publicKey.blob.subarray(-32).toString('hex')).toBe(
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  )
  expect(privateKeyFromSeed(seed, 'c').toOpenSsh().reveal()).toBe(key.toOpenSsh().reveal())
})

test('any seed’s key, with any comment, is read as it was written', () => {
  const comment = fc.stringMatching(/^[ -~é]{0,40}$/)
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), comment, (seed, text) => {
      const key = privateKeyFromSeed(seed, text)
      const again = parsePrivateKey(key.toOpenSsh())
      expect(again.publicKey.blob).toEqual(key.publicKey.blob)
      expect(again.comment).toBe(text)
      expect(parsePrivateKey(key.toPkcs8()).publicKey.blob).toEqual(key.publicKey.blob)
    }),
  )
})

test('a seed of another length is refused', () => {
  expect(() => privateKeyFromSeed(Buffer.alloc(31))).toThrow(RangeError)
})

test.each(forms)('a private key with a passphrase in %s is refused, and says so', async (_, flag) => {
  await using keygen = await SshKeygen.open()
  await keygen.key('k', '-t', 'ecdsa', '-m', flag)
  await keygen.run(['-p', '-q', '-P', '', '-N', 'a long passphrase', '-m', flag, '-f', 'k'])
  const text = new Secret(await keygen.read('k'))
  expect(() => parsePrivateKey(text)).toThrow('a private key with a passphrase')
})

test('an RSA key of 1024 bits is refused as a private key too', async () => {
  await using keygen = await SshKeygen.open()
  await keygen.key('k', '-t', 'rsa', '-b', '1024')
  const text = new Secret(await keygen.read('k'))
  expect(() => parsePrivateKey(text)).toThrow('fewer than 2048 bits')
})

test('a password does not look like a private key', () => {
  expect(looksLikePrivateKey(new Secret('-----BEGIN to like this'))).toBe(false)
})

test('a private key does not print itself', () => {
  const key = privateKeyFromSeed(Buffer.alloc(32, 1))
  const digits = key.toOpenSsh().reveal().split('\n')[3] ?? ''
  expect(inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key)).not.toContain(digits)
  expect(Object.keys(key)).toEqual(['publicKey', 'comment'])
})

test('a private key in which anything was altered is refused, or is the same key', () => {
  const key = generatePrivateKey('c')
  const lines = key.toOpenSsh().reveal().trim().split('\n')
  const bytes = Buffer.from(lines.slice(1, -1).join(''), 'base64')
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const altered = Buffer.from(bytes)
      altered[at] = altered[at]! ^ by
      const text = [lines[0], altered.toString('base64'), lines.at(-1)].join('\n')
      const read = orMalformed(() => parsePrivateKey(new Secret(text))) ?? key
      // The comment is all that may differ.
      expect(read.publicKey.blob).toEqual(key.publicKey.blob)
    }),
    { numRuns: 1000 },
  )
})
