import { SignedXml } from 'xml-crypto'
import type { SamlKey } from '../saml/provider.ts'

/** What an identity provider says in a test; everything of it can be said otherwise. */
export interface Said {
  readonly issuer: string
  readonly entityId: string
  readonly acs: string
  readonly requestId: string
  readonly nowMs: number
  readonly subject: string
  readonly format: string
  readonly attributes: Readonly<Record<string, readonly string[]>>
  readonly assertionId: string
}

/** Parts of an assertion, each as text, so that a test can have another one in its place. */
export interface Parts {
  readonly issuer: string
  readonly subject: string
  readonly conditions: string
  readonly authentication: string
  readonly attributes: string
}

export function partsOf(said: Said): Parts {
  const { issuer, entityId, acs, requestId, nowMs, subject, format } = said
  const at = (offsetMs: number): string => new Date(nowMs + offsetMs).toISOString()
  const attributes = Object.entries(said.attributes).map(
    ([name, values]) =>
      `<saml:Attribute Name="${name}">${values.map((value) => `<saml:AttributeValue>${value}</saml:AttributeValue>`).join('')}</saml:Attribute>`,
  )
  return {
    issuer: `<saml:Issuer>${issuer}</saml:Issuer>`,
    subject: `<saml:Subject><saml:NameID Format="${format}">${subject}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData Recipient="${acs}" InResponseTo="${requestId}" NotOnOrAfter="${at(300_000)}"/></saml:SubjectConfirmation></saml:Subject>`,
    conditions: `<saml:Conditions NotBefore="${at(-5_000)}" NotOnOrAfter="${at(300_000)}"><saml:AudienceRestriction><saml:Audience>${entityId}</saml:Audience></saml:AudienceRestriction></saml:Conditions>`,
    authentication: `<saml:AuthnStatement AuthnInstant="${at(-1_000)}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`,
    attributes: `<saml:AttributeStatement>${attributes.join('')}</saml:AttributeStatement>`,
  }
}

export function assertionOf(said: Said, parts: Partial<Parts> = {}): string {
  const all = { ...partsOf(said), ...parts }
  return `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${said.assertionId}" Version="2.0" IssueInstant="${new Date(said.nowMs).toISOString()}">${all.issuer}${all.subject}${all.conditions}${all.authentication}${all.attributes}</saml:Assertion>`
}

export function responseOf(said: Said, assertion: string): string {
  return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_response" Version="2.0" IssueInstant="${new Date(said.nowMs).toISOString()}" Destination="${said.acs}" InResponseTo="${said.requestId}"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${said.issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>${assertion}</samlp:Response>`
}

export interface Signing {
  readonly signature?: string
  readonly digest?: string
  readonly transforms?: readonly string[]
  readonly canonicalization?: string
  /** Instead of the key itself. */
  readonly hmacKey?: string
}

/** With a signature over the element of that id, behind its Issuer. */
export function signed(xml: string, id: string, key: SamlKey, how: Signing = {}): string {
  const signer = new SignedXml({
    privateKey: how.hmacKey ?? key.privateKey.reveal(),
    publicCert: key.certificate,
    signatureAlgorithm: how.signature ?? 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    canonicalizationAlgorithm: how.canonicalization ?? exclusive,
  })
  if (how.hmacKey !== undefined) signer.enableHMAC()
  const at = `//*[@ID='${id}']`
  signer.addReference({
    xpath: at,
    transforms: [...(how.transforms ?? [`${dsig}enveloped-signature`, exclusive])],
    digestAlgorithm: how.digest ?? 'http://www.w3.org/2001/04/xmlenc#sha256',
  })
  signer.computeSignature(xml, {
    prefix: 'ds',
    location: { reference: `${at}/*[local-name(.)='Issuer']`, action: 'after' },
  })
  return signer.getSignedXml()
}

/** As the browser brings it. */
export function brought(response: string): URLSearchParams {
  return new URLSearchParams({ SAMLResponse: Buffer.from(response).toString('base64') })
}

const dsig = 'http://www.w3.org/2000/09/xmldsig#'
const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#'
