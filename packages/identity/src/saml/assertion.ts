import type { SignedIn } from '@sallyport/core'
import { shown } from '../federation/claims.ts'
import { groupNames, maxGroups } from '../provider-users.ts'
import type { SignedInPerson } from '../sign-in-provider.ts'
import { assertion, persistent } from './names.ts'
import type { Expected } from './response.ts'
import { childrenOf, isElement, onlyChild, refused, textOf } from './tree.ts'
import type { XmlElement } from './xml.ts'

/** Where in an assertion it says what of somebody. Attributes are named as they are in it, to the letter. */
export interface SamlAttributes {
  readonly groupsAttribute: string
  /** The name ID where absent. */
  readonly nameAttribute?: string | undefined
  /** Who it is, for ever; a persistent name ID where absent. */
  readonly subjectAttribute?: string | undefined
  /** The only groups that are taken, where there are any. */
  readonly onlyGroups?: readonly string[] | undefined
}

/**
 * Whom a signed assertion describes: that it is theirs who may say so, to us, to what this browser asked, and now.
 * @param signed what the signature is over, and nothing else
 * @throws SignInProblem
 * @see SAML 2.0 Core section 2, Profiles section 4.1.4
 */
export function personIn(
  signed: XmlElement,
  expected: Expected,
  attributes: SamlAttributes,
  nowMs: number,
): SignedInPerson {
  if (!isElement(signed, assertion, 'Assertion')) throw refused('what is signed is no assertion')
  const { issuer } = expected
  if (textOf(onlyChild(signed, assertion, 'Issuer')) !== issuer)
    throw refused('the assertion is another provider’s')
  const issuedAtMs = timeIn(signed, 'IssueInstant')
  if (
    issuedAtMs === undefined ||
    issuedAtMs > nowMs + toleranceMs ||
    issuedAtMs + maxAgeMs < nowMs - toleranceMs
  )
    throw refused('the assertion was not made just now')
  const subject = onlyChild(signed, assertion, 'Subject')
  checkConfirmation(subject, expected, nowMs)
  checkConditions(onlyChild(signed, assertion, 'Conditions'), expected, nowMs)
  const { signedIn, endsAtMs } = authenticationIn(signed, nowMs)
  const values = attributesIn(signed)
  if (values.has(groupsElsewhere)) throw refused('the groups did not fit into the provider’s answer')
  const nameId = nameIdIn(subject, expected)
  const who = subjectOf(nameId, values, attributes)
  const groups = (values.get(attributes.groupsAttribute) ?? []).filter(
    (name) => attributes.onlyGroups?.includes(name) ?? true,
  )
  if (groups.length > maxGroups) throw refused(`there are more than ${maxGroups} groups`)
  const { nameAttribute } = attributes
  const called = nameAttribute === undefined ? nameId?.value : values.get(nameAttribute)?.[0]
  return {
    issuer,
    subject: who,
    called: called ?? who,
    groups: groupNames(groups),
    claimedAtMs: issuedAtMs,
    sid: null,
    signedIn,
    once: { id: idOf(signed), untilMs: issuedAtMs + maxAgeMs + 2 * toleranceMs },
    ...(endsAtMs !== undefined && { endsAtMs }),
  }
}

function idOf({ attributes }: XmlElement): string {
  const id = attributes.get('ID')
  if (id === undefined) throw refused('the assertion has no id')
  return id
}

/** Whoever brings it may: to this address, as an answer to this request, for a moment. */
function checkConfirmation(subject: XmlElement, { acs, requestId }: Expected, nowMs: number): void {
  const bearers = childrenOf(subject, assertion, 'SubjectConfirmation').filter(
    ({ attributes }) => attributes.get('Method') === bearer,
  )
  const [first, ...more] = bearers
  if (first === undefined) throw refused('the assertion is not for whoever brings it')
  if (more.length > 0) throw refused('the assertion may be brought in more than one way')
  const data = onlyChild(first, assertion, 'SubjectConfirmationData')
  if (data.attributes.get('Recipient') !== acs) throw refused('the assertion is for another recipient')
  if (data.attributes.get('InResponseTo') !== requestId)
    throw refused('the assertion does not answer what this browser asked')
  if (data.attributes.get('NotOnOrAfter') === undefined)
    throw refused('the assertion does not say how long it may be brought')
  checkPeriod(data, nowMs)
}

function checkConditions(conditions: XmlElement, { entityId }: Expected, nowMs: number): void {
  checkPeriod(conditions, nowMs)
  const restrictions = childrenOf(conditions, assertion, 'AudienceRestriction')
  if (restrictions.length === 0) throw refused('the assertion does not say for whom it is')
  for (const restriction of restrictions)
    if (!childrenOf(restriction, assertion, 'Audience').some((audience) => textOf(audience) === entityId))
      throw refused('the assertion is for another audience')
  for (const condition of conditions.children)
    if (condition.namespace !== assertion || !conditionsKnown.includes(condition.name))
      throw refused(`the assertion is under a condition that is not known: ${shown(condition.name)}`)
}

