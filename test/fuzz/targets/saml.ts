import { isDeepStrictEqual } from 'node:util'
import { systemClock } from '@sallyport/core'
import { FakeClock } from '@sallyport/core/testing'
import {
  createSamlKey,
  identityProviderOf,
  SamlProvider,
  SignInProblem,
  type SamlKey,
} from '@sallyport/identity'
import { readXml, XmlError, type XmlElement } from '../../../packages/identity/src/saml/xml.ts'
import {
  assertionOf,
  brought,
  responseOf,
  signed,
  type Said,
} from '../../../packages/identity/src/testing/saml.ts'
import { pick, type Random } from '../random.ts'
import { must, type Subject, type Target } from '../target.ts'

/**
 * An input: an answer of a provider, as its XML; or, behind a mark, an assertion that the provider signs as it is. What differs from run to run
 * (values of signatures, times) is named in it, so that it means the same in each.
 */
export const target: Target = {
  name: 'saml',
  promise:
    'nobody is signed in by what the provider has not signed just so, for us and to what was asked, and nothing is thrown',
  unit: 'answers',
  units: { long: 20_000, short: 200 },
  guide: /packages\/identity\/src\/saml\//,
  maxBytes: 24 * 1024,
  slowMs: 500,
  open: async () => new Answers(await createSamlKey(systemClock), await createSamlKey(systemClock)),
}

const acs = 'https://gateway.example/sign-in/saml/acs'
const requestId = '_request'
const dsig = 'http://www.w3.org/2000/09/xmldsig#'

class Answers implements Subject {
  readonly #key: SamlKey
  readonly #clock = new FakeClock(Date.now())
  readonly #said: Said
  readonly #provider: SamlProvider
  /** What the provider says where it is asked, and what is signed in that. */
  readonly #alice: { readonly subject: string; readonly groups: readonly string[] }
  /** What stands for what in inputs. */
  readonly #named: readonly (readonly [name: string, value: string])[]
  readonly seeds: readonly Buffer[]
  /** What answers are put together from: what is signed, what is not and says something else, and what signs. */
  readonly #pieces: readonly string[]

