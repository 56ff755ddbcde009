import { createSign } from 'node:crypto'
import { Secret } from '@sallyport/core'
import { expect, test } from 'vitest'
import { SecurityKey } from '../test/security-key.ts'
import { softKeys, SshKeygen } from '../test/ssh-keygen.ts'
import { keyLine } from './key-line.ts'
import { generatePrivateKey, parsePrivateKey, type PrivateKey } from './private-key.ts'
import { parsePublicKey, type PublicKey } from './public-key.ts'
import { parseSignature, signatureAlgorithms, verifySignature } from './signature.ts'
import { sshSignature } from './testing/index.ts'
import { WireReader, WireWriter } from './wire.ts'

const message = Buffer.from('what is signed')

async function readKey(keygen: SshKeygen, name: string): Promise<PrivateKey> {
  return parsePrivateKey(new Secret(await keygen.read(name)))
}

/** Whether ssh-keygen takes a signature. */
async function isTaken(keygen: SshKeygen, key: PublicKey, signature: Buffer): Promise<boolean> {
  await keygen.write('signers', `alice ${keyLine(key.blob)}\n`)
  await keygen.write('m.sig', sshSignature.armored(key, 'test', signature))
  const verify = ['-Y', 'verify', '-f', 'signers', '-I', 'alice', '-n', 'test', '-s', 'm.sig']
  return keygen.run(verify, message.toString()).then(
    () => true,
    () => false,
  )
}

test.each(softKeys)(
  'a signature that ssh-keygen made with a key of type %s is good for what it signed alone',
  async (_, ...options) => {
    await using keygen = await SshKeygen.open()
    await keygen.key('k', ...options)
    await keygen.write('m', message)
    await keygen.run(['-q', '-Y', 'sign', '-f', 'k', '-n', 'test', 'm'])
    const signature = sshSignature.of(await keygen.read('m.sig'))
    const key = parsePublicKey(await keygen.blob('k'))
    expect(verifySignature(key, signature, sshSignature.signed('test', message))).toBe(true)
    expect(verifySignature(key, signature, sshSignature.signed('other', message))).toBe(false)
    expect(
      verifySignature(generatePrivateKey().publicKey, signature, sshSignature.signed('test', message)),
    ).toBe(false)
  },
)

test.each(softKeys)('ssh-keygen takes what a key of type %s signs here', async (_, ...options) => {
  await using keygen = await SshKeygen.open()
  await keygen.key('k', ...options)
  const key = await readKey(keygen, 'k')
  for (const algorithm of signatureAlgorithms(key.publicKey.type)) {
    const signature = key.sign(sshSignature.signed('test', message), algorithm)
    expect(parseSignature(signature).algorithm).toBe(algorithm)
    expect(await isTaken(keygen, key.publicKey, signature)).toBe(true)
  }
})

const securityKeys = ['sk-ssh-ed25519@openssh.com', 'sk-ecdsa-sha2-nistp256@openssh.com'] as const

test.each(securityKeys)('a signature of a %s key is good here as it is for ssh-keygen', async (type) => {
  await using keygen = await SshKeygen.open()
  const key = new SecurityKey(type)
  const signed = sshSignature.signed('test', message)
  const signature = key.sign(signed)
  expect(await isTaken(keygen, key.publicKey, signature)).toBe(true)
  expect(verifySignature(key.publicKey, signature, signed)).toBe(true)
  expect(parseSignature(signature).touch).toEqual({ flags: 1, counter: 7 })
})

/** OpenSSH's own test vectors (regress/unittests/sshsig/testdata): flags 1, counter 0x12345678. */
const vectors = [
  [
    'sk-ssh-ed25519@openssh.com',
    'AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIJsaDYXQYruc6bilCYDIK4YSOeG+zmrRO2M9t03//7LHAAAABHNzaDo=',
    'U1NIU0lHAAAAAQAAAEoAAAAac2stc3NoLWVkMjU1MTlAb3BlbnNzaC5jb20AAAAgmxoNhdBiu5zpuKUJgMgrhhI54b7OatE7Yz23Tf//sscAAAAEc3NoOgAAAAh1bml0dGVzdAAAAAAAAAAGc2hhNTEyAAAAZwAAABpzay1zc2gtZWQyNTUxOUBvcGVuc3NoLmNvbQAAAEAi+7eTjW/+LQ2M+sCD+KFtH1n7VFFJon/SZFsxODyV8cWTlFKj617Ys1Ur5TV6uaEXQhck8rBA2oQIHTPANLIPARI0Vng=',
  ],
  [
    'sk-ecdsa-sha2-nistp256@openssh.com',
    'AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBKDVa5jRcT5V7E6ysmwVi7HJWh7p5D+hebLPakQcpnD2ajJZ6G/4WzuhlYWnclWY63JspDp299Rlhq5AT86/g8AAAAAEc3NoOg==',
    'U1NIU0lHAAAAAQAAAH8AAAAic2stZWNkc2Etc2hhMi1uaXN0cDI1NkBvcGVuc3NoLmNvbQAAAAhuaXN0cDI1NgAAAEEEoNVrmNFxPlXsTrKybBWLsclaHunkP6F5ss9qRBymcPZqMlnob/hbO6GVhadyVZjrcmykOnb31GWGrkBPzr+DwAAAAARzc2g6AAAACHVuaXR0ZXN0AAAAAAAAAAZzaGE1MTIAAAB3AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAABIAAAAIHohGwyy8iKT3zwd1TYA9V/Ioo7h/3zCJUtyq/Qigt/HAAAAIGzidTwq7D/kFa7Xjcp/KkdbIs4MfQpfAW/0OciajlpzARI0Vng=',
  ],
] as const

