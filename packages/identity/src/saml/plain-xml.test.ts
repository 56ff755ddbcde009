import { beforeAll, describe, expect, test } from 'vitest'
import { assertionOf, brought, responseOf, signed, type Said } from '../testing/saml.ts'
import { SamlArena } from '../testing/saml-arena.ts'

describe('an answer by SAML is refused', () => {
  let arena: SamlArena
  let said: Said
  let alice: string
  const judged = (response: string): Promise<string> => arena.judged(response)
  const asked: SamlArena['asked'] = (form) => arena.asked(form)
  beforeAll(async () => {
    arena = await SamlArena.open()
    ;({ said, alice } = arena)
  })

  describe('where it is no plain XML', () => {
    const inText = (text: string): Promise<string> =>
      judged(responseOf(said, alice).replace('>alice<', `>${text}<`))

    test('with a comment in a name: it is not cut short there', async () => {
      const signedAs = assertionOf({ ...said, subject: 'admin<!---->.alice' })
      expect(await judged(responseOf(said, signed(signedAs, '_assertion', arena.key)))).toContain(
        'cannot be read',
      )
      expect(await inText('al<!-- -->ice')).toContain('cannot be read')
      expect(await inText('<![CDATA[alice]]>')).toContain('cannot be read')
      expect(await inText('<?x?>alice')).toContain('cannot be read')
    })
    test('with a document type, entities from elsewhere, or entities without end', async () => {
      const bomb = Array.from({ length: 10 }, (_, i) => `<!ENTITY a${i + 1} "${`&a${i};`.repeat(10)}">`).join(
        '',
      )
      for (const type of [
        '<!DOCTYPE x>',
        '<!DOCTYPE x SYSTEM "https://evil.example/x.dtd">',
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        `<!DOCTYPE x [<!ENTITY a0 "ha">${bomb}]>`,
        '<?xml version="1.0"?><!doctype x>',
      ])
        expect(await judged(`${type}${responseOf(said, alice).replace('>alice<', '>&e;<')}`)).toContain(
          'cannot be read',
        )
      for (const entity of [
        '&e;',
        '&a10;',
        '&#0;',
        '&#x110000;',
        '&amp',
        '&;',
        '&#xd800;',
        '&#12',
        '&constructor;',
      ])
        expect(await inText(entity)).toContain('cannot be read')
    })
    test('too large, nested too deep, or of too many elements, and at no cost', async () => {
      const started = performance.now()
      expect(await inText('x'.repeat(131_072))).toContain('more than 131072 bytes')
      expect(await inText('<a>'.repeat(33) + '</a>'.repeat(33))).toContain('nested more than 32 deep')
      expect(await inText('<a>'.repeat(30_000))).toContain('nested more than 32 deep')
      expect(await inText('<a/>'.repeat(4_000))).toContain('more than 4000 elements')
      expect(await inText(`<a ${Array.from({ length: 33 }, (_, i) => `a${i}=""`).join(' ')}/>`)).toContain(
        '32 attributes',
      )
      expect(performance.now() - started).toBeLessThan(2_000)
    })
    test('with names that two readers could take for two things', async () => {
      for (const text of [
        '<x:a/>',
        '<a x="1" x="2"/>',
        '<a xmlns:p="urn:x" xmlns:q="urn:x" p:x="1" q:x="2"/>',
        '<a xmlns:p=""/>',
        '<a xmlns:xmlns="urn:x"/>',
        '<a xmlns="http://www.w3.org/2000/xmlns/"/>',
        '<a:b:c/>',
        '<a x=1/>',
        '<a x="<"/>',
        '<a></b>',
        '<a>',
        ']]>',
        '\u0001',
        '\ufffe',
      ])
        expect(await inText(text)).toContain('cannot be read')
    })
    test('in another encoding, or with something behind it', async () => {
      const whole = responseOf(said, alice)
      expect(await judged(`<?xml version="1.0" encoding="utf-8"?>\n${whole}\n`)).toBe('alice')
      expect(await judged(`<?xml version="1.0" encoding="utf-16"?>${whole}`)).toContain('cannot be read')
      expect(await judged(`<?xml version="1.1"?>${whole}`)).toContain('cannot be read')
      expect(await judged(`\ufeff${whole}`)).toContain('cannot be read')
      expect(await judged(`${whole}${whole}`)).toContain('cannot be read')
      expect(await judged(`${whole}x`)).toContain('cannot be read')
      const form = (bytes: Buffer): Promise<string> =>
        asked(new URLSearchParams({ SAMLResponse: bytes.toString('base64') }))
      expect(await form(Buffer.from(whole, 'utf16le'))).toContain('cannot be read')
      expect(await form(Buffer.concat([Buffer.from(whole), Buffer.of(0xff)]))).toContain('cannot be read')
    })
    test('or no answer at all, or two', async () => {
      for (const text of ['', '!', 'YQ', 'YQ==YQ==', ' '])
        expect(await asked(new URLSearchParams({ SAMLResponse: text }))).toContain(
          'without an answer that can be read',
        )
      expect(await asked(new URLSearchParams())).toContain('without an answer')
      const one = brought(responseOf(said, alice))
      one.append('SAMLResponse', one.get('SAMLResponse') ?? '')
      expect(await asked(one)).toBe('there are two answers in one')
      for (const text of ['x', '<x/>', '<Response/>', '<samlp:Response xmlns:samlp="urn:x"/>'])
        expect(await judged(text)).toMatch(/cannot be read|no Response of SAML 2.0/)
    })
  })
})
