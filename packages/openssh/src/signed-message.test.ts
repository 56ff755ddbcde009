import { expect, test } from 'vitest'
import { orMalformed } from '../test/or-malformed.ts'
import { SecurityKey } from '../test/security-key.ts'
import { softKeys, SshKeygen } from '../test/ssh-keygen.ts'
import { generatePrivateKey } from './private-key.ts'
import { parseMessageSignature, verifyMessage } from './signed-message.ts'
import { sshSignature } from './testing/index.ts'
import { Malformed } from './wire.ts'

const message = Buffer.from('what is signed\n')
const namespace = 'a-use@sallyport'
const other = 'another-use@sallyport'

test.each(softKeys)(
  'what ssh-keygen signs with a key of type %s is good for its use and its text alone',
  async (type, ...options) => {
    await using keygen = await SshKeygen.open()
    await keygen.key('k', ...options)
    await keygen.write('m', message)
    for (const digest of ['sha256', 'sha512'] as const) {
      await keygen.run(['-q', '-Y', 'sign', '-f', 'k', '-n', namespace, '-O', `hashalg=${digest}`, 'm'])
      const text = await keygen.read('m.sig')
      await keygen.remove('m.sig')
      const read = parseMessageSignature(text)
      expect(read).toMatchObject({ namespace, digest, key: { type, blob: await keygen.blob('k') } })
      expect(verifyMessage(read, { namespace, message })).toBe(true)
      expect(verifyMessage(read, { namespace: other, message })).toBe(false)
      expect(verifyMessage(read, { namespace, message: Buffer.from('what is signed') })).toBe(false)
      expect(verifyMessage({ ...read, namespace: other }, { namespace: other, message })).toBe(false)
      expect(verifyMessage({ ...read, key: generatePrivateKey().publicKey }, { namespace, message })).toBe(
        false,
      )
      expect(parseMessageSignature(` \r\n${text.replaceAll('\n', '\r\n')}`)).toEqual(read)
    }
  },
)

test.each(['sk-ssh-ed25519@openssh.com', 'sk-ecdsa-sha2-nistp256@openssh.com'] as const)(
  'what a %s key signs is good where somebody touched it',
  (type) => {
    const key = new SecurityKey(type)
    const signed = sshSignature.signed(namespace, message)
    const read = (flags: number) =>
      parseMessageSignature(sshSignature.armored(key.publicKey, namespace, key.sign(signed, flags)))
    expect(verifyMessage(read(1), { namespace, message })).toBe(true)
    expect(verifyMessage(read(0), { namespace, message })).toBe(false)
  },
)

test('OpenSSH’s own vector of a security key is read and good', () => {
  const text =
    'U1NIU0lHAAAAAQAAAEoAAAAac2stc3NoLWVkMjU1MTlAb3BlbnNzaC5jb20AAAAgmxoNhdBiu5zpuKUJgMgrhhI54b7OatE7Yz23Tf//sscAAAAEc3NoOgAAAAh1bml0dGVzdAAAAAAAAAAGc2hhNTEyAAAAZwAAABpzay1zc2gtZWQyNTUxOUBvcGVuc3NoLmNvbQAAAEAi+7eTjW/+LQ2M+sCD+KFtH1n7VFFJon/SZFsxODyV8cWTlFKj617Ys1Ur5TV6uaEXQhck8rBA2oQIHTPANLIPARI0Vng='
  const read = parseMessageSignature(`-----BEGIN SSH SIGNATURE-----\n${text}\n-----END SSH SIGNATURE-----\n`)
  const vector = Buffer.from('This is a test, this is only a test')
  expect(verifyMessage(read, { namespace: 'unittest', message: vector })).toBe(true)
})

test('what is altered or cut anywhere is no good signature', () => {
  const key = generatePrivateKey()
  const signature = key.sign(sshSignature.signed(namespace, message))
  const text = sshSignature.armored(key.publicKey, namespace, signature)
  expect(verifyMessage(parseMessageSignature(text), { namespace, message })).toBe(true)
  for (let at = 0; at < text.length - 1; at++) {
    const altered = text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
    for (const wrong of [altered, text.slice(0, at)]) {
      const read = orMalformed(() => parseMessageSignature(wrong))
      expect(read !== undefined && verifyMessage(read, { namespace, message })).toBe(false)
    }
  }
})

test.each([
  ['nothing', ''],
  ['a public key', 'ssh-ed25519 AAAA'],
  [
    'words before it',
    `see:\n${sshSignature.armored(generatePrivateKey().publicKey, namespace, Buffer.of())}`,
  ],
  ['more than anybody signs', 'A'.repeat(100_000)],
])('%s is no signature', (_, text) => {
  expect(() => parseMessageSignature(text)).toThrow(Malformed)
})
