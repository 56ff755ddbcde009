import { X509Certificate } from 'node:crypto'
import { SignInProblem } from '../sign-in-provider.ts'
import { dsig, metadata, protocol, redirectBinding } from './names.ts'
import { childrenOf, everyElement, isElement, textOf } from './tree.ts'
import { readXml, XmlError, type XmlElement } from './xml.ts'

/** What has to be known of an identity provider to sign people in by it. */
export interface IdentityProvider {
  /** As it calls itself: its entity ID. */
  readonly issuer: string
  /** Where browsers are sent, by the redirect binding. */
  readonly entryPoint: URL
  /** Any of them may have signed. */
  readonly certificates: readonly X509Certificate[]
  /** When its metadata is over, where that says so. */
  readonly validUntilMs?: number
}

/**
 * The identity provider of that entity ID in a metadata document. Its signature is not looked at: the file is the operators' own.
 * @throws SignInProblem that says what is wrong
 * @see SAML 2.0 Metadata
 */
export function identityProviderIn(file: Uint8Array, issuer: string): IdentityProvider {
  const root = parsed(file)
  const found = [...everyElement(root)]
    .filter((one) => isElement(one, metadata, 'EntityDescriptor'))
    .flatMap((entity) =>
      childrenOf(entity, metadata, 'IDPSSODescriptor')
        .filter((role) => role.attributes.get('protocolSupportEnumeration')?.split(/\s+/).includes(protocol))
        .map((role) => ({ entity, role })),
    )
    .filter(({ entity }) => entity.attributes.get('entityID') === issuer)
  const [one, ...more] = found
  if (one === undefined)
    throw unusable('no identity provider of SAML 2.0 that calls itself `issuer` is in its metadata')
  if (more.length > 0) throw unusable('more than one identity provider of that `issuer` is in its metadata')
  const { entity, role } = one
  const places = childrenOf(role, metadata, 'SingleSignOnService')
  const place = places.find(({ attributes }) => attributes.get('Binding') === redirectBinding)
  const certificates = childrenOf(role, metadata, 'KeyDescriptor')
    .filter(({ attributes }) => (attributes.get('use') ?? 'signing') === 'signing')
    .flatMap((key) => [...everyElement(key)].filter((it) => isElement(it, dsig, 'X509Certificate')))
    .map((it) => certificateOf(Buffer.from(textOf(it).replaceAll(/\s/g, ''), 'base64')))
  const ends = [root, entity, role].flatMap(({ attributes }) => attributes.get('validUntil') ?? [])
  const validUntilMs = Math.min(...ends.map((text) => Date.parse(text)))
  if (Number.isNaN(validUntilMs)) throw unusable('its metadata says of its own end what is no time')
  return checked({
    issuer,
    entryPoint: entryPointOf(place?.attributes.get('Location') ?? ''),
    certificates,
    ...(Number.isFinite(validUntilMs) && { validUntilMs }),
  })
}

/** @throws SignInProblem that says what is wrong */
export function identityProviderOf(
  issuer: string,
  entryPoint: string,
  certificates: readonly (string | Uint8Array)[],
): IdentityProvider {
  return checked({
    issuer,
    entryPoint: entryPointOf(entryPoint),
    certificates: certificates.flatMap((file) => certificatesIn(Buffer.from(file))),
  })
}

/** One as DER, or any number in PEM. */
function certificatesIn(file: Buffer): readonly X509Certificate[] {
  const pem = file.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)
  return pem === null ? [certificateOf(file)] : pem.map((one) => certificateOf(Buffer.from(one)))
}

function certificateOf(bytes: Buffer): X509Certificate {
  try {
    return new X509Certificate(bytes)
  } catch {
    throw unusable('a certificate of it cannot be read')
  }
}

function checked(provider: IdentityProvider): IdentityProvider {
  const { certificates } = provider
  if (certificates.length === 0) throw unusable('no certificate is known by which it signs')
  if (certificates.length > maxCertificates)
    throw unusable(`there are more than ${maxCertificates} certificates by which it may sign`)
  for (const { publicKey } of certificates) {
    const { modulusLength = 0 } = publicKey.asymmetricKeyDetails ?? {}
    if (publicKey.asymmetricKeyType !== 'rsa' || modulusLength < minKeyBits)
      throw unusable(`a certificate of it is not for an RSA key of ${minKeyBits} bits or more`)
  }
  return provider
}

function entryPointOf(address: string): URL {
  const url = URL.parse(address)
  if (url?.protocol !== 'https:')
    throw unusable('there is no address of https in it to which browsers are redirected')
  return url
}

function parsed(file: Uint8Array): XmlElement {
  try {
    return readXml(file)
  } catch (thrown) {
    if (thrown instanceof XmlError) throw unusable(`its metadata cannot be read: ${thrown.message}`)
    throw thrown
  }
}

function unusable(why: string): SignInProblem {
  return new SignInProblem('unavailable', why)
}

const maxCertificates = 8
const minKeyBits = 2048
