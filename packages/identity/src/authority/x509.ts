import 'reflect-metadata'
import { createHash, createPrivateKey, randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'
import { Secret, systemClock, type ClientCertificate, type Clock } from '@sallyport/core'

/** What an authority is made of. The key is PKCS #8, PEM: keep it sealed. */
export interface AuthorityParts {
  /** PEM. */
  readonly certificate: string
  readonly privateKey: Secret
}

export interface ServerCertificate {
  /** PEM: the server's certificate, then the authority's, so that a client that knows only its fingerprint finds it. */
  readonly certificate: string
  readonly privateKey: Secret
  /** Milliseconds since 1970. */
  readonly notAfterMs: number
}

export interface AgentCertificate {
  /** PEM. */
  readonly certificate: string
  /** SHA-256 of the public key (SubjectPublicKeyInfo), base64url. */
  readonly keyFingerprint: string
  /** Milliseconds since 1970. */
  readonly notAfterMs: number
}

/**
 * The deployment's own certificate authority: ECDSA on P-256, one level. Certificates for servers cannot be used as a client,
 * nor the other way round, and nothing it issues can issue.
 * @see RFC 5280
 */
export class CertificateAuthority {
  readonly #certificate: x509.X509Certificate
  readonly #key: webcrypto.CryptoKey
  readonly #clock: Clock
  /** PEM. */
  readonly certificate: string
  /** SHA-256 of the whole certificate (DER), base64url: what a join token pins. */
  readonly fingerprint: string

  constructor(certificate: x509.X509Certificate, key: webcrypto.CryptoKey, clock: Clock) {
    this.#certificate = certificate
    this.#key = key
    this.#clock = clock
    this.certificate = certificate.toString('pem')
    this.fingerprint = sha256(certificate.rawData)
  }

  /**
   * A fresh key and a certificate for a server.
   * @param names DNS names and IP addresses that clients know it by.
   * @param uris Further subject alternative names of the kind URI.
   */
  async issueServerCertificate(request: {
    readonly names: readonly string[]
    readonly uris?: readonly string[]
    readonly lifetimeMs?: number
  }): Promise<ServerCertificate> {
    const keys = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify'])
    const names = [
      ...request.names.map((value) => ({
        type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const),
        value,
      })),
      ...(request.uris ?? []).map((value) => ({ type: 'url' as const, value })),
    ]
    const issued = await this.#issue({
      publicKey: keys.publicKey,
      names,
      usage: 'serverAuth',
      lifetimeMs: request.lifetimeMs ?? serverLifetimeMs,
    })
    return {
      certificate: `${issued.toString('pem')}\n${this.certificate}\n`,
      privateKey: await privatePem(keys.privateKey),
      notAfterMs: issued.notAfter.getTime(),
    }
  }

  /**
   * A certificate for the key that a certificate request (PKCS #10, DER) proves to hold. All else that the request says (subject,
   * extensions) is ignored.
   * @param uri The agent's name, its one subject alternative name.
   * @returns undefined where the request is malformed, is not for a P-256 key, or does not prove possession of it.
   * @see RFC 2986
   */
  async issueAgentCertificate(request: {
    readonly certificateRequest: Uint8Array
    readonly uri: string
    readonly lifetimeMs?: number
  }): Promise<AgentCertificate | undefined> {
    const key = await provenKey(request.certificateRequest)
    if (key === undefined) return undefined
    const names = [{ type: 'url' as const, value: request.uri }]
    const issued = await this.#issue({
      publicKey: key,
      names,
      usage: 'clientAuth',
      lifetimeMs: request.lifetimeMs ?? agentLifetimeMs,
    })
    return {
      certificate: issued.toString('pem'),
      keyFingerprint: sha256(issued.publicKey.rawData),
      notAfterMs: issued.notAfter.getTime(),
    }
  }

  /**
   * A fresh key and a certificate for a client of servers that know it by its common name.
   * @param request.uri What it is about, as its one subject alternative name.
   * @throws RangeError where the name cannot stand in a certificate
   */
  async issueClientCertificate(request: {
    readonly commonName: string
    readonly uri: string
    readonly lifetimeMs: number
  }): Promise<ClientCertificate> {
    const { commonName, uri, lifetimeMs } = request
    if (
      commonName === '' ||
      commonName.includes('\0') ||
      Array.from(commonName).length > maxCommonNameLetters
    )
      throw new RangeError(
        `a certificate’s common name has 1 to ${maxCommonNameLetters} letters, and none of them is NUL`,
      )
    const keys = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify'])
    const issued = await this.#issue({
      publicKey: keys.publicKey,
      commonName,
      names: [{ type: 'url', value: uri }],
      usage: 'clientAuth',
      lifetimeMs,
    })
    return { chain: issued.toString('pem'), privateKey: await privatePem(keys.privateKey) }
  }

  async #issue(request: {
    readonly publicKey: webcrypto.CryptoKey
    /** Of the subject; an empty subject where absent. */
    readonly commonName?: string
    readonly names: x509.JsonGeneralNames
    readonly usage: keyof typeof x509.ExtendedKeyUsage
    readonly lifetimeMs: number
  }): Promise<x509.X509Certificate> {
    const { publicKey, commonName, names, usage, lifetimeMs } = request
    const now = this.#clock.now()
    return x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject: commonName === undefined ? '' : new x509.Name([{ CN: [{ utf8String: commonName }] }]),
      issuer: this.#certificate.subjectName,
      notBefore: new Date(now - skewMs),
      notAfter: new Date(Math.min(now + lifetimeMs, this.#certificate.notAfter.getTime())),
      publicKey,
      signingKey: this.#key,
      signingAlgorithm: signature,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[usage]]),
        // RFC 5280 §4.1.2.6: with an empty subject, the alternative names are all there is, and are critical.
        new x509.SubjectAlternativeNameExtension(names, commonName === undefined),
        await x509.AuthorityKeyIdentifierExtension.create(this.#certificate.publicKey),
      ],
    })
  }
}

