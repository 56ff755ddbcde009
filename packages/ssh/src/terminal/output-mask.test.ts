import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { detectorTags, detectors } from '@sallyport/masking'
import type { Masking } from '@sallyport/core'
import { maxHeldBytes, OutputMask } from './output-mask.ts'

const names = Object.keys(detectors)
const everything: ReadonlySet<string> = new Set(Object.values(detectorTags))

function maskOf(named: readonly string[] = names, tags = everything, redactors: Masking['redactors'] = {}) {
  return new OutputMask({
    masking: { mode: 'lenient', columns: [], detectors: named, redactors },
    key: Buffer.alloc(32, 7),
    maskedTags: () => tags,
  })
}

/** What comes of pieces that follow at once. */
function masked(pieces: readonly (string | Buffer)[], mask = maskOf()): string {
  const out = pieces.map((piece) => Buffer.from(mask.push(Buffer.from(piece), 0)))
  return Buffer.concat([...out, mask.flush()]).toString()
}

const letters = (text: string): string[] => Array.from(text)

describe('output without anything to hide', () => {
  test('is the very chunk that came, where the resource names no detector', () => {
    const chunk = Buffer.from('me@example.com')
    expect(maskOf([]).push(chunk, 0)).toBe(chunk)
  })

  test('is the very chunk that came, where the subject may see all that would be found', () => {
    const chunk = Buffer.from('me@example.com')
    expect(maskOf(names, new Set()).push(chunk, 0)).toBe(chunk)
  })

  test('is the very chunk that came, where nothing is found in it and nothing could follow', () => {
    const chunk = Buffer.from('total 12\r\ndrwxr-xr-x  2 alice alice\r\n')
    const mask = maskOf()
    expect(mask.push(chunk, 0)).toBe(chunk)
    expect(mask.heldSinceMs).toBe(undefined)
  })

  test('passes byte by byte as it came, be it text or not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const mask = maskOf(['card', 'ssn'])
        const out = [...bytes].map((byte) => Buffer.from(mask.push(Buffer.from([byte]), 0)))
        expect(Buffer.concat([...out, mask.flush()])).toEqual(Buffer.from(bytes))
      }),
    )
  })
})

describe('a value in output', () => {
  test.each([
    ['mail me@example.com now', 'mail ****@example.com now'],
    ['card 4111 1111 1111 1111.\r\n', 'card ****1111.\r\n'],
    ['DE89370400440532013000\n', '****3000\n'],
    ['+49 30 901820', '****1820'],
    ['ssn 078-05-1120,', 'ssn ****1120,'],
    ['token ghp_abcdefghijklmnopqrstuvwxyz0123456789\n', 'token ****\n'],
    ['用户@例子.公司 ', '****@例子.公司 '],
  ])('is hidden in %j, whole or letter by letter', (text, shown) => {
    expect(masked([text])).toBe(shown)
    expect(masked(letters(text))).toBe(shown)
    expect(masked([...Buffer.from(text)].map((byte) => Buffer.from([byte])))).toBe(shown)
  })

  test('is hidden as the resource says', () => {
    const mask = maskOf(['card'], everything, { 'pii.card': { kind: 'fixed', text: 'CARD' } })
    expect(masked(['4111111111111111 '], mask)).toBe('CARD ')
  })

  test('is counted, with its tag', () => {
    const mask = maskOf()
    masked(['me@example.com, you@example.com, 4111111111111111 '], mask)
    expect(mask.maskedValues).toBe(3)
    expect(mask.maskedTags).toEqual(['pii.email', 'pii.card'])
  })

  test('is found through colours and erasing, which stay', () => {
    const text = 'x \u001b[01;31m\u001b[K4111 1111\u001b[m\u001b[K 1111\u001b(B\u001b[m 1111 y'
    const shown = 'x \u001b[01;31m\u001b[K****1111\u001b[m\u001b[K\u001b(B\u001b[m y'
    expect(masked([text])).toBe(shown)
    expect(masked(letters(text))).toBe(shown)
  })

  test('is found in a title and in a link, and those still end where they ended', () => {
    const text =
      '\u001b]0;4111111111111111\u0007$ \u001b]8;;mailto:me@example.com\u001b\\mail\u001b]8;;\u001b\\'
    const shown = '\u001b]0;****1111\u0007$ \u001b]8;;****@example.com\u001b\\mail\u001b]8;;\u001b\\'
    expect(masked([text]).replace('mailto:', '')).toBe(shown)
    expect(masked(letters(text)).replace('mailto:', '')).toBe(shown)
  })

  test('is not put together from both sides of a movement of the cursor', () => {
    const text = '4111 1111\u001b[5;1H 1111 1111'
    expect(masked([text])).toBe(text)
  })

  test('is hidden again when policy comes to ask for it, in a stream that goes on', () => {
    let tags: ReadonlySet<string> = new Set()
    const mask = new OutputMask({
      masking: { mode: 'lenient', columns: [], detectors: ['email'], redactors: {} },
      key: Buffer.alloc(32),
      maskedTags: () => tags,
    })
    expect(mask.push(Buffer.from('me@example.com '), 0).toString()).toBe('me@example.com ')
    tags = new Set(['pii.email'])
    expect(mask.push(Buffer.from('me@example.com '), 0).toString()).toBe('****@example.com ')
  })
})

