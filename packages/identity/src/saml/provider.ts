import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { SAML, ValidateInResponseTo, type Profile, type SamlConfig } from '@node-saml/node-saml'
import type { Clock, Secret } from '@sallyport/core'
import { SignInProblem, type SignedInPerson, type SignInProvider } from '../sign-in-provider.ts'
import { personIn, toleranceMs, type SamlAttributes } from './assertion.ts'
import type { IdentityProvider } from './identity-provider.ts'
import { assertion, persistent } from './names.ts'
import { checkForm, type Expected } from './response.ts'
import { childrenOf, onlyChild, refused } from './tree.ts'
import { readXml, XmlError, type XmlElement } from './xml.ts'

/** What has to be kept between the way to the provider and back. */
export interface SamlFlow {
  /** The id of the request, which the answer must name. */
  readonly requestId: string
}

/** A key of ours, with which requests are signed. */
export interface SamlKey {
  /** PEM. */
  readonly certificate: string
  /** PKCS #8, PEM. */
  readonly privateKey: Secret
}

export interface SamlProviderParts {
  /** Read anew for each sign-in, so that its certificates can be changed meanwhile. Rejects with a SignInProblem. */
  readonly identityProvider: () => Promise<IdentityProvider>
  readonly attributes: SamlAttributes
  /** What we call ourselves; the address of our metadata where absent. */
  readonly entityId?: string | undefined
  /** Where requests are to be signed. */
  readonly key?: SamlKey | undefined
  readonly clock: Clock
}

/**
 * A SAML 2.0 identity provider: we begin, by a redirect, and its answer comes by a form that the browser sends. What is taken has the form
 * that {@link checkForm} asks for, is signed as node-saml finds, and is judged by what the signature is over.
 * @see SAML 2.0 Profiles section 4.1
 */
export class SamlProvider implements SignInProvider<SamlFlow> {
  readonly #parts: SamlProviderParts

  constructor(parts: SamlProviderParts) {
    this.#parts = parts
  }

  async begin(back: string): Promise<{ readonly url: URL; readonly flow: SamlFlow }> {
    const provider = await this.#provider()
    const requestId = `_${randomBytes(20).toString('hex')}`
    const saml = this.#saml(provider, back, requestId)
    return { url: new URL(await saml.getAuthorizeUrlAsync('', undefined, {})), flow: { requestId } }
  }

  async complete(answer: URLSearchParams, { requestId }: SamlFlow, back: string): Promise<SignedInPerson> {
    const { attributes, clock } = this.#parts
    const provider = await this.#provider()
    const expected: Expected = {
      issuer: provider.issuer,
      entityId: this.#entityId(back),
      acs: back,
      requestId,
    }
    const [encoded = '', ...more] = answer.getAll('SAMLResponse')
    if (more.length > 0) throw refused('there are two answers in one')
    const judge = (one: XmlElement): SignedInPerson => personIn(one, expected, attributes, clock.now())
    const response = read(decoded(encoded))
    checkForm(response, expected)
    // Before it is known whether it is signed: so the log says what is wrong with it.
    const claimed = judge(onlyChild(response, assertion, 'Assertion'))
    const profile = await validated(this.#saml(provider, back, requestId), encoded)
    const signed = read(Buffer.from(profile.getAssertionXml?.() ?? ''))
    const person = judge(signed)
    if (!isDeepStrictEqual(person, claimed) || nameIn(signed) !== profile.nameID)
      throw refused('the assertion can be read in two ways')
    return person
  }

  /** Our own metadata, for the provider's operators. @param back where the browser comes back to */
  metadata(back: string): string {
    const { key } = this.#parts
    return new SAML({
      ...this.#ours(back),
      // It knows nothing of the provider.
      idpCert: 'none',
    }).generateServiceProviderMetadata(null, key?.certificate ?? null)
  }

  /** As it is now: certificates that are over do not count, and metadata that is over is none. */
  async #provider(): Promise<IdentityProvider> {
    const { identityProvider, clock } = this.#parts
    const provider = await identityProvider()
    const now = clock.now()
    if ((provider.validUntilMs ?? Number.POSITIVE_INFINITY) <= now)
      throw new SignInProblem('unavailable', 'the identity provider’s metadata is over')
    const certificates = provider.certificates.filter(({ validToDate }) => validToDate.getTime() > now)
    if (certificates.length === 0)
      throw new SignInProblem('unavailable', 'every certificate of the identity provider is over')
    return { ...provider, certificates }
  }

  #entityId(back: string): string {
    return this.#parts.entityId ?? new URL('metadata', back).href
  }

  #saml(provider: IdentityProvider, back: string, requestId: string): SAML {
    const begunAt = new Date().toISOString()
    return new SAML({
      ...this.#ours(back),
      entryPoint: provider.entryPoint.href,
      idpCert: provider.certificates.map((certificate) => certificate.toString()),
      idpIssuer: provider.issuer,
      generateUniqueId: () => requestId,
      validateInResponseTo: ValidateInResponseTo.always,
      // The browser keeps it, sealed: there is one request that may be answered.
      cacheProvider: {
        saveAsync: () => Promise.resolve(null),
        getAsync: (id) => Promise.resolve(id === requestId ? begunAt : null),
        removeAsync: () => Promise.resolve(null),
      },
    })
  }

  #ours(back: string): Omit<SamlConfig, 'idpCert'> {
    const { attributes, key } = this.#parts
    const entityId = this.#entityId(back)
    return {
      callbackUrl: back,
      issuer: entityId,
      audience: entityId,
      acceptedClockSkewMs: toleranceMs,
      wantAssertionsSigned: true,
      // The form asks for a signature over the assertion itself; one over the whole answer may be there besides.
      wantAuthnResponseSigned: false,
      identifierFormat: attributes.subjectAttribute === undefined ? persistent : null,
      disableRequestedAuthnContext: true,
      signatureAlgorithm: 'sha256',
      digestAlgorithm: 'sha256',
      ...(key !== undefined && { privateKey: key.privateKey.reveal(), publicCert: key.certificate }),
    }
  }
}

/** @throws SignInProblem unless it is base64, to the letter but for line breaks */
function decoded(encoded: string): Buffer {
  const text = encoded.replaceAll(/[\r\n]/g, '')
  if (text === '' || !/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0)
    throw refused('the browser came back without an answer that can be read')
  return Buffer.from(text, 'base64')
}

function read(bytes: Uint8Array): XmlElement {
  try {
    return readXml(bytes)
  } catch (thrown) {
    if (thrown instanceof XmlError) throw refused(`the answer cannot be read: ${thrown.message}`)
    throw thrown
  }
}

/** What node-saml has found signed. Its own words may quote the answer. */
async function validated(saml: SAML, encoded: string): Promise<Profile> {
  let profile: Profile | null
  try {
    ;({ profile } = await saml.validatePostResponseAsync({ SAMLResponse: encoded }))
  } catch {
    throw refused('the assertion is not signed by the provider, or altered')
  }
  if (profile === null) throw refused('the answer has no assertion')
  return profile
}

function nameIn(signed: XmlElement): string | undefined {
  const [subject] = childrenOf(signed, assertion, 'Subject')
  return subject && childrenOf(subject, assertion, 'NameID')[0]?.text
}
