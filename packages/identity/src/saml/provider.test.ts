import { createVerify, X509Certificate } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { FakeClock } from '@sallyport/core/testing'
import { assertionOf, brought, responseOf, signed, type Said } from '../testing/saml.ts'
import type { SamlAttributes } from './assertion.ts'
import { identityProviderOf } from './identity-provider.ts'
import { createSamlKey } from './key.ts'
import { persistent } from './names.ts'
import { SamlProvider, type SamlKey } from './provider.ts'
import { readXml } from './xml.ts'

const issuer = 'https://idp.example/metadata'
const acs = 'https://gateway.example:8443/sign-in/saml/acs'
const entityId = 'https://gateway.example:8443/sign-in/saml/metadata'

describe('a SAML provider', () => {
  // node-saml goes by the clock of the machine.
  const clock = new FakeClock(Date.now())
  let key: SamlKey
  let said: Said
  const providerWith = (attributes: Partial<SamlAttributes> = {}, ours?: SamlKey): SamlProvider =>
    new SamlProvider({
      identityProvider: () =>
        Promise.resolve(identityProviderOf(issuer, 'https://idp.example/sso?tenant=a', [key.certificate])),
      attributes: { groupsAttribute: 'groups', ...attributes },
      key: ours,
      clock,
    })
  const complete = (response: string, provider = providerWith()) =>
    provider.complete(brought(response), { requestId: said.requestId }, acs)
  const good = (over: Partial<Said> = {}) => {
    const all = { ...said, ...over }
    return responseOf(all, signed(assertionOf(all), all.assertionId, key))
  }

  beforeAll(async () => {
    key = await createSamlKey(clock)
    said = {
      issuer,
      entityId,
      acs,
      requestId: '_request',
      nowMs: clock.now(),
      subject: 'a-persistent-id',
      format: persistent,
      attributes: { groups: ['dba', '/oncall', 'no good'], name: ['Alice.Doe@acme.example'], uid: ['17'] },
      assertionId: '_assertion',
    }
  })

  test('says who somebody is: by a persistent name ID, with the groups that can be named here', async () => {
    expect(await complete(good())).toEqual({
      issuer,
      subject: 'a-persistent-id',
      called: 'a-persistent-id',
      groups: ['dba', 'oncall'],
      claimedAtMs: said.nowMs,
      sid: null,
      signedIn: {
        acr: ['urn:oasis:names:tc:SAML:2.0:ac:classes:Password'],
        amr: [],
        atMs: said.nowMs - 1000,
      },
      once: { id: '_assertion', untilMs: said.nowMs + 720_000 },
    })
  })

  test('or by an attribute, under a name of another, with no more groups than are to be taken', async () => {
    const provider = providerWith({ subjectAttribute: 'uid', nameAttribute: 'name', onlyGroups: ['dba'] })
    const format = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient'
    expect(await complete(good({ format, subject: 'other each time' }), provider)).toMatchObject({
      subject: '17',
      called: 'Alice.Doe@acme.example',
      groups: ['dba'],
    })
  })

  test('may sign the whole answer besides', async () => {
    expect(await complete(signed(good(), '_response', key))).toMatchObject({ subject: 'a-persistent-id' })
  })

  test('is asked by a request to its address, which says where the answer goes and by what id', async () => {
    const { url, flow } = await providerWith().begin(acs)
    expect(`${url.origin}${url.pathname}?tenant=${url.searchParams.get('tenant') ?? ''}`).toBe(
      'https://idp.example/sso?tenant=a',
    )
    expect(url.searchParams.has('RelayState')).toBe(false)
    expect(url.searchParams.has('Signature')).toBe(false)
    const request = inflateRawSync(Buffer.from(url.searchParams.get('SAMLRequest') ?? '', 'base64'))
    const { name, attributes, children } = readXml(request)
    expect(name).toBe('AuthnRequest')
    expect(flow.requestId).toMatch(/^_[0-9a-f]{40}$/)
    expect(Object.fromEntries(attributes)).toMatchObject({
      ID: flow.requestId,
      AssertionConsumerServiceURL: acs,
      Destination: 'https://idp.example/sso?tenant=a',
      ProtocolBinding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST',
    })
    expect(children.find((one) => one.name === 'Issuer')?.text).toBe(entityId)
    expect(children.find((one) => one.name === 'NameIDPolicy')?.attributes.get('Format')).toBe(persistent)
  })

  test('is asked by signed requests where it wants that, and finds the key in our metadata', async () => {
    const ours = await createSamlKey(clock)
    const provider = providerWith({ subjectAttribute: 'uid' }, ours)
    const { url } = await provider.begin(acs)
    expect(url.searchParams.get('SigAlg')).toBe('http://www.w3.org/2001/04/xmldsig-more#rsa-sha256')
    const query = url.search
      .slice(1)
      .replace('tenant=a&', '')
      .replace(/&Signature=.*$/, '')
    const verify = createVerify('sha256').update(query)
    expect(verify.verify(ours.certificate, url.searchParams.get('Signature') ?? '', 'base64')).toBe(true)
    const text = provider.metadata(acs)
    expect(text).not.toContain('PRIVATE')
    expect(text).toContain(`entityID="${entityId}"`)
    expect(text).toContain(`Location="${acs}"`)
    expect(text).toContain('WantAssertionsSigned="true"')
    const found = /<ds:X509Certificate>([^<]+)</.exec(text)?.[1] ?? ''
    expect(new X509Certificate(Buffer.from(found, 'base64')).fingerprint256).toBe(
      new X509Certificate(ours.certificate).fingerprint256,
    )
    expect(providerWith().metadata(acs)).not.toContain('KeyDescriptor')
  })
})