  constructor(key: SamlKey, other: SamlKey) {
    this.#key = key
    const issuer = 'https://idp.example'
    this.#said = {
      issuer,
      entityId: 'https://gateway.example',
      acs,
      requestId,
      nowMs: this.#clock.now(),
      subject: 'alice',
      format: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
      attributes: { groups: ['dba', 'oncall'] },
      assertionId: '_assertion',
    }
    this.#alice = { subject: 'alice', groups: ['dba', 'oncall'] }
    const provider = identityProviderOf(issuer, 'https://idp.example/sso', [key.certificate])
    this.#provider = new SamlProvider({
      identityProvider: () => Promise.resolve(provider),
      attributes: { groupsAttribute: 'groups' },
      entityId: 'https://gateway.example',
      clock: this.#clock,
    })
    const bare = withLongTimes(assertionOf(this.#said))
    const alice = signed(bare, '_assertion', key)
    const answer = responseOf(this.#said, alice)
    const answers = [
      answer,
      signed(answer, '_response', key),
      responseOf(this.#said, signed(bare, '_assertion', other)),
    ]
    this.#named = namesIn(answers)
    const evil = withLongTimes(assertionOf({ ...this.#said, subject: 'admin', assertionId: '_evil' }))
    const [signature = ''] = /<ds:Signature .*?<\/ds:Signature>/s.exec(alice) ?? []
    const signedEvil = evil.replace('</saml:Issuer>', `</saml:Issuer>${signature}`)
    this.#pieces = [evil, evil, signedEvil, alice, bare, signature].map((text) => this.#withNames(text))
    this.seeds = [
      ...answers.map((text) => this.#withNames(text)),
      this.#withNames(responseOf(this.#said, bare)),
      `!${this.#withNames(bare)}`,
    ].map((text) => Buffer.from(text))
  }

  readonly words = [
    '!', '<a>', '</a>', '<!---->', '<!DOCTYPE x>', '<![CDATA[x]]>', '<?x?>', '&#65;', '&lt;', '&e;', ' ID="_assertion"', ' Id="_assertion"', ' xml:id="_response"',
    ' xmlns:saml="urn:x"', ' xmlns="urn:oasis:names:tc:SAML:2.0:assertion"', '>admin<', '>administrators<', 'URI=""', 'URI="#_response"', '#rsa-sha1', '#hmac-sha1', '#sha1',
    'transient', acs, requestId, 'InResponseTo="_other"', 'Recipient="x"', 'NotOnOrAfter="2000-01-01T00:00:00Z"', 'WithComments', 'saml:EncryptedAssertion', '\ufeff', '\0', '\r\n',
    '<saml:Audience>https://gateway.example</saml:Audience>', '<ds:Object>', '</ds:Object>',
  ].map((text) => Buffer.from(text)) // prettier-ignore

  /** Pieces in places where they do not belong: that is how signatures are wrapped. */
  readonly invent = (random: Random): Buffer => {
    let text = this.seeds[random.below(2)]?.toString('utf8') ?? ''
    for (let count = 1 + random.below(3); count > 0; count--) {
      const { at, text: element } = pick(random, elementsIn(text))
      const piece = pick(random, this.#pieces)
      const inside = pick(random, [
        piece,
        `<x>${piece}</x>`,
        `<ds:Object xmlns:ds="${dsig}">${piece}</ds:Object>`,
      ])
      const to = pick(random, [at, at + element.length, at + element.indexOf('>') + 1])
      text =
        random.below(4) === 0
          ? text.replace(element, () => inside)
          : text.slice(0, to) + inside + text.slice(to)
    }
    return Buffer.from(text)
  }

  /** Elements go elsewhere. */
  readonly change = (input: Buffer, other: Buffer, random: Random): Buffer => {
    const text = input.toString('utf8')
    const mine = elementsIn(text)
    const theirs = elementsIn(other.toString('utf8'))
    if (mine.length === 0 || theirs.length === 0) return Buffer.concat([input, other])
    const from = pick(random, mine)
    const place = pick(random, mine)
    const what = random.below(2) === 0 ? from.text : pick(random, theirs).text
    switch (random.below(5)) {
      case 0:
        return Buffer.from(text.slice(0, place.at) + what + text.slice(place.at))
      case 1:
        return Buffer.from(
          text.slice(0, place.at + place.text.length) + what + text.slice(place.at + place.text.length),
        )
      case 2:
        return Buffer.from(text.slice(0, from.at) + text.slice(from.at + from.text.length))
      case 3:
        return Buffer.from(text.slice(0, from.at) + what + text.slice(from.at + from.text.length))
      default: {
        const inner = place.at + place.text.indexOf('>') + 1
        return Buffer.from(text.slice(0, inner) + what + text.slice(inner))
      }
    }
  }

  readonly run = async (input: Buffer): Promise<number> => {
    const text = this.#withValues(input.toString('utf8'))
    const isToBeSigned = text.startsWith('!')
    const answer = isToBeSigned ? this.#signed(text.slice(1)) : text
    if (answer === undefined) return 1
    try {
      const { subject, groups } = await this.#provider.complete(brought(answer), { requestId }, acs)
      if (isToBeSigned) mustBeFor(readXml(Buffer.from(answer)), subject, groups)
      else
        must(
          isDeepStrictEqual({ subject, groups }, this.#alice),
          () => `taken as ${subject}, and nobody has signed that`,
        )
    } catch (thrown) {
      if (!(thrown instanceof SignInProblem)) throw thrown
      must(
        thrown.message !== '' && !/[\p{Cc}\p{Zl}]/u.test(thrown.message),
        () => 'refused without a plain reason',
      )
    }
    must(!('polluted' in {}), () => 'a prototype was changed')
    return 1
  }

  /** In an answer, by the provider's own key; undefined where there is nothing to sign. */
  #signed(assertion: string): string | undefined {
    try {
      const root = readXml(Buffer.from(assertion))
      const id = root.attributes.get('ID') ?? ''
      return /^[A-Za-z_]+$/.test(id) ? responseOf(this.#said, signed(assertion, id, this.#key)) : undefined
    } catch (thrown) {
      if (thrown instanceof XmlError || thrown instanceof Error) return undefined
      throw thrown
    }
  }

  #withNames(text: string): string {
    return this.#named.reduce((all, [name, value]) => all.replaceAll(value, name), text)
  }

  #withValues(text: string): string {
    return this.#named.reduce((all, [name, value]) => all.replaceAll(name, value), text)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve()
  }
}

/** Of an assertion that the provider has signed as it is: it was for us and to this request, and says who it is. */
function mustBeFor(answer: XmlElement, subject: string, groups: readonly string[]): void {
  const all = [...every(answer)]
  const texts = all.map(({ text }) => text)
  const attributes = (name: string): (string | undefined)[] => all.map((one) => one.attributes.get(name))
  must(texts.includes(subject), () => 'somebody is signed in whom it does not name')
  for (const group of groups)
    must(
      texts.some((text) => text.replace(/^\//, '') === group),
      () => 'a group was taken that it does not name',
    )
  must(texts.includes('https://gateway.example'), () => 'taken, and it is for somebody else')
  must(attributes('Recipient').includes(acs), () => 'taken, and it is for another recipient')
  must(
    attributes('InResponseTo').filter((id) => id === requestId).length >= 2,
    () => 'taken, and not asked for',
  )
}

function* every(element: XmlElement): Iterable<XmlElement> {
  yield element
  for (const child of element.children) yield* every(child)
}

/** A search may take longer than an assertion is good for. */
function withLongTimes(assertion: string): string {
  const end = new Date(Date.now() + 7 * 24 * 3_600_000).toISOString()
  return assertion.replaceAll(/NotOnOrAfter="[^"]*"/g, `NotOnOrAfter="${end}"`)
}

/** Names for values that are others in each run. */
function namesIn(answers: readonly string[]): readonly (readonly [string, string])[] {
  const value = /<ds:(?:SignatureValue|DigestValue|X509Certificate)>([^<]+)<|"(\d{4}-\d\d-\d\dT[^"]+Z)"/g
  const values = answers.flatMap((text) =>
    [...text.matchAll(value)].map((found) => found[1] ?? found[2] ?? ''),
  )
  return [...new Set(values)].map((one, index) => [`{${index}}`, one])
}

/** Those that begin and end, with all between. */
function elementsIn(text: string): { readonly at: number; readonly text: string }[] {
  const open: { readonly name: string; readonly at: number }[] = []
  const found: { at: number; text: string }[] = []
  for (const tag of text.matchAll(/<(\/?)([\w:.-]+)[^<>]*?(\/?)>/g)) {
    const [whole, isEnd, name = '', isEmpty] = tag
    if (isEmpty === '/') found.push({ at: tag.index, text: whole })
    else if (isEnd !== '/') open.push({ name, at: tag.index })
    else if (open.at(-1)?.name === name) {
      const { at } = open.pop() ?? { at: 0 }
      found.push({ at, text: text.slice(at, tag.index + whole.length) })
    }
  }
  return found
}
