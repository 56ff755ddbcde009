import 'reflect-metadata'
import { createHash, createPrivateKey, webcrypto, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { Secret } from '@sallyport/core'
import { FakeClock } from '@sallyport/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createAuthority, loadAuthority } from './x509.ts'

const p256 = { name: 'ECDSA', namedCurve: 'P-256' }
const agentUri = 'spiffe://sallyport/agent/shop/0191d3d1-0000-7000-8000-000000000001'

async function requestFor(
  algorithm: webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams = p256,
): Promise<{
  der: Uint8Array
  publicKey: Uint8Array
}> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=administrator',
    keys,
    signingAlgorithm: { name: algorithm.name, hash: 'SHA-256' },
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'gateway.example' }]),
      new x509.BasicConstraintsExtension(true),
    ],
  })
  return {
    der: new Uint8Array(request.rawData),
    publicKey: new Uint8Array(await webcrypto.subtle.exportKey('spki', keys.publicKey)),
  }
}

test('an authority survives being stored as PEM', async () => {
  const parts = await createAuthority({ name: 'Sallyport test' })
  const authority = await loadAuthority(parts)
  expect(authority.certificate).toBe(parts.certificate)
  const certificate = new X509Certificate(parts.certificate)
  expect(certificate.ca).toBe(true)
  expect(certificate.verify(certificate.publicKey)).toBe(true)
  expect(authority.fingerprint).toBe(createHash('sha256').update(certificate.raw).digest('base64url'))
})

test("an authority's parts must belong together", async () => {
  const [one, other] = [await createAuthority({ name: 'one' }), await createAuthority({ name: 'other' })]
  await expect(loadAuthority({ ...one, privateKey: other.privateKey })).rejects.toThrow(
    'do not belong together',
  )
  await expect(loadAuthority({ ...one, privateKey: new Secret('hunter2') })).rejects.toThrow(/^(?!.*hunter2)/)
  await expect(loadAuthority({ ...one, certificate: 'x' })).rejects.toThrow('not a readable PEM certificate')
})

test('a server certificate is for its names, as a server only, and comes with its authority', async () => {
  const authority = await loadAuthority(await createAuthority({ name: 'test' }))
  const issued = await authority.issueServerCertificate({
    names: ['gateway.example', '127.0.0.1', '::1'],
    uris: ['spiffe://sallyport/gateway'],
  })
  const certificate = new X509Certificate(issued.certificate)
  expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true)
  expect(certificate.checkHost('gateway.example')).toBe('gateway.example')
  expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1')
  expect(certificate.checkIP('::1')).toBe('::1')
  expect(certificate.subjectAltName).toContain('URI:spiffe://sallyport/gateway')
  expect(certificate.ca).toBe(false)
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  expect(issued.certificate).toContain(authority.certificate)
  expect(String(issued.privateKey)).toBe('[redacted]')
})

test('an agent certificate takes the key of the request and nothing else', async () => {
  const clock = new FakeClock()
  const authority = await loadAuthority(await createAuthority({ name: 'test', clock }), clock)
  const request = await requestFor()
  const issued = await authority.issueAgentCertificate({ certificateRequest: request.der, uri: agentUri })
  const certificate = new X509Certificate(issued?.certificate ?? '')
  expect(certificate.publicKey.export({ type: 'spki', format: 'der' })).toEqual(
    Buffer.from(request.publicKey),
  )
  expect(certificate.subject).toBeUndefined()
  expect(certificate.subjectAltName).toBe(`URI:${agentUri}`)
  expect(certificate.ca).toBe(false)
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  expect(certificate.validToDate.getTime()).toBe(clock.now() + 24 * 3_600_000)
  expect(issued?.notAfterMs).toBe(clock.now() + 24 * 3_600_000)
  expect(issued?.keyFingerprint).toBe(createHash('sha256').update(request.publicKey).digest('base64url'))
})

test('a client certificate is for one name, as a client only, with a key that nobody had before', async () => {
  const clock = new FakeClock()
  const authority = await loadAuthority(await createAuthority({ name: 'test', clock }), clock)
  const uri = 'spiffe://sallyport/session/ses_1'
  const request = { commonName: 'app_rö, CN=postgres', uri, lifetimeMs: 300_000 }
  const issued = await authority.issueClientCertificate(request)
  const certificate = new X509Certificate(issued.chain)
  expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true)
  expect(certificate.checkPrivateKey(createPrivateKey(issued.privateKey.reveal()))).toBe(true)
  expect(certificate.toLegacyObject().subject).toEqual({ CN: request.commonName })
  expect(certificate.subjectAltName).toBe(`URI:${uri}`)
  expect(certificate.ca).toBe(false)
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  expect(certificate.validToDate.getTime()).toBe(clock.now() + 300_000)
  expect(String(issued.privateKey)).toBe('[redacted]')
  const again = new X509Certificate((await authority.issueClientCertificate(request)).chain)
  expect(again.serialNumber).not.toBe(certificate.serialNumber)
  expect(again.publicKey.equals(certificate.publicKey)).toBe(false)
})

test.each(['', 'a\0b', 'x'.repeat(65)])('nobody called %j is certified', async (commonName) => {
  const authority = await loadAuthority(await createAuthority({ name: 'test' }))
  const request = { commonName, uri: 'spiffe://sallyport/session/ses_1', lifetimeMs: 300_000 }
  await expect(authority.issueClientCertificate(request)).rejects.toThrow(RangeError)
})

test('no certificate outlives its authority', async () => {
  const clock = new FakeClock()
  const parts = await createAuthority({ name: 'test', clock, lifetimeMs: 3_600_000 })
  const issued = await (await loadAuthority(parts, clock)).issueServerCertificate({ names: ['a.example'] })
  expect(issued.notAfterMs).toBe(clock.now() + 3_600_000)
})

test('a request that does not prove possession gets nothing', async () => {
  const authority = await loadAuthority(await createAuthority({ name: 'test' }))
  const { der } = await requestFor()
  const forged = Uint8Array.from(der)
  forged[forged.length - 1] = (forged[forged.length - 1] ?? 0) ^ 1
  expect(await authority.issueAgentCertificate({ certificateRequest: forged, uri: agentUri })).toBeUndefined()
})

test('only P-256 keys are certified', async () => {
  const authority = await loadAuthority(await createAuthority({ name: 'test' }))
  const p384 = await requestFor({ name: 'ECDSA', namedCurve: 'P-384' })
  const rsa = await requestFor({
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: 1024,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: 'SHA-256',
  })
  for (const { der } of [p384, rsa])
    expect(await authority.issueAgentCertificate({ certificateRequest: der, uri: agentUri })).toBeUndefined()
})

test('hostile request bytes throw nothing, and get nothing but a certificate for the key that signed them', async () => {
  const authority = await loadAuthority(await createAuthority({ name: 'test' }))
  const { der } = await requestFor()
  const right = await authority.issueAgentCertificate({ certificateRequest: der, uri: agentUri })
  const found = await fc.check(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc
          .tuple(fc.nat({ max: der.length - 1 }), fc.integer({ min: 1, max: 255 }))
          .map(([at, flip]) => der.map((byte, i) => (i === at ? byte ^ flip : byte))),
      ),
      async (bytes) => {
        const issued = await authority.issueAgentCertificate({ certificateRequest: bytes, uri: agentUri })
        // The envelope around the signed part has more than one spelling; the signed part has one.
        return issued === undefined || issued.keyFingerprint === right!.keyFingerprint
      },
    ),
    { numRuns: 200 },
  )
  expect(found.counterexample).toBeNull()
})
