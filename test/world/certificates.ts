import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'

export interface KeyAndCertificate {
  /** PEM, PKCS #8. */
  readonly key: string
  /** PEM. */
  readonly certificate: string
}

/** A certificate authority of a test's own, for targets: it is not the gateway's. */
export interface TestAuthority {
  /** PEM. */
  readonly certificate: string
  /** For a server known by `names`, or a client called as the first of them; already expired where asked. */
  issue(
    names: readonly string[],
    options?: { readonly expired?: boolean; readonly isClient?: boolean },
  ): Promise<KeyAndCertificate>
}

export async function createTestAuthority(name = 'Test target authority'): Promise<TestAuthority> {
  const keys = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify'])
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=${name}`,
    notBefore: daysFromNow(-30),
    notAfter: daysFromNow(30),
    keys,
    signingAlgorithm: signature,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  })
  return {
    certificate: pem(root),
    async issue(names, { expired = false, isClient = false } = {}) {
      const own = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify'])
      const issued = await x509.X509CertificateGenerator.create({
        serialNumber: serial(),
        subject: `CN=${names[0] ?? 'nobody'}`,
        issuer: root.subjectName,
        notBefore: daysFromNow(-20),
        notAfter: daysFromNow(expired ? -10 : 20),
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: signature,
        extensions: [
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[isClient ? 'clientAuth' : 'serverAuth']]),
          new x509.SubjectAlternativeNameExtension(
            names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
          ),
        ],
      })
      const key = await webcrypto.subtle.exportKey('pkcs8', own.privateKey)
      return { key: x509.PemConverter.encode(key, 'PRIVATE KEY') + '\n', certificate: pem(issued) }
    },
  }
}

const p256 = { name: 'ECDSA', namedCurve: 'P-256' } as const
const signature = { name: 'ECDSA', hash: 'SHA-256' } as const

function pem(certificate: x509.X509Certificate): string {
  return certificate.toString('pem') + '\n'
}

/** 127 random bits: positive in DER. */
function serial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16))
  bytes[0]! &= 0x7f
  return Buffer.from(bytes).toString('hex')
}

function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * 86_400_000)
}
