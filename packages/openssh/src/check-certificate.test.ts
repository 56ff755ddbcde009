import { createSign } from 'node:crypto'
import { Secret } from '@sallyport/core'
import { expect, test } from 'vitest'
import { SshKeygen } from '../test/ssh-keygen.ts'
import { parseCertificate } from './certificate.ts'
import { checkCertificate, type CertificateFlaw, type CertificateTerms } from './check-certificate.ts'
import { mintCertificate, permitAll, type CertificateRequest } from './mint-certificate.ts'
import { generatePrivateKey, parsePrivateKey } from './private-key.ts'
import { WireReader, WireWriter } from './wire.ts'

const now = Date.UTC(2030, 0, 1)
const authority = generatePrivateKey()
const holder = generatePrivateKey()

const terms: CertificateTerms = {
  kind: 'user',
  authorities: [generatePrivateKey().publicKey, authority.publicKey],
  principal: 'alice',
  nowMs: now,
  peerAddress: '10.1.2.3',
  isRevoked: () => false,
}

const request: CertificateRequest = {
  key: holder.publicKey,
  kind: 'user',
  keyId: 'k',
  serial: 5n,
  principals: ['alice'],
  validAfterMs: now,
  validBeforeMs: now + 60_000,
  extensions: permitAll,
}

function minted(changes: Partial<CertificateRequest> = {}): Buffer {
  return mintCertificate({ ...request, ...changes }, authority)
}

function flawOf(blob: Uint8Array, changes: Partial<CertificateTerms> = {}): CertificateFlaw | 'none' {
  const verdict = checkCertificate(blob, { ...terms, ...changes })
  return verdict.kind === 'good' ? 'none' : verdict.flaw
}

/** A certificate with principals that ours would not be minted with, really signed. */
function withPrincipals(...principals: readonly string[]): Buffer {
  const certificate = parseCertificate(minted())
  const list = principals.reduce((writer, name) => writer.string(name), new WireWriter()).done()
  const old = new WireWriter().string(new WireWriter().string('alice').done()).done()
  const at = certificate.signed.indexOf(old)
  const signed = Buffer.concat([
    certificate.signed.subarray(0, at),
    new WireWriter().string(list).done(),
    certificate.signed.subarray(at + old.length),
  ])
  return new WireWriter().bytes(signed).string(authority.sign(signed)).done()
}

test('a good certificate is good, and hands over what it says', () => {
  const verdict = checkCertificate(minted({ criticalOptions: { 'force-command': 'true' } }), terms)
  expect(verdict).toMatchObject({
    kind: 'good',
    forceCommand: 'true',
    certificate: { serial: 5n, keyId: 'k' },
  })
  expect(verdict).toHaveProperty('certificate.extensions', new Map(Object.entries(permitAll)))
})

test('a certificate without a forced command has none', () => {
  expect(checkCertificate(minted(), terms)).not.toHaveProperty('forceCommand')
})

test('what is no certificate is malformed', () => {
  expect(flawOf(holder.publicKey.blob)).toBe('malformed')
  expect(flawOf(Buffer.of())).toBe('malformed')
})

test('a host’s certificate is not a user’s', () => {
  expect(flawOf(minted({ kind: 'host' }))).toBe('other-kind')
})

test('a user’s certificate is not a host’s', () => {
  expect(flawOf(minted(), { kind: 'host' })).toBe('other-kind')
})

test('another authority’s certificate is a stranger’s', () => {
  expect(flawOf(mintCertificate(request, generatePrivateKey()))).toBe('unknown-authority')
  expect(flawOf(minted(), { authorities: [] })).toBe('unknown-authority')
})

test('a certificate that a certified key signed is refused, though an authority certified that', () => {
  const between = generatePrivateKey()
  const certified = minted({ key: between.publicKey })
  const certificate = parseCertificate(mintCertificate(request, between))
  const reader = new WireReader(certificate.signed)
  const head = reader.take(certificate.signed.length - 4 - certificate.authority.length)
  const signed = Buffer.concat([head, new WireWriter().string(certified).done()])
  const chained = new WireWriter().bytes(signed).string(between.sign(signed)).done()
  expect(flawOf(chained)).toBe('signed-by-certificate')
})

test('a key that signs its own certificate is nobody’s authority', () => {
  expect(flawOf(mintCertificate(request, holder))).toBe('unknown-authority')
})

test('a certificate that names an authority which did not sign it is refused', () => {
  const certificate = parseCertificate(minted())
  const forged = new WireWriter().bytes(certificate.signed).string(holder.sign(certificate.signed)).done()
  expect(flawOf(forged)).toBe('bad-signature')
})

test('a certificate signed by SHA-1 is refused', async () => {
  await using keygen = await SshKeygen.open()
  await keygen.key('ca', '-t', 'rsa', '-b', '2048')
  await keygen.key('k', '-t', 'ed25519')
  const authorities = [parsePrivateKey(new Secret(await keygen.read('ca'))).publicKey]
  const validity = ['-V', '20200101:20400101', '-n', 'alice']
  // ssh-keygen has its own way to ask for the old algorithm; where OpenSSL forbids SHA-1, what it would write is made by hand.
  const good = parseCertificate(await keygen.certify('k', 'ca', '-t', 'rsa-sha2-256', ...validity))
  expect(flawOf(good.blob, { authorities })).toBe('none')
  const pem = parsePrivateKey(new Secret(await keygen.read('ca')))
    .toPkcs8()
    .reveal()
  const signature = createSign('sha1').update(good.signed).sign(pem)
  const old = new WireWriter()
    .bytes(good.signed)
    .string(new WireWriter().string('ssh-rsa').string(signature).done())
    .done()
  expect(flawOf(old, { authorities })).toBe('weak-signature')
})