/** A new authority. Keep what it returns: {@link loadAuthority} takes it. */
export async function createAuthority(options: {
  /** Its common name, for people. */
  readonly name: string
  readonly clock?: Clock
  readonly lifetimeMs?: number
}): Promise<AuthorityParts> {
  const now = (options.clock ?? systemClock).now()
  const keys = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: [{ CN: [options.name] }],
    notBefore: new Date(now - skewMs),
    notAfter: new Date(now + (options.lifetimeMs ?? authorityLifetimeMs)),
    keys,
    signingAlgorithm: signature,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: certificate.toString('pem'), privateKey: await privatePem(keys.privateKey) }
}

/** @throws Error where the parts are unreadable or do not belong together. It never quotes the key. */
export async function loadAuthority(
  parts: AuthorityParts,
  clock: Clock = systemClock,
): Promise<CertificateAuthority> {
  let key
  try {
    key = createPrivateKey(parts.privateKey.reveal())
  } catch {
    throw new Error("the certificate authority's private key is not a readable PEM key")
  }
  let certificate
  try {
    certificate = new X509Certificate(parts.certificate)
  } catch {
    throw new Error("the certificate authority's certificate is not a readable PEM certificate")
  }
  if (!certificate.ca) throw new Error("the certificate authority's certificate is not one of an authority")
  if (!certificate.checkPrivateKey(key))
    throw new Error("the certificate authority's certificate and private key do not belong together")
  const signing = await webcrypto.subtle.importKey(
    'pkcs8',
    key.export({ type: 'pkcs8', format: 'der' }),
    p256,
    false,
    ['sign'],
  )
  return new CertificateAuthority(new x509.X509Certificate(certificate.raw), signing, clock)
}

async function provenKey(certificateRequest: Uint8Array): Promise<webcrypto.CryptoKey | undefined> {
  if (certificateRequest.byteLength > maxRequestBytes) return undefined
  try {
    const request = new x509.Pkcs10CertificateRequest(new Uint8Array(certificateRequest))
    const key = await request.publicKey.export(p256, ['verify'])
    return (await request.verify()) ? key : undefined
  } catch {
    // The bytes are a stranger's: whatever the parser says of them, they are no request.
    return undefined
  }
}

async function privatePem(key: webcrypto.CryptoKey): Promise<Secret> {
  return new Secret(x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY'))
}

/** RFC 5280 §4.1.2.2: positive, at most 20 octets; 126 random bits. */
function serial(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes.toString('hex')
}

function sha256(der: ArrayBuffer): string {
  return createHash('sha256').update(new Uint8Array(der)).digest('base64url')
}

const p256 = { name: 'ECDSA', namedCurve: 'P-256' } as const
const signature = { name: 'ECDSA', hash: 'SHA-256' } as const
const hourMs = 3_600_000
const agentLifetimeMs = 24 * hourMs
const serverLifetimeMs = 90 * 24 * hourMs
const authorityLifetimeMs = 3650 * 24 * hourMs
/** Clocks of agents and clients may be this far behind ours. */
const skewMs = 5 * 60_000
const maxRequestBytes = 8 * 1024
/** RFC 5280 appendix A.1, ub-common-name: OpenSSL refuses to read a longer one as such. */
const maxCommonNameLetters = 64
