import { beforeAll, describe, expect, test } from 'vitest'
import { FakeClock } from '@sallyport/core/testing'
import { Unreachable } from '../oidc/fetch.ts'
import { samlLooks } from './examination.ts'
import { identityProviderIn, identityProviderOf, type IdentityProvider } from './identity-provider.ts'
import { createSamlKey } from './key.ts'

const dayMs = 24 * 3_600_000
/** For a key on P-256. */
const elliptic = `-----BEGIN CERTIFICATE-----
MIIBcDCCARWgAwIBAgIUX8nfptqtedWFoz/Sy9h8RrRUAIYwCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBeDAgFw0yNjExMjgxNjQ2NThaGA8yMTI2MTEwNDE2NDY1OFow
DDEKMAgGA1UEAwwBeDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOllArOntSZ1
lcODAVhMUYsAY0F0FeGp4YQWagpSMnQBihRGw58WgJEU7tpBBKXJX7DabTPlTB6o
mbxC8VRgV4mjUzBRMB0GA1UdDgQWBBQ2glcHI1KAdR2uTLh7b5enwn2w9jAfBgNV
HSMEGDAWgBQ2glcHI1KAdR2uTLh7b5enwn2w9jAPBgNVHRMBAf8EBTADAQH/MAoG
CCqGSM49BAMCA0kAMEYCIQC1pZPmrl0Yq8ggif0iCa6NrK84fRvqv8TmiOKdTq+z
RgIhAIIY6WwugAHoZ2fotP2wvWRbNn3Lf+IlFVCLNkPk1Wqt
-----END CERTIFICATE-----`

describe('what is known of a SAML provider', () => {
  const clock = new FakeClock()
  let certificate: string
  let base64: string
  beforeAll(async () => {
    ;({ certificate } = await createSamlKey(clock))
    base64 = certificate.replaceAll(/-----[^-]+-----|\s/g, '')
  })

  const entity = (id: string, more = ''): string =>
    `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="${id}"${more}><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\n${base64}\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:KeyDescriptor use="encryption"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>x</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example/post"/><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>`
  const several = (...entities: readonly string[]): string =>
    `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">${entities.join('')}</EntitiesDescriptor>`
  const read = (text: string, wanted = 'https://idp.example'): IdentityProvider =>
    identityProviderIn(Buffer.from(text), wanted)

  test('is in its metadata: what it calls itself, where it is asked, and by which certificates it signs', () => {
    const known = read(entity('https://idp.example', ' validUntil="2027-01-01T00:00:00Z"'))
    expect(known).toMatchObject({ issuer: 'https://idp.example', validUntilMs: Date.UTC(2027, 0, 1) })
    expect(known.entryPoint.href).toBe('https://idp.example/sso')
    expect(known.certificates).toHaveLength(1)
    expect(read(several(entity('a'), entity('b')), 'b').issuer).toBe('b')
  })

  test('or in the configuration, with any number of certificates in a file', () => {
    const known = identityProviderOf('i', 'https://idp.example/sso', [
      certificate + certificate,
      Buffer.from(base64, 'base64'),
    ])
    expect(known.certificates).toHaveLength(3)
  })

  test('and what cannot be used is said', () => {
    const good = entity('https://idp.example')
    for (const [text, why] of [
      [
        several(entity('https://idp.example'), entity('https://idp.example')),
        'more than one identity provider',
      ],
      [several(), 'no identity provider'],
      [good.replace('SAML:2.0:protocol', 'SAML:3.0:protocol'), 'no identity provider'],
      ['<x', 'cannot be read'],
      [`<!DOCTYPE x>${good}`, 'cannot be read'],
      [good.replace('https://idp.example/sso', 'http://idp.example/sso'), 'no address of https'],
      [good.replace(base64, 'eA=='), 'a certificate of it cannot be read'],
      [
        good
          .replace('use="signing"', 'use="encryption"')
          .replace(/<ds:X509Certificate>x/, '<ds:X509Certificate>'),
        'no certificate is known',
      ],
      [entity('https://other.example'), 'no identity provider'],
      [entity('https://idp.example', ' validUntil="soon"'), 'is no time'],
    ] as const)
      expect(() => read(text)).toThrow(why)
    expect(() => identityProviderOf('i', 'https://idp.example', [])).toThrow('no certificate is known')
    expect(() => identityProviderOf('i', 'https://idp.example', [certificate.repeat(9)])).toThrow(
      'more than 8',
    )
    expect(() => identityProviderOf('i', 'https://idp.example', [elliptic])).toThrow('RSA key of 2048 bits')
  })

  describe('is looked at by the doctor', () => {
    const answers = (status: number, date?: string) => () =>
      Promise.resolve(new Response(null, { status, headers: date === undefined ? {} : { date } }))
    const looked = async (
      known: () => IdentityProvider,
      fetch: () => Promise<Response> = answers(200),
      at: { now(): number; elapsed(): number } = clock,
    ): Promise<readonly string[]> => {
      const looks = samlLooks({
        identityProvider: () => new Promise((resolve) => resolve(known())),
        clock: at,
        fetch,
      })
      const found = await Promise.all(looks.map(({ look }) => look()))
      return found.map(({ state, detail }) => `${state}: ${detail}`)
    }
    const known = (): IdentityProvider => read(entity('https://idp.example'))

    test('and all is well', async () => {
      expect(await looked(known)).toEqual([
        'good: https://idp.example is known',
        'good: 1, the last of them good for 3650 more days',
        'good: it answers',
      ])
    })
    test('and what ends soon, or is over, is told of', async () => {
      const until = (days: number) => () =>
        read(
          entity(
            'https://idp.example',
            ` validUntil="${new Date(clock.now() + days * dayMs).toISOString()}"`,
          ),
        )
      expect((await looked(until(29)))[0]).toBe('warning: its metadata is good for 29 more days')
      expect((await looked(until(31)))[0]).toBe('good: its metadata is good for 31 more days')
      expect((await looked(until(0)))[0]).toBe('bad: its metadata is over')
      const later = (days: number) => new FakeClock(clock.now() + days * dayMs)
      expect((await looked(known, answers(200), later(3640)))[1]).toBe(
        'warning: the last certificate by which it signs is good for 10 more days',
      )
      expect((await looked(known, answers(200), later(3651)))[1]).toBe(
        'bad: every certificate by which it signs is over',
      )
      const { certificate: next } = await createSamlKey(later(400))
      const both = identityProviderOf('i', 'https://idp.example', [certificate, next])
      expect((await looked(() => both, answers(200), later(3651)))[1]).toContain(
        '1 of 2 certificates are over',
      )
    })
    test('and where it cannot be asked, or what time it is there', async () => {
      expect(
        (await looked(known, () => Promise.reject(new Unreachable('idp.example cannot be reached'))))[2],
      ).toBe('bad: idp.example cannot be reached')
      expect((await looked(known, answers(404)))[2]).toBe('warning: idp.example/sso answers 404')
      expect((await looked(known, answers(403)))[2]).toBe('good: it answers')
      const date = (offsetMs: number): string => new Date(clock.now() + offsetMs).toUTCString()
      expect((await looked(known, answers(200, date(-61_000))))[2]).toBe(
        'bad: its clock and ours are 61 s apart',
      )
      expect((await looked(known, answers(200, date(59_000))))[2]).toBe('good: it answers')
    })
    test('and what is wrong with its files is said of each', async () => {
      const found = await looked(() => read('<x/>'))
      expect(found).toEqual(
        Array.from({ length: 3 }, () => expect.stringMatching(/^bad: no identity provider/)),
      )
    })
  })
})