function checkPeriod(element: XmlElement, nowMs: number): void {
  const begin = timeIn(element, 'NotBefore')
  const end = timeIn(element, 'NotOnOrAfter')
  if (begin !== undefined && nowMs + toleranceMs < begin) throw refused('the assertion is not good yet')
  if (end !== undefined && nowMs - toleranceMs >= end) throw refused('the assertion is over')
}

function authenticationIn(
  signed: XmlElement,
  nowMs: number,
): { readonly signedIn: SignedIn; readonly endsAtMs: number | undefined } {
  const [statement, ...more] = childrenOf(signed, assertion, 'AuthnStatement')
  if (statement === undefined || more.length > 0)
    throw refused('the assertion does not say when they signed in, or says it more than once')
  const endsAtMs = timeIn(statement, 'SessionNotOnOrAfter')
  if (endsAtMs !== undefined && endsAtMs <= nowMs) throw refused('their session there is over')
  const atMs = timeIn(statement, 'AuthnInstant')
  const classes = childrenOf(
    onlyChild(statement, assertion, 'AuthnContext'),
    assertion,
    'AuthnContextClassRef',
  )
  const acr = classes.map(textOf).filter((name) => name !== '' && name.length <= maxWord)
  // Of clocks that differ, theirs may be ahead.
  return { signedIn: { acr, amr: [], ...(atMs !== undefined && { atMs: Math.min(atMs, nowMs) }) }, endsAtMs }
}

/** Values by an attribute's name, of all that has that name. */
function attributesIn(signed: XmlElement): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>()
  for (const statement of childrenOf(signed, assertion, 'AttributeStatement'))
    for (const attribute of statement.children) {
      if (!isElement(attribute, assertion, 'Attribute')) throw refused('an attribute in it cannot be read')
      const name = attribute.attributes.get('Name') ?? ''
      const known = values.get(name) ?? []
      values.set(name, known)
      // A value that is made of elements is not for us.
      for (const value of childrenOf(attribute, assertion, 'AttributeValue'))
        if (value.children.length === 0) known.push(value.text)
    }
  return values
}

interface NameId {
  readonly value: string
  readonly isPersistent: boolean
}

function nameIdIn(subject: XmlElement, { issuer, entityId }: Expected): NameId | undefined {
  if (!subject.children.some(({ name }) => name.endsWith('ID'))) return undefined
  const nameId = onlyChild(subject, assertion, 'NameID')
  if (subject.children.some(({ name }) => name === 'BaseID' || name === 'EncryptedID'))
    throw refused('the assertion names its subject twice')
  const { attributes } = nameId
  const qualifier = attributes.get('NameQualifier')
  const ours = attributes.get('SPNameQualifier')
  // A name within another provider's names is somebody else's.
  if ((qualifier ?? issuer) !== issuer || (ours ?? entityId) !== entityId)
    throw refused('the name ID is of another provider, or for somebody else')
  return { value: textOf(nameId), isPersistent: attributes.get('Format') === persistent }
}

function subjectOf(
  nameId: NameId | undefined,
  values: ReadonlyMap<string, readonly string[]>,
  { subjectAttribute }: SamlAttributes,
): string {
  const [subject = '', ...more] =
    subjectAttribute === undefined
      ? nameId?.isPersistent === true
        ? [nameId.value]
        : []
      : (values.get(subjectAttribute) ?? [])
  if (more.length > 0) throw refused(`there is more than one ${shown(subjectAttribute)}`)
  if (subject.trim() === '' || subject.length > maxWord)
    throw refused(
      subjectAttribute === undefined
        ? 'the name ID is not persistent: see `subjectAttribute`'
        : `there is no ${shown(subjectAttribute)} that says who it is`,
    )
  return subject
}

/** @throws SignInProblem where it stands there and is no time in UTC. Core section 1.3.3 */
function timeIn({ name, attributes }: XmlElement, attribute: string): number | undefined {
  const text = attributes.get(attribute)
  if (text === undefined) return undefined
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) throw refused(`${attribute} of its ${name} is no time`)
  return time
}

const bearer = 'urn:oasis:names:tc:SAML:2.0:cm:bearer'
/** That are kept: the last one because an assertion is used once here anyhow, and the one before because it is passed on to nobody. */
const conditionsKnown = ['AudienceRestriction', 'ProxyRestriction', 'OneTimeUse']
/** By which Entra ID says that it has left the groups out. */
const groupsElsewhere = 'http://schemas.microsoft.com/claims/groups.link'
/** For clocks that differ. */
export const toleranceMs = 60_000
/** As long as a browser's way there and back may take. */
const maxAgeMs = 600_000
const maxWord = 255
