import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HarmlessOutput } from './harmless.ts'

const shown = (text: string): string => new HarmlessOutput().push(text)

describe('recorded output that is shown again', () => {
  test.each([
    ['text and its controls', 'a\tb\bc\r\nü日🐘'],
    ['colours', '\u001b[1;38:2::1:2:3mx\u001b[m'],
    ['movements and erasing', '\u001b[2J\u001b[5;10H\u001b[A\u001b[3C\u001b[K\u001b[2L\u001b[3P\u001b[1@'],
    ['a part that scrolls', '\u001b[2;10r\u001b[S\u001bM\u001bD\u001b7\u001b8'],
    ['the other screen, the cursor and wrapping', '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[?1049l\u001b[4h'],
    ['lines', '\u001b(0lqk\u001b(B\u000e\u000f'],
    ['a letter again', 'x\u001b[80b'],
  ])('keeps %s', (_, text) => {
    expect(shown(text)).toBe(text)
  })

  test.each([
    ['the clipboard', '\u001b]52;c;ZXZpbA==\u0007'],
    ['titles', '\u001b]0;evil\u0007\u001b]1;evil\u001b\\\u001b]2;evil\u0007\u001b[22;0t\u001b[21t'],
    ['links', '\u001b]8;;https://evil.example\u001b\\\u001b]8;;\u001b\\'],
    ['colours of the terminal', '\u001b]4;1;?\u0007\u001b]10;?\u0007\u001b]104\u0007'],
    [
      'device strings',
      '\u001bP$q"p\u001b\\\u001bPq#0;2;0;0;0\u001b\\\u001b_Gevil\u001b\\\u001b^x\u001b\\\u001bXx\u001b\\',
    ],
    [
      'questions',
      '\u001b[c\u001b[>c\u001b[=c\u001b[5n\u001b[6n\u001b[?6n\u001b[>q\u001b[?1$p\u001bZ\u001b[x\u0005',
    ],
    [
      'the mouse, pasting, focus and keys',
      '\u001b[?1000h\u001b[?1006h\u001b[?2004h\u001b[?1004h\u001b[?1h\u001b=\u001b>\u001b[>4;2m\u001b[>1u\u001b[=1;1u',
    ],
    ['windows and printers', '\u001b[8;1;1t\u001b[3;0;0t\u001b[5i\u001b[?5i\u001b[?3h'],
    ['the bell, NUL and DEL', '\u0007\0\u007f'],
    ['resets', '\u001b[!p\u001b#8\u001b F\u001b%G'],
    ['a repetition that does not end', '\u001b[999999999b'],
    ['the one-letter forms of all that', '\u009d52;c;x\u0007\u009b6n\u0090q\u009c\u0085\u009fG\u009c'],
  ])('takes out %s', (_, text) => {
    expect(shown(`[${text}]`)).toBe('[]')
  })

  test('of several modes those are left that draw', () => {
    expect(shown('\u001b[?1000;25;2004l')).toBe('\u001b[?25l')
  })

  test('a reset clears the screen', () => {
    expect(shown('\u001bc')).toBe('\u001b[m\u001b[H\u001b[2J')
  })

  test('goes on behind a sequence that is broken off by another, or by CAN', () => {
    expect(shown('\u001b[12\u001b[1mx\u001b[3\u0018y\u001b]0;t\u001b[2mz')).toBe('\u001b[1mxy\u001b[2mz')
  })

  const letter = fc.constantFrom(
    ...Array.from(
      '\u001b\u001b\u001b[]P_^X\\()?;:0123456789hlmnctqpru>=!$ #%\u0007\u0018\u009b\u009d\u0090abZé日\r\n',
    ),
  )

  test('is the same however it is cut, and holds nothing but what draws', () => {
    fc.assert(
      fc.property(fc.array(letter, { maxLength: 60 }), (letters) => {
        const once = shown(letters.join(''))
        const output = new HarmlessOutput()
        expect(letters.map((it) => output.push(it)).join('')).toBe(once)
        expect(once).not.toMatch(
          // oxlint-disable-next-line no-control-regex -- escapes are what it is about
          /\u001b[^[()78DEM]|\u001b\[[^@-~]*[^@A-HJ-MPSTXZ`abdefhlmrsu\d;:?]|[\u0080-\u009f\u0007]/,
        )
        expect(shown(once)).toBe(once)
      }),
      { numRuns: 5000 },
    )
  })
})
