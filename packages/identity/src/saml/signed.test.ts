import { beforeAll, describe, expect, test } from 'vitest'
import { assertionOf, responseOf, signed, type Said } from '../testing/saml.ts'
import { SamlArena, signatureIn, unsigned, withObject, withSignature } from '../testing/saml-arena.ts'

describe('an answer by SAML is refused', () => {
  let arena: SamlArena
  let said: Said
  let alice: string
  let evil: string
  const judged = (response: string): Promise<string> => arena.judged(response)
  const bySigning: SamlArena['bySigning'] = (...how) => arena.bySigning(...how)
  beforeAll(async () => {
    arena = await SamlArena.open()
    ;({ said, alice, evil } = arena)
  })

  test('unless nothing is wrong with it', async () => {
    expect(await judged(responseOf(said, alice))).toBe('alice')
  })

  describe('where what is signed was wrapped in something else', () => {
    const evilResponse = (inside: string): string =>
      responseOf({ ...said, subject: 'admin' }, inside).replace('ID="_response"', 'ID="_evilresponse"')

    test('XSW1: the signed answer within the signature of another one', async () => {
      const whole = signed(responseOf(said, alice), '_response', arena.key)
      const wrapped = withObject(signatureIn(whole), whole.replace(signatureIn(whole), ''))
      expect(await judged(withSignature(evilResponse(evil), wrapped))).toContain('more than one assertion')
    })
    test('XSW2: the signed answer beside its signature in another one', async () => {
      const whole = signed(responseOf(said, alice), '_response', arena.key)
      const beside = whole.replace(signatureIn(whole), '') + signatureIn(whole)
      expect(await judged(withSignature(evilResponse(evil), beside))).toContain('more than one assertion')
    })
    test('XSW3: another assertion before it', async () => {
      expect(await judged(responseOf(said, evil + alice))).toContain('more than one Assertion')
    })
    test('XSW4: another assertion around it', async () => {
      const around = evil.replace('</saml:Assertion>', `${alice}</saml:Assertion>`)
      expect(await judged(responseOf(said, around))).toContain('more than one assertion')
    })
    test('XSW5: another assertion with its signature, and it without behind that', async () => {
      const taken = withSignature(evil, signatureIn(alice))
      expect(await judged(responseOf(said, taken + unsigned(alice)))).toContain('more than one Assertion')
    })
    test('XSW6: another assertion with its signature, and it within the signature', async () => {
      const within = signatureIn(alice).replace('</ds:Signature>', `${unsigned(alice)}</ds:Signature>`)
      expect(await judged(responseOf(said, withSignature(evil, within)))).toContain('more than one assertion')
    })
    test('XSW7: another assertion among extensions', async () => {
      const extended = responseOf(said, alice).replace(
        '<samlp:Status>',
        `<samlp:Extensions>${evil}</samlp:Extensions><samlp:Status>`,
      )
      expect(await judged(extended)).toContain('more than one assertion')
    })
    test('XSW8: it in an object of the signature of another', async () => {
      const within = withObject(signatureIn(alice), unsigned(alice))
      expect(await judged(responseOf(said, withSignature(evil, within)))).toContain('more than one assertion')
    })
    test('and where the other one is called otherwise, or is of another namespace', async () => {
      const renamed = (to: string): string =>
        evil.replace('xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"', `xmlns:saml="${to}"`)
      for (const namespace of ['urn:oasis:names:tc:SAML:1.0:assertion', 'urn:x'])
        for (const text of [renamed(namespace) + alice, alice + renamed(namespace)])
          expect(await judged(responseOf(said, text))).toContain('more than one Assertion')
      expect(await judged(responseOf(said, renamed('urn:x')))).toBe('its Assertion is of another namespace')
      const hidden = alice.replace('<saml:Subject>', `<x xmlns="urn:x">${renamed('urn:x')}</x><saml:Subject>`)
      expect(await judged(responseOf(said, hidden))).toContain('more than one assertion')
      const encrypted = '<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>'
      expect(await judged(responseOf(said, alice + encrypted))).toContain('more than one assertion')
      expect(await judged(responseOf(said, encrypted))).toBe('there is no Assertion in its Response')
    })
    test('where ids stand twice, under whatever name', async () => {
      for (const id of ['ID="_assertion"', 'Id="_assertion"', 'id="_assertion"', 'xml:id="_assertion"'])
        expect(await judged(responseOf(said, alice).replace('<samlp:Status>', `<samlp:Status ${id}>`))).toBe(
          'an id stands twice in it',
        )
    })
  })

  describe('where the provider has not signed the assertion', () => {
    test('at all, or only the answer around it', async () => {
      expect(await judged(responseOf(said, assertionOf(said)))).toBe('the assertion is not signed')
      const around = signed(responseOf(said, assertionOf(said)), '_response', arena.key)
      expect(await judged(around)).toBe('the assertion is not signed')
    })
    test('by its own key, whatever certificate is sent along', async () => {
      expect(await bySigning({}, arena.otherKey)).toContain('not signed by the provider')
      const half = signed(responseOf(said, alice), '_response', arena.otherKey)
      // The signature around says nothing for it; what is taken is the provider’s own, and the rest counts for nothing.
      expect(await judged(half)).toBe('alice')
      expect(await judged(signed(responseOf(said, evil), '_response', arena.otherKey))).toBe(
        'the assertion is not signed',
      )
    })
    test('by an algorithm that is good: not by SHA-1, nor with a public key as a secret', async () => {
      const name = 'http://www.w3.org/2000/09/xmldsig#'
      expect(await bySigning({ signature: `${name}rsa-sha1` })).toContain('rsa-sha1", which is not taken')
      expect(await bySigning({ digest: `${name}sha1` })).toContain('sha1", which is not taken')
      const hmac = { signature: `${name}hmac-sha1`, hmacKey: arena.key.certificate }
      expect(await bySigning(hmac)).toContain('hmac-sha1", which is not taken')
      const claimed = alice.replace('xmldsig-more#rsa-sha256', 'xmldsig-more#rsa-sha512')
      expect(await judged(responseOf(said, claimed))).toContain('not signed by the provider')
    })
    test('as it is: any byte of it that says something else', async () => {
      for (const [from, to] of [
        ['>alice<', '>admin<'],
        ['>dba<', '>administrators<'],
        ['Name="groups"', 'Name="other"'],
        ['</saml:Attribute>', '</saml:Attribute><saml:Attribute Name="a"/>'],
        ['</saml:AttributeStatement>', '</saml:AttributeStatement> '],
      ] as const) {
        const altered = responseOf(said, alice.replace(from, to))
        expect(altered).not.toBe(responseOf(said, alice))
        expect(await judged(altered)).toContain('altered')
      }
    })
    test('but something else, or what is made of it', async () => {
      const other = signatureIn(alice).replace('URI="#_assertion"', 'URI=""')
      expect(await judged(responseOf(said, withSignature(unsigned(alice), other)))).toContain(
        'something else',
      )
      const moved = signatureIn(alice).replace('URI="#_assertion"', 'URI="#_response"')
      expect(await judged(responseOf(said, withSignature(unsigned(alice), moved)))).toContain(
        'something else',
      )
      const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#'
      for (const transforms of [
        [exclusive],
        ['http://www.w3.org/2000/09/xmldsig#enveloped-signature'],
        ['http://www.w3.org/2000/09/xmldsig#enveloped-signature', `${exclusive}WithComments`],
      ])
        expect(await bySigning({ transforms })).toContain('made of its element')
      expect(await bySigning({ canonicalization: `${exclusive}WithComments` })).toContain(
        'another form of XML',
      )
      const xslt = signatureIn(alice).replace(
        '<ds:Transforms>',
        '<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>',
      )
      expect(await judged(responseOf(said, withSignature(unsigned(alice), xslt)))).toContain(
        'made of its element',
      )
    })
    test('once: with a second signature, a second reference, or a second method somewhere in it', async () => {
      const own = signatureIn(alice)
      expect(await judged(responseOf(said, withSignature(alice, own)))).toBe(
        'something in it is signed twice',
      )
      const reference = /<ds:Reference .*?<\/ds:Reference>/s.exec(own)?.[0] ?? ''
      const doubled = own.replace('</ds:SignedInfo>', `${reference}</ds:SignedInfo>`)
      expect(await judged(responseOf(said, withSignature(unsigned(alice), doubled)))).toContain(
        'not over one thing',
      )
      const method = '<ds:SignatureMethod Algorithm="http://www.w3.org/2000/09/xmldsig#rsa-sha1"/>'
      const nested = own.replace(
        /(<ds:CanonicalizationMethod [^>]*)\/>/,
        `$1>${method}</ds:CanonicalizationMethod>`,
      )
      expect(nested).not.toBe(own)
      expect(await judged(responseOf(said, withSignature(unsigned(alice), nested)))).toContain(
        'has not the form',
      )
      const elsewhere = responseOf(said, alice).replace('</samlp:Status>', `${own}</samlp:Status>`)
      expect(await judged(elsewhere)).toContain('where none belongs')
    })
  })
})