describe('what could be the beginning of a value', () => {
  test('waits since it came, and leaves when it is told to', () => {
    const mask = maskOf(['card'])
    expect(mask.push(Buffer.from('card 4111 11'), 5).toString()).toBe('card ')
    expect(mask.heldSinceMs).toBe(5)
    expect(mask.push(Buffer.from('11'), 9).toString()).toBe('')
    expect(mask.heldSinceMs).toBe(5)
    expect(mask.flush().toString()).toBe('4111 1111')
    expect(mask.heldSinceMs).toBe(undefined)
    expect(mask.flush()).toHaveLength(0)
  })

  test('has the rest of the value hidden, where that comes after it had to leave', () => {
    const mask = maskOf(['card'])
    mask.push(Buffer.from('4111 1111 '), 0)
    expect(mask.flush().toString()).toBe('4111 1111 ')
    expect(masked(['1111 1111\r\n'], mask)).toBe('****\r\n')
    expect(mask.maskedValues).toBe(1)
  })

  test('is not made to look odd to who types a value', () => {
    const mask = maskOf(['email'])
    let echoed = ''
    for (const letter of 'me@example.com') {
      echoed += mask.push(Buffer.from(letter), 0).toString()
      echoed += mask.flush().toString()
    }
    expect(echoed).toBe('me@example.com')
  })

  test('takes the rest with it, where it was hidden before it was over', () => {
    const mask = maskOf(['key'])
    const token = `ghp_${'a1'.repeat(60)}`
    const first = mask.push(Buffer.from(`t ${token.slice(0, 60)}`), 0).toString() + mask.flush().toString()
    expect(first).toBe('t ****')
    expect(masked([`${token.slice(60)} done`], mask)).toBe(' done')
    expect(mask.maskedValues).toBe(1)
  })

  test('never waits with more bytes than it may', () => {
    const mask = maskOf()
    const body = 'A'.repeat(60_000)
    let out = 0
    for (let at = 0; at < body.length; at += 1000) {
      out += mask.push(Buffer.from(`\u001b[m${body.slice(at, at + 1000)}@`), 0).length
      expect(at + 1000 - out).toBeLessThan(maxHeldBytes + 2000)
    }
  })
})

const pem = `-----BEGIN OPENSSH PRIVATE KEY-----\r\n${'b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\r\n'.repeat(6)}QIDBAU=\r\n-----END OPENSSH PRIVATE KEY-----`

describe('a private key', () => {
  test('is hidden whole, and what follows is shown', () => {
    const text = `alice$ cat id\r\n${pem}\r\nalice$ `
    const shown = 'alice$ cat id\r\n****\r\nalice$ '
    expect(masked([text])).toBe(shown)
    expect(masked(letters(text))).toBe(shown)
  })

  test('is hidden to its end however slowly that comes', () => {
    const mask = maskOf()
    let out = ''
    for (const letter of `${pem}\r\nalice$ `) {
      out += mask.push(Buffer.from(letter), 0).toString()
      out += mask.flush().toString()
    }
    expect(out).not.toContain('b3Blb')
    expect(out).not.toContain('QIDBAU')
    expect(out).toMatch(/KEY-----\s+alice\$ $/)
    expect(mask.maskedValues).toBe(1)
  })

  test('that was cut off gives the terminal back at the next line that is none of its own', () => {
    const head = `${pem.slice(0, 120)}\r\n`
    const mask = maskOf()
    const first = masked([head], mask)
    expect(first.startsWith('-----BEGIN')).toBe(false)
    expect(first.startsWith('****')).toBe(true)
    expect(masked(['alice@host:~$ '], mask)).toBe('\r\nalice@host:~$ ')
    expect(masked(['ls'], mask)).toBe('ls')
  })
})

test('what is planted in a stream is hidden and all else is as it was, however the stream is cut', () => {
  const planted = fc.constantFrom(
    { secret: 'me.too@example.com', shown: '****@example.com' },
    { secret: '5555-5555-5555-4444', shown: '****4444' },
    { secret: 'GB82WEST12345698765432', shown: '****5432' },
    { secret: '078-05-1120', shown: '****1120' },
    { secret: '(555) 234-5678', shown: '****5678' },
    { secret: 'AKIAIOSFODNN7EXAMPLE', shown: '****' },
    { secret: pem, shown: '****' },
  )
  const noise = fc.constantFrom(
    ...'$ |ls -l\r\n|\u001b[1m|\u001b[0m|\u001b[2J|\u001b]0;title\u0007|é日本|\u0007|word |\t|a-b |.|"'.split(
      '|',
    ),
    ...'\u001b[?2004h|\r\n|\u001b]133;A\u001b\\'.split('|'),
  )
  const piece = fc.oneof(
    noise.map((text) => ({ secret: text, shown: text })),
    planted.map(({ secret, shown }) => ({ secret: `\n${secret}\n`, shown: `\n${shown}\n` })),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(12)), (pieces, sizes) => {
      const stream = Buffer.from(pieces.map(({ secret }) => secret).join(''))
      const chunks: Buffer[] = []
      let at = 0
      for (const size of sizes) {
        chunks.push(stream.subarray(at, at + size))
        at = Math.min(stream.length, at + size)
      }
      expect(masked([...chunks, stream.subarray(at)])).toBe(pieces.map(({ shown }) => shown).join(''))
    }),
    { numRuns: 2000 },
  )
})
