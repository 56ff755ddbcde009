import { shown } from '../federation/claims.ts'
import { assertion, dsig, protocol } from './names.ts'
import { childrenOf, everyElement, isElement, onlyChild, refused, textOf } from './tree.ts'
import type { XmlElement } from './xml.ts'

/** To whom and to what an answer must be. */
export interface Expected {
  /** What the identity provider calls itself. */
  readonly issuer: string
  /** What we call ourselves. */
  readonly entityId: string
  /** Where the browser must have brought it. */
  readonly acs: string
  /** The id of the request that it answers. */
  readonly requestId: string
}

/**
 * Whether a response has the one form that is taken, before any library looks for what is signed in it: one assertion, where it belongs,
 * with a signature of its own over itself and nothing else; what is not known has no place. So there is nothing to wrap, and nothing that one
 * reader could find elsewhere than another. Says nothing of whether the signatures are good.
 * @throws SignInProblem
 */
export function checkForm(response: XmlElement, expected: Expected): void {
  if (!isElement(response, protocol, 'Response')) throw refused('it is no Response of SAML 2.0')
  checkVersion(response)
  checkSuccess(response)
  checkIds(response)
  const one = onlyChild(response, assertion, 'Assertion')
  checkVersion(one)
  for (const element of everyElement(response)) {
    if (['Assertion', 'EncryptedAssertion', 'Response'].includes(element.name))
      if (element !== one && element !== response)
        throw refused('there is more than one assertion, or one where none belongs')
  }
  const signatures = [response, one].flatMap((signed) => {
    const [signature, ...more] = childrenOf(signed, dsig, 'Signature')
    if (more.length > 0) throw refused('something in it is signed twice')
    if (signature !== undefined) checkSignature(signature, signed)
    return signature ?? []
  })
  if (childrenOf(one, dsig, 'Signature').length === 0) throw refused('the assertion is not signed')
  for (const element of everyElement(response))
    if (element.name === 'Signature' && !signatures.includes(element))
      throw refused('there is a signature where none belongs')
  checkPlaces(response, responseParts)
  checkPlaces(one, assertionParts)
  checkAddress(response, expected)
}

/** @throws SignInProblem that says what the provider said, where it says no */
function checkSuccess(response: XmlElement): void {
  const code = onlyChild(onlyChild(response, protocol, 'Status'), protocol, 'StatusCode')
  const said = code.attributes.get('Value')
  if (said === success) return
  const why = code.children[0]?.attributes.get('Value') ?? said ?? 'nothing'
  throw refused(`the provider answered ${shown(why.replace(/^urn:oasis:names:tc:SAML:2\.0:status:/, ''))}`)
}

function checkVersion({ name, attributes }: XmlElement): void {
  if (attributes.get('Version') !== '2.0') throw refused(`its ${name} is not of version 2.0`)
}

/** Every id once, whatever the attribute is called and whatever its namespace. */
function checkIds(response: XmlElement): void {
  const known = new Set<string>()
  for (const { attributes, foreign } of everyElement(response)) {
    const own = [...attributes].map(([name, value]) => ({ name, value }))
    for (const { name, value } of [...own, ...foreign]) {
      if (name.toLowerCase() !== 'id') continue
      if (!/^[A-Za-z_][A-Za-z0-9_.-]{0,255}$/.test(value)) throw refused('an id in it is none')
      if (known.has(value)) throw refused('an id stands twice in it')
      known.add(value)
    }
  }
}

