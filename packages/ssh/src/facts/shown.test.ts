import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shownCommand } from './shown.ts'

test.each([
  ['systemctl restart nginx', 'systemctl restart nginx'],
  ['systemctl restart nginx\nrm -rf /srv', 'systemctl restart nginx⟨0A⟩\nrm -rf /srv'],
  ['a\tb\rc\u001b[2J\0', 'a⟨09⟩b⟨0D⟩c⟨1B⟩[2J⟨00⟩'],
  ['größe 日本 👍 a\\nb', 'größe 日本 👍 a\\nb'],
  ['a\u00a0b\u202ec\u200bd\ufeff', 'a⟨U+00A0⟩b⟨U+202E⟩c⟨U+200B⟩d⟨U+FEFF⟩'],
  ['⟨0A⟩', '⟨U+27E8⟩0A⟩'],
  ['\u0085\ue000\u{e0041}', '⟨U+0085⟩⟨U+E000⟩⟨U+E0041⟩'],
])('%j is shown as %j', (text, shown) => {
  expect(shownCommand(Buffer.from(text))).toBe(shown)
})

test.each([
  ['fffe', '⟨FF⟩⟨FE⟩'],
  ['c080', '⟨C0⟩⟨80⟩'],
  ['e0809f', '⟨E0⟩⟨80⟩⟨9F⟩'],
  ['eda080', '⟨ED⟩⟨A0⟩⟨80⟩'],
  ['f4908080', '⟨F4⟩⟨90⟩⟨80⟩⟨80⟩'],
  ['61e282', 'a⟨E2⟩⟨82⟩'],
])('bytes that are no UTF-8 are shown one by one: %s', (hex, shown) => {
  expect(shownCommand(Buffer.from(hex, 'hex'))).toBe(shown)
})

test('what is shown tells the bytes', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc
      .integer({ min: 0, max: 0x10ffff })
      .map((code) => new Uint8Array(Buffer.from(String.fromCodePoint(code)))),
    fc.constantFrom('⟨0A⟩', '⟨', 'U+27E8⟩', '\n', '⟨0A⟩\n').map((text) => new Uint8Array(Buffer.from(text))),
  )
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 4 }), (parts) => {
      const whole = Buffer.concat(parts)
      const shown = shownCommand(whole)
      expect(shown).toMatch(/^[\p{L}\p{M}\p{N}\p{P}\p{S} \n]*$/u)
      expect(bytesOf(shown)).toEqual(whole)
    }),
    { numRuns: 2_000 },
  )
})

/** The way back, as somebody would write it who only read what is said of the form. */
function bytesOf(shown: string): Buffer {
  const parts: Buffer[] = []
  for (const [, mark, character] of shown.matchAll(/⟨([^⟩]*)⟩\n?|([^⟨])/gu))
    if (character !== undefined) parts.push(Buffer.from(character))
    else if (mark?.startsWith('U+'))
      parts.push(Buffer.from(String.fromCodePoint(Number.parseInt(mark.slice(2), 16))))
    else parts.push(Buffer.from(mark ?? '', 'hex'))
  return Buffer.concat(parts)
}
