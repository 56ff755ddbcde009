import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CommandsSeen } from './commands-seen.ts'

function seen(chunks: readonly string[], columns = 80): string[] {
  const commands = new CommandsSeen(columns)
  return chunks.flatMap((chunk) => [...commands.take(Buffer.from(chunk))])
}

describe('commands that are seen in a terminal', () => {
  test.each([
    ['alice@web-1:~$ '],
    ['[root@db /]# '],
    ['sh-5.2$ '],
    ['$ '],
    ['web% '],
    ['\u001b[01;32malice@web-1\u001b[00m:\u001b[01;34m~\u001b[00m$ '],
    ['\u001b]0;alice@web-1: ~\u0007\u001b[?2004halice@web-1:~$ '],
    ['~/src ❯ '],
  ])('stand behind something like a prompt: %j', (prompt) => {
    expect(seen(['motd\r\n', prompt, 'l', 's', ' -l', '\r\n', 'total 0\r\n', prompt])).toEqual(['ls -l'])
  })

  test('are what was left of them after they were edited', () => {
    const edited = ['$ ', 'lx', '\b\u001b[K', 's', ' b', '\b\b\u001b[2@ a', '\u001b[C\u001b[C', '\r\n']
    expect(seen(edited)).toEqual(['ls a b'])
    expect(seen(['$ ', 'rm x', '\r$ ls\u001b[K', '\r\n'])).toEqual(['ls'])
    expect(seen(['$ ', 'abc', '\b\b\u001b[P', '\r\n'])).toEqual(['ac'])
  })

  test('may be longer than a row', () => {
    // As readline goes on in the next row: what is written there first is a space.
    expect(seen(['1234567$ ', 'a', ' \r', 'bcdefghijk', ' \r', 'lm', '\r\n'], 10)).toEqual(['abcdefghijklm'])
  })

  test('are said by shells that mark them, and then nothing is guessed', () => {
    const marked = '\u001b]133;A\u0007> \u001b]133;B\u001b\\'
    expect(
      seen([marked, 'make', '\r\n', '\u001b]133;C\u0007', 'Price in $ ', '12\r\n', '\u001b]133;D;0\u0007']),
    ).toEqual(['make'])
    const told =
      '\u001b]633;A\u0007$ \u001b]633;B\u0007echo\r\n\u001b]633;E;echo a\\x3b b\\\\;nonce\u0007\u001b]633;C\u0007a\r\n'
    expect(seen([told])).toContain('echo a; b\\')
  })

  test('are not looked for in editors, pagers and what comes by itself', () => {
    expect(seen(['\u001b[?1049h', '$ ', 'ls\r\n', '\u001b[?1049l'])).toEqual([])
    expect(seen(['Password: ', '\r\n', 'a 100% b\r\n', '50% done\r\n', 'line\r\n$ \r\n'])).toEqual([])
  })

  test('are still seen behind much output, of which the end is looked at', () => {
    expect(seen([`${'x'.repeat(100_000)}\r\n$ `, 'id', '\r\n'])).toEqual(['id'])
  })

  test('take a bounded time and memory, whatever comes', () => {
    const letter = fc.constantFrom(...Array.from('\u001b\u001b[]P;?019hl@PKJHABCDGm$ a\r\n\b\u0007\\é'))
    fc.assert(
      fc.property(fc.array(letter, { maxLength: 200 }), (letters) => {
        for (const text of seen(letters)) expect(text.length).toBeLessThanOrEqual(1024)
      }),
    )
    const from = performance.now()
    seen(Array.from({ length: 200 }, () => '\u001b[9999999@\u001b[99999999Cx'.repeat(200)))
    expect(performance.now() - from).toBeLessThan(10_000)
  })
})