/** An enveloped signature over exactly the element it stands in, in the one form that SAML asks for. Core, section 5.4 */
function checkSignature(signature: XmlElement, signed: XmlElement): void {
  const is = (element: XmlElement | undefined, name: string): element is XmlElement =>
    element !== undefined && isElement(element, dsig, name)
  const hasForm = (element: XmlElement, ...names: readonly string[]): boolean =>
    element.children.length === names.length &&
    element.children.every((child, index) => is(child, names[index] ?? ''))
  const algorithmOf = (element: XmlElement | undefined): string => element?.attributes.get('Algorithm') ?? ''
  /** Nothing inside, where a library may look for a name at any depth. */
  const isPlain = (element: XmlElement | undefined): boolean =>
    element?.children.every(
      (one) => isElement(one, exclusive, 'InclusiveNamespaces') && one.children.length === 0,
    ) === true

  const [info] = signature.children
  const withKey = hasForm(signature, 'SignedInfo', 'SignatureValue', 'KeyInfo')
  if (!(withKey || hasForm(signature, 'SignedInfo', 'SignatureValue')) || info === undefined)
    throw refused('a signature has not the form that SAML asks for')
  if (!hasForm(info, 'CanonicalizationMethod', 'SignatureMethod', 'Reference'))
    throw refused('a signature is not over one thing')
  const [canonicalization, method, reference] = info.children
  if (algorithmOf(canonicalization) !== exclusive)
    throw refused('a signature is made over another form of XML')
  if (!signatureAlgorithms.has(algorithmOf(method)))
    throw refused(`it is signed by ${shown(algorithmOf(method))}, which is not taken`)
  const [transforms, digest] = reference?.children ?? []
  if (reference === undefined || !hasForm(reference, 'Transforms', 'DigestMethod', 'DigestValue'))
    throw refused('a signature is over something that is made of its element')
  const made = transforms?.children.map(algorithmOf) ?? []
  if (made.length !== 2 || made[0] !== enveloped || made[1] !== exclusive)
    throw refused('a signature is over something that is made of its element')
  if (!digestAlgorithms.has(algorithmOf(digest)))
    throw refused(`it is signed by way of ${shown(algorithmOf(digest))}, which is not taken`)
  const inner = [
    canonicalization,
    method,
    ...(transforms?.children ?? []),
    digest,
    reference.children[2],
    signature.children[1],
  ]
  if (!inner.every(isPlain)) throw refused('a signature has not the form that SAML asks for')
  const id = signed.attributes.get('ID')
  if (id === undefined || reference.attributes.get('URI') !== `#${id}`)
    throw refused('a signature is over something else than the element it stands in')
}

function checkPlaces(element: XmlElement, parts: readonly (readonly string[])[]): void {
  let last = 0
  for (const { name } of element.children) {
    const place = parts.findIndex((names) => names.includes(name))
    if (place < last) throw refused(`${shown(name)} has no place in its ${element.name}, or not there`)
    last = place
  }
}

/** The response's own words about where it goes. They count only against it: what counts for it stands in the assertion. */
function checkAddress(response: XmlElement, { issuer, acs, requestId }: Expected): void {
  const { attributes } = response
  if (attributes.get('InResponseTo') !== requestId)
    throw refused('it does not answer what this browser asked')
  const destination = attributes.get('Destination')
  const isSigned = childrenOf(response, dsig, 'Signature').length > 0
  if (destination === undefined ? isSigned : destination !== acs)
    throw refused('it is addressed to somebody else')
  const [from] = childrenOf(response, assertion, 'Issuer')
  if (from !== undefined && textOf(from) !== issuer) throw refused('it comes from another provider')
}

const success = 'urn:oasis:names:tc:SAML:2.0:status:Success'
const enveloped = `${dsig}enveloped-signature`
const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#'
const signatureAlgorithms: ReadonlySet<string> = new Set([
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
])
const digestAlgorithms: ReadonlySet<string> = new Set([
  'http://www.w3.org/2001/04/xmlenc#sha256',
  'http://www.w3.org/2001/04/xmlenc#sha512',
])
/** In the order of the schema. */
const responseParts = [['Issuer'], ['Signature'], ['Status'], ['Assertion']]
const assertionParts = [
  ['Issuer'],
  ['Signature'],
  ['Subject'],
  ['Conditions'],
  ['AuthnStatement', 'AttributeStatement'],
]
