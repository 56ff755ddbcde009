import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SecurityKey } from '../test/security-key.ts'
import { softKeys, SshKeygen } from '../test/ssh-keygen.ts'
import { parseCertificate } from './certificate.ts'
import { checkCertificate } from './check-certificate.ts'
import { keyLine } from './key-line.ts'
import { mintCertificate, permitAll, type CertificateRequest } from './mint-certificate.ts'
import { generatePrivateKey } from './private-key.ts'
import { fingerprint, parsePublicKey } from './public-key.ts'

const authority = generatePrivateKey()
const key = generatePrivateKey().publicKey
const request: CertificateRequest = {
  key,
  kind: 'user',
  keyId: 'a session',
  serial: 7n,
  principals: ['deploy'],
  validAfterMs: Date.UTC(2030, 0, 1),
  validBeforeMs: Date.UTC(2030, 0, 1, 0, 5),
}

test.each(softKeys)('ssh-keygen reads what is minted for a key of type %s', async (_, ...options) => {
  await using keygen = await SshKeygen.open()
  await keygen.key('k', ...options)
  const certified = parsePublicKey(await keygen.blob('k'))
  const blob = mintCertificate(
    {
      ...request,
      key: certified,
      criticalOptions: { 'source-address': '10.0.0.0/8', 'force-command': 'uptime' },
      extensions: permitAll,
    },
    authority,
  )
  await keygen.write('c.pub', keyLine(blob))
  const said = await keygen.run(['-L', '-f', 'c.pub'])
  expect(said.split('\n').map((line) => line.trim())).toEqual([
    'c.pub:',
    expect.stringMatching(/^Type: .*-cert-v01@openssh.com user certificate$/),
    expect.stringContaining(fingerprint(certified.blob)),
    `Signing CA: ED25519 ${fingerprint(authority.publicKey.blob)} (using ssh-ed25519)`,
    'Key ID: "a session"',
    'Serial: 7',
    'Valid: from 2030-01-01T00:00:00 to 2030-01-01T00:05:00',
    'Principals:',
    'deploy',
    'Critical Options:',
    'force-command uptime',
    'source-address 10.0.0.0/8',
    'Extensions:',
    'permit-X11-forwarding',
    'permit-agent-forwarding',
    'permit-port-forwarding',
    'permit-pty',
    'permit-user-rc',
    '',
  ])
})

test('ssh-keygen reads a host’s certificate, and one of a security key', async () => {
  await using keygen = await SshKeygen.open()
  const sk = new SecurityKey('sk-ecdsa-sha2-nistp256@openssh.com').publicKey
  await keygen.write('h.pub', keyLine(mintCertificate({ ...request, kind: 'host' }, authority)))
  expect(await keygen.run(['-L', '-f', 'h.pub'])).toContain('host certificate')
  await keygen.write('s.pub', keyLine(mintCertificate({ ...request, key: sk }, authority)))
  expect(await keygen.run(['-L', '-f', 's.pub'])).toContain(fingerprint(sk.blob))
})

test('whatever is minted is read as it was asked for, and is good', () => {
  const name = fc.stringMatching(/^[!-+\--~é]{1,20}$/)
  fc.assert(
    fc.property(
      fc.constantFrom('user', 'host'),
      fc.string({ unit: 'grapheme-ascii' }),
      fc.bigInt(0n, 2n ** 64n - 1n),
      fc.array(name, { minLength: 1, maxLength: 5 }),
      fc.dictionary(name, fc.stringMatching(/^[ -~é]*$/), { maxKeys: 5 }),
      fc.integer({ min: 0, max: 4_000_000_000 }),
      fc.integer({ min: 1, max: 1_000_000 }),
      (kind, keyId, serial, principals, extensions, fromSeconds, seconds) => {
        const asked = { key, kind, keyId, serial, principals, extensions }
        const validAfterMs = fromSeconds * 1000
        const blob = mintCertificate(
          { ...asked, validAfterMs, validBeforeMs: validAfterMs + seconds * 1000 },
          authority,
        )
        const read = parseCertificate(blob)
        expect({ ...read, extensions: Object.fromEntries(read.extensions) }).toMatchObject({
          ...asked,
          extensions: { ...extensions },
          validAfter: BigInt(fromSeconds),
          validBefore: BigInt(fromSeconds + seconds),
        })
        const verdict = checkCertificate(blob, {
          kind,
          authorities: [authority.publicKey],
          principal: principals[0]!,
          nowMs: validAfterMs,
          isRevoked: () => false,
        })
        expect(verdict.kind).toBe('good')
      },
    ),
  )
})

test('a certificate is never good for longer than was asked, to the millisecond', () => {
  const blob = mintCertificate({ ...request, validAfterMs: 1_001, validBeforeMs: 5_999 }, authority)
  expect(parseCertificate(blob)).toMatchObject({ validAfter: 2n, validBefore: 5n })
})

test.each([
  ['nobody', { principals: [] }],
  ['a name with a comma', { principals: ['alice,root'] }],
  ['a name with a space', { principals: ['alice root'] }],
  ['no time', { validBeforeMs: request.validAfterMs }],
  ['less than no time', { validBeforeMs: 0 }],
  ['less than a second', { validBeforeMs: request.validAfterMs + 999 }],
  ['a key id of two lines', { keyId: 'a\nb' }],
  ['an option of two lines', { extensions: { a: 'b\nc' } }],
] as const)('no certificate is minted for %s', (_, changes) => {
  expect(() => mintCertificate({ ...request, ...changes }, authority)).toThrow(RangeError)
})

test('two certificates of the same words are not the same bytes', () => {
  expect(mintCertificate(request, authority)).not.toEqual(mintCertificate(request, authority))
})
