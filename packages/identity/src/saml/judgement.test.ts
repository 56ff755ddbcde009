import { beforeAll, describe, expect, test } from 'vitest'
import { partsOf, responseOf, signed, type Parts, type Said } from '../testing/saml.ts'
import { SamlArena } from '../testing/saml-arena.ts'

describe('an answer by SAML is refused', () => {
  let arena: SamlArena
  let said: Said
  let alice: string
  const judged = (response: string): Promise<string> => arena.judged(response)
  const bySaying: SamlArena['bySaying'] = (...how) => arena.bySaying(...how)
  const at: SamlArena['at'] = (offsetMs) => arena.at(offsetMs)
  beforeAll(async () => {
    arena = await SamlArena.open()
    ;({ said, alice } = arena)
  })

  describe('where it is not for us, not for this browser, or not for now', () => {
    test('by audience', async () => {
      const others = await bySaying({ entityId: 'https://other.example' })
      expect(others).toBe('the assertion is for another audience')
      expect(await bySaying({}, { conditions: '<saml:Conditions/>' })).toBe(
        'the assertion does not say for whom it is',
      )
      const both = partsOf(said).conditions.replace(
        '</saml:Conditions>',
        '<saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience></saml:AudienceRestriction></saml:Conditions>',
      )
      expect(await bySaying({}, { conditions: both })).toContain('another audience')
      const unknown = partsOf(said).conditions.replace(
        '</saml:Conditions>',
        '<saml:Condition/></saml:Conditions>',
      )
      expect(await bySaying({}, { conditions: unknown })).toContain('a condition that is not known')
      expect(await bySaying({}, { conditions: '' })).toBe('there is no Conditions in its Assertion')
    })
    test('by recipient and destination', async () => {
      const elsewhere = 'https://other.example/acs'
      const subject = partsOf({ ...said, acs: elsewhere }).subject
      expect(await bySaying({}, { subject })).toBe('the assertion is for another recipient')
      expect(await judged(responseOf({ ...said, acs: elsewhere }, alice))).toContain(
        'addressed to somebody else',
      )
      const without = responseOf(said, alice).replace(` Destination="${arena.acs}"`, '')
      expect(await judged(without)).toBe('alice')
      expect(await judged(signed(without, '_response', arena.key))).toContain('addressed to somebody else')
    })
    test('by what it answers: another request, or none', async () => {
      expect(await bySaying({ requestId: '_other' })).toContain('does not answer what this browser asked')
      const mixed = { subject: partsOf({ ...said, requestId: '_other' }).subject }
      expect(await bySaying({}, mixed)).toContain('the assertion does not answer')
      const unasked = { subject: partsOf(said).subject.replace(' InResponseTo="_request"', '') }
      expect(await bySaying({}, unasked)).toContain('the assertion does not answer')
      const unsolicited = responseOf(said, alice).replace(' InResponseTo="_request"', '')
      expect(await judged(unsolicited)).toContain('does not answer what this browser asked')
    })
    test('by time, with a minute for clocks that differ', async () => {
      const conditions = (begin: number, end: number): Partial<Parts> => ({
        conditions: partsOf(said)
          .conditions.replace(/NotBefore="[^"]*"/, `NotBefore="${at(begin)}"`)
          .replace(/NotOnOrAfter="[^"]*"/, `NotOnOrAfter="${at(end)}"`),
      })
      expect(await bySaying({}, conditions(50_000, 300_000))).toBe('alice')
      expect(await bySaying({}, conditions(-300_000, -40_000))).toBe('alice')
      expect(await bySaying({}, conditions(70_000, 300_000))).toBe('the assertion is not good yet')
      expect(await bySaying({}, conditions(-300_000, -61_000))).toMatch(/is over/)
      const confirmation = (how: string): Partial<Parts> => ({
        subject: partsOf(said).subject.replace(/NotOnOrAfter="[^"]*"/, how),
      })
      expect(await bySaying({}, confirmation(`NotOnOrAfter="${at(-61_000)}"`))).toMatch(/is over/)
      expect(await bySaying({}, confirmation(''))).toMatch(/how long it may be brought/)
      expect(await bySaying({}, confirmation('NotOnOrAfter="tomorrow"'))).toMatch(/is no time/)
      expect(await bySaying({ nowMs: said.nowMs - 661_000 }, partsOf(said))).toBe(
        'the assertion was not made just now',
      )
      expect(await bySaying({ nowMs: said.nowMs + 61_000 }, partsOf(said))).toBe(
        'the assertion was not made just now',
      )
      const over = partsOf(said).authentication.replace(
        'AuthnInstant',
        `SessionNotOnOrAfter="${at(-1000)}" AuthnInstant`,
      )
      expect(await bySaying({}, { authentication: over })).toBe('their session there is over')
    })
    test('by who says it', async () => {
      expect(await bySaying({ issuer: 'https://evil.example' })).toContain('another provider')
      expect(await bySaying({}, { issuer: '<saml:Issuer>https://evil.example</saml:Issuer>' })).toContain(
        'another provider',
      )
      expect(await bySaying({}, { issuer: partsOf(said).issuer.repeat(2) })).toBe(
        '"Issuer" has no place in its Assertion, or not there',
      )
    })
    test('by how it may be brought: by a holder of a key, in two ways, or in none', async () => {
      const { subject } = partsOf(said)
      for (const altered of [
        subject.replace('cm:bearer', 'cm:holder-of-key'),
        subject.replace(/<saml:SubjectConfirmation .*<\/saml:SubjectConfirmation>/, ''),
        subject.replace(/(<saml:SubjectConfirmation .*<\/saml:SubjectConfirmation>)/, '$1$1'),
      ])
        expect(await bySaying({}, { subject: altered })).toMatch(/whoever brings it|in more than one way/)
    })
    test('where it says that nobody was signed in', async () => {
      const status = (code: string): string => responseOf(said, '').replace(/<samlp:StatusCode [^>]*>/, code)
      const denied = 'urn:oasis:names:tc:SAML:2.0:status:'
      expect(
        await judged(
          status(
            `<samlp:StatusCode Value="${denied}Responder"><samlp:StatusCode Value="${denied}AuthnFailed"/></samlp:StatusCode>`,
          ),
        ),
      ).toBe('the provider answered "AuthnFailed"')
      expect(await judged(status(`<samlp:StatusCode Value="&#10;a&#x202e;"/>`))).toMatch(
        /^the provider answered "[^\n\u202e]*"$/,
      )
      expect(await judged(responseOf(said, alice).replace('status:Success', 'status:Requester'))).toContain(
        'answered "Requester"',
      )
    })
  })

  describe('where it does not say who it is for good', () => {
    test('by a name that is another one each time, an address, or none', async () => {
      for (const format of ['transient', 'unspecified', 'emailAddress'])
        expect(await bySaying({ format: `urn:oasis:names:tc:SAML:2.0:nameid-format:${format}` })).toContain(
          'not persistent',
        )
      for (const subject of ['', '  ', 'x'.repeat(256)])
        expect(await bySaying({ subject })).toMatch(/not persistent/)
    })
    test('by two names, or by a name within another provider’s names', async () => {
      const { subject } = partsOf(said)
      const twice = subject.replace(/(<saml:NameID .*<\/saml:NameID>)/, '$1$1')
      expect(await bySaying({}, { subject: twice })).toMatch(/more than one NameID/)
      for (const qualifier of [
        'NameQualifier="https://evil.example"',
        'SPNameQualifier="https://other.example"',
      ])
        expect(
          await bySaying({}, { subject: subject.replace('<saml:NameID ', `<saml:NameID ${qualifier} `) }),
        ).toContain('of another provider, or for somebody else')
    })
    test('with more groups than are taken', async () => {
      const groups = Array.from({ length: 501 }, (_, index) => `g${index}`)
      expect(await bySaying({ attributes: { groups } })).toBe('there are more than 500 groups')
      const elsewhere = { 'http://schemas.microsoft.com/claims/groups.link': ['https://graph.example/'] }
      expect(await bySaying({ attributes: elsewhere })).toContain('did not fit')
    })
  })
})