test.each(vectors)(
  'a signature of a real %s key is good for what it signed alone',
  (type, encodedKey, encodedSignature) => {
    const key = parsePublicKey(Buffer.from(encodedKey, 'base64'))
    const signature = sshSignature.of(encodedSignature)
    const signed = sshSignature.signed('unittest', Buffer.from('This is a test, this is only a test'))
    expect(key).toMatchObject({ type, application: 'ssh:' })
    expect(verifySignature(key, signature, signed)).toBe(true)
    expect(verifySignature(key, signature, signed, 'verified')).toBe(false)
    expect(verifySignature(key, signature, message)).toBe(false)
    expect(parseSignature(signature).touch).toEqual({ flags: 1, counter: 0x1234_5678 })
  },
)

test.each(securityKeys)('a signature of a %s key that nobody touched is refused', (type) => {
  const key = new SecurityKey(type)
  for (const flags of [0, 4, 0xfe])
    expect(verifySignature(key.publicKey, key.sign(message, flags), message)).toBe(false)
})

test.each(securityKeys)('where a %s key must have verified its user, a touch is not enough', (type) => {
  const key = new SecurityKey(type)
  expect(verifySignature(key.publicKey, key.sign(message, 1), message, 'verified')).toBe(false)
  expect(verifySignature(key.publicKey, key.sign(message, 4), message, 'verified')).toBe(false)
  expect(verifySignature(key.publicKey, key.sign(message, 5), message, 'verified')).toBe(true)
})

test('a key that cannot verify its user does not, whatever is asked', () => {
  const key = generatePrivateKey()
  expect(verifySignature(key.publicKey, key.sign(message), message, 'verified')).toBe(false)
})

test.each(securityKeys)('flags and counter of a %s key are signed', (type) => {
  const key = new SecurityKey(type)
  for (const back of [1, 5]) {
    const signature = key.sign(message)
    signature[signature.length - back] = signature[signature.length - back]! ^ 2
    expect(verifySignature(key.publicKey, signature, message)).toBe(false)
  }
})

test.each(securityKeys)('a signature of a %s key for another application is refused', (type) => {
  const key = new SecurityKey(type, 'ssh:a')
  const reader = new WireReader(key.publicKey.blob)
  const end = key.publicKey.blob.length - 1
  const other = Buffer.from(reader.take(reader.left))
  other[end] = 'b'.charCodeAt(0)
  expect(verifySignature(parsePublicKey(other), key.sign(message), message)).toBe(false)
})

test('an RSA signature by SHA-1 is refused, though it is the key’s', async () => {
  await using keygen = await SshKeygen.open()
  await keygen.key('k', '-t', 'rsa', '-b', '2048')
  const signature = createSign('sha1')
    .update(message)
    .sign(await pkcs8(keygen, 'k'))
  const key = parsePublicKey(await keygen.blob('k'))
  for (const algorithm of ['ssh-rsa', 'rsa-sha2-256', 'rsa-sha2-512'])
    expect(verifySignature(key, new WireWriter().string(algorithm).string(signature).done(), message)).toBe(
      false,
    )
})

test('an RSA signature is refused under the other SHA-2', async () => {
  await using keygen = await SshKeygen.open()
  await keygen.key('k', '-t', 'rsa', '-b', '2048')
  const key = await readKey(keygen, 'k')
  const { bytes } = parseSignature(key.sign(message, 'rsa-sha2-256'))
  const other = new WireWriter().string('rsa-sha2-512').string(bytes).done()
  expect(verifySignature(key.publicKey, other, message)).toBe(false)
})

test('a signature that names another algorithm than its key’s is refused', () => {
  const key = generatePrivateKey()
  const { bytes } = parseSignature(key.sign(message))
  expect(verifySignature(key.publicKey, { algorithm: 'ssh-ed25519', bytes }, message)).toBe(true)
  expect(verifySignature(key.publicKey, { algorithm: 'ecdsa-sha2-nistp256', bytes }, message)).toBe(false)
})

test.each(softKeys)(
  'a signature of a key of type %s that is cut, lengthened or altered is refused',
  async (_, ...options) => {
    await using keygen = await SshKeygen.open()
    await keygen.key('k', ...options)
    const key = await readKey(keygen, 'k')
    const signature = key.sign(message)
    expect(verifySignature(key.publicKey, signature, message)).toBe(true)
    for (let at = 0; at < signature.length; at += 3) {
      const altered = Buffer.from(signature)
      altered[at] = altered[at]! ^ 0x40
      expect(verifySignature(key.publicKey, altered, message)).toBe(false)
      expect(verifySignature(key.publicKey, signature.subarray(0, at), message)).toBe(false)
    }
    expect(verifySignature(key.publicKey, Buffer.concat([signature, Buffer.of(0)]), message)).toBe(false)
  },
)

async function pkcs8(keygen: SshKeygen, name: string): Promise<string> {
  return (await readKey(keygen, name)).toPkcs8().reveal()
}
