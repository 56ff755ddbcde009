import { FakeClock } from '@sallyport/core/testing'
import { identityProviderOf } from '../saml/identity-provider.ts'
import { createSamlKey } from '../saml/key.ts'
import { persistent } from '../saml/names.ts'
import { SamlProvider, type SamlKey } from '../saml/provider.ts'
import { SignInProblem } from '../sign-in-provider.ts'
import { assertionOf, brought, responseOf, signed, type Parts, type Said, type Signing } from './saml.ts'

/** A provider that has said one thing, and ways to bring something else in its name. */
export class SamlArena {
  readonly key: SamlKey
  readonly otherKey: SamlKey
  readonly acs = 'https://gateway.example:8443/sign-in/saml/acs'
  readonly said: Said
  /** What the provider has signed: that alice is here. */
  readonly alice: string
  /** The same, said of somebody else, and signed by nobody. */
  readonly evil: string
  readonly #provider: SamlProvider

  static async open(): Promise<SamlArena> {
    // node-saml goes by the clock of the machine.
    const clock = new FakeClock(Date.now())
    return new SamlArena(clock, await createSamlKey(clock), await createSamlKey(clock))
  }

  constructor(clock: FakeClock, key: SamlKey, otherKey: SamlKey) {
    this.key = key
    this.otherKey = otherKey
    const issuer = 'https://idp.example/metadata'
    this.said = {
      issuer,
      entityId: 'https://gateway.example:8443/sign-in/saml/metadata',
      acs: this.acs,
      requestId: '_request',
      nowMs: clock.now(),
      subject: 'alice',
      format: persistent,
      attributes: { groups: ['dba'] },
      assertionId: '_assertion',
    }
    this.alice = signed(assertionOf(this.said), '_assertion', key)
    this.evil = assertionOf({ ...this.said, subject: 'admin', assertionId: '_evil' })
    const provider = identityProviderOf(issuer, 'https://idp.example/sso', [key.certificate])
    this.#provider = new SamlProvider({
      identityProvider: () => Promise.resolve(provider),
      attributes: { groupsAttribute: 'groups' },
      clock,
    })
  }

  /** Who it would be by that form, or why it is refused. */
  async asked(form: URLSearchParams): Promise<string> {
    try {
      return (await this.#provider.complete(form, { requestId: '_request' }, this.acs)).subject
    } catch (thrown) {
      if (thrown instanceof SignInProblem && thrown.kind === 'refused') return thrown.message
      throw thrown
    }
  }

  readonly judged = (response: string): Promise<string> => this.asked(brought(response))
  /** As the provider itself would say it. */
  readonly bySaying = (over: Partial<Said>, parts: Partial<Parts> = {}): Promise<string> => {
    const all = { ...this.said, ...over }
    return this.judged(responseOf(all, signed(assertionOf(all, parts), all.assertionId, this.key)))
  }
  readonly bySigning = (how: Signing, by = this.key): Promise<string> =>
    this.judged(responseOf(this.said, signed(assertionOf(this.said), '_assertion', by, how)))
  readonly at = (offsetMs: number): string => new Date(this.said.nowMs + offsetMs).toISOString()
}

export function signatureIn(xml: string): string {
  return /<ds:Signature .*?<\/ds:Signature>/s.exec(xml)?.[0] ?? ''
}

export function unsigned(xml: string): string {
  return xml.replace(signatureIn(xml), '')
}

/** Behind the issuer. */
export function withSignature(xml: string, signature: string): string {
  return xml.replace('</saml:Issuer>', `</saml:Issuer>${signature}`)
}

export function withObject(signature: string, inside: string): string {
  return signature.replace('</ds:Signature>', `<ds:Object>${inside}</ds:Object></ds:Signature>`)
}
