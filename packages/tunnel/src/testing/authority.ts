import 'reflect-metadata'
import { createHash, randomUUID, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { Secret } from '@sallyport/core'
import type { AgentAuthority } from '../gateway/directory.ts'
import type { PortCertificate } from '../gateway/port.ts'
import { gatewayUri } from '../names.ts'

/** A certificate authority for tests of the tunnel: the least that agents and gateway accept. */
export interface TestAuthority extends AgentAuthority {
  readonly fingerprint: string
  server(uri?: string): Promise<PortCertificate>
}

/** @param agentLifetimeMs How long agent certificates are good. */
export async function testAuthority(
  agentLifetimeMs = 86_400_000,
  name = `test authority ${randomUUID()}`,
): Promise<TestAuthority> {
  const keys = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify'])
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  })
  const issue = (
    publicKey: webcrypto.CryptoKey,
    uri: string,
    lifetimeMs: number,
  ): Promise<x509.X509Certificate> =>
    x509.X509CertificateGenerator.create({
      subject: '',
      issuer: authority.subject,
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + lifetimeMs),
      publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm,
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'url', value: uri }])],
    })
  const certificate = authority.toString('pem')
  return {
    certificate,
    fingerprint: sha256(authority.rawData),
    issueAgentCertificate: async ({ certificateRequest, uri }) => {
      const request = new x509.Pkcs10CertificateRequest(new Uint8Array(certificateRequest))
      if (!(await request.verify())) return undefined
      const issued = await issue(await request.publicKey.export(), uri, agentLifetimeMs)
      return {
        certificate: issued.toString('pem'),
        keyFingerprint: sha256(issued.publicKey.rawData),
        notAfterMs: issued.notAfter.getTime(),
      }
    },
    server: async (uri = gatewayUri) => {
      const own = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify'])
      const issued = await issue(own.publicKey, uri, 86_400_000)
      const key = await webcrypto.subtle.exportKey('pkcs8', own.privateKey)
      return {
        certificate: `${issued.toString('pem')}\n${certificate}\n`,
        privateKey: new Secret(x509.PemConverter.encode(key, 'PRIVATE KEY')),
      }
    },
  }
}

function sha256(der: ArrayBuffer): string {
  return createHash('sha256').update(new Uint8Array(der)).digest('base64url')
}

const p256 = { name: 'ECDSA', namedCurve: 'P-256' } as const
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const