test.each(['rsa-sha2-256', 'rsa-sha2-512'])(
  'an RSA authority’s certificate is good by %s',
  async (algorithm) => {
    await using keygen = await SshKeygen.open()
    await keygen.key('ca', '-t', 'rsa', '-b', '2048')
    await keygen.key('k', '-t', 'ed25519')
    const blob = await keygen.certify('k', 'ca', '-t', algorithm, '-V', '20200101:20400101', '-n', 'alice')
    expect(parseCertificate(blob).signature.algorithm).toBe(algorithm)
    const authorities = [parsePrivateKey(new Secret(await keygen.read('ca'))).publicKey]
    expect(flawOf(blob, { authorities })).toBe('none')
  },
)

test('a certificate for nobody, which once meant everybody, is refused', async () => {
  await using keygen = await SshKeygen.open()
  await keygen.key('ca', '-t', 'ed25519')
  await keygen.key('k', '-t', 'ed25519')
  const blob = await keygen.certify('k', 'ca')
  const authorities = [parsePrivateKey(new Secret(await keygen.read('ca'))).publicKey]
  expect(flawOf(blob, { authorities })).toBe('no-principals')
})

test.each(['alice,root', 'alice ', ' alice', 'al\tice', '', 'alice\u00a0'])(
  'a principal of %j makes the whole certificate bad, even beside a good one',
  (strange) => {
    const flaw = flawOf(withPrincipals('alice', strange))
    // A tab is a control character, with which it is not even read.
    expect(flaw).toBe(strange.includes('\t') ? 'malformed' : 'strange-principals')
  },
)

test('a certificate is for its principals alone, to the letter', () => {
  expect(flawOf(withPrincipals('alice', 'bob'), { principal: 'bob' })).toBe('none')
  for (const principal of ['Alice', 'alic', 'alice2', '*', ''])
    expect(flawOf(minted(), { principal })).toBe('other-principal')
})

test('a wildcard among the principals is no more than its letters', () => {
  expect(flawOf(withPrincipals('*'))).toBe('other-principal')
})

test('a certificate is good from its first second to before its last', () => {
  expect(flawOf(minted(), { nowMs: now - 1 })).toBe('not-yet-valid')
  expect(flawOf(minted(), { nowMs: now })).toBe('none')
  expect(flawOf(minted(), { nowMs: now + 59_999 })).toBe('none')
  expect(flawOf(minted(), { nowMs: now + 60_000 })).toBe('expired')
})

test('a critical option that is not known makes a certificate bad', () => {
  expect(flawOf(minted({ criticalOptions: { 'some-new-one@example.com': 'x' } }))).toBe(
    'unknown-critical-option',
  )
})

test('an extension that is not known is passed over', () => {
  expect(flawOf(minted({ extensions: { 'some-new-one@example.com': 'x' } }))).toBe('none')
})

test('a host’s certificate has no critical options', () => {
  const host = minted({ kind: 'host', criticalOptions: { 'force-command': 'true' } })
  expect(flawOf(host, { kind: 'host' })).toBe('unknown-critical-option')
})

test('a forced command that is empty is none', () => {
  expect(flawOf(minted({ criticalOptions: { 'force-command': '' } }))).toBe('bad-critical-option')
})

test('verify-required has no value', () => {
  expect(flawOf(minted({ criticalOptions: { 'verify-required': '' } }))).toBe('none')
  expect(flawOf(minted({ criticalOptions: { 'verify-required': 'no' } }))).toBe('bad-critical-option')
})

test.each([
  ['10.0.0.0/8', '10.1.2.3', 'none'],
  ['10.0.0.0/8', '::ffff:10.1.2.3', 'none'],
  ['192.0.2.0/24,10.1.2.3', '10.1.2.3', 'none'],
  ['2001:db8::/32', '2001:db8:1::1', 'none'],
  ['10.0.0.0/8', '11.1.2.3', 'other-source'],
  ['2001:db8::/32', '10.1.2.3', 'other-source'],
  ['::/0', '10.1.2.3', 'other-source'],
  ['10.0.0.0/8', undefined, 'other-source'],
  ['10.0.0.0/8', 'unix', 'other-source'],
  ['10.0.0.1/8', '10.0.0.1', 'bad-critical-option'],
  ['10.0.0.0/8,', '10.0.0.1', 'bad-critical-option'],
  ['!10.0.0.0/8', '10.0.0.1', 'bad-critical-option'],
  ['', '10.0.0.1', 'bad-critical-option'],
] as const)('a certificate for %s, shown from %s: %s', (list, peerAddress, flaw) => {
  const { peerAddress: _, ...rest } = terms
  const from = peerAddress === undefined ? rest : { ...rest, peerAddress }
  const verdict = checkCertificate(minted({ criticalOptions: { 'source-address': list } }), from)
  expect(verdict.kind === 'good' ? 'none' : verdict.flaw).toBe(flaw)
})

test('a revoked certificate is refused, by its serial or its key id', () => {
  expect(flawOf(minted(), { isRevoked: ({ serial }) => serial === 5n })).toBe('revoked')
  expect(flawOf(minted(), { isRevoked: ({ keyId }) => keyId === 'k' })).toBe('revoked')
})

test('whether a certificate is revoked is not asked about what no authority signed', () => {
  const isRevoked = (): boolean => {
    throw new Error('asked')
  }
  expect(flawOf(mintCertificate(request, holder), { isRevoked })).toBe('unknown-authority')
})
