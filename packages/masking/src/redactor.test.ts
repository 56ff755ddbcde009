import { describe, expect, test } from 'vitest'
import { detectors } from './detectors.ts'
import { defaultRedactor, redact } from './redactor.ts'
import { scrub, type Scrubber } from './scrub.ts'

const key = Buffer.alloc(32, 1)

describe('redactors', () => {
  test.each([
    [{ kind: 'full' }, 'anything', '****'],
    [{ kind: 'null' }, 'anything', null],
    [{ kind: 'fixed', text: 'x' }, 'anything', 'x'],
    [{ kind: 'last-four' }, '4111 1111 1111 1234', '****1234'],
    [{ kind: 'last-four' }, '1234', '****'],
    [{ kind: 'last-four' }, '12345678', '****'],
    [{ kind: 'domain' }, 'alice@example.com', '****@example.com'],
    [{ kind: 'domain' }, 'no address', '****'],
  ] as const)('%j makes of %j %j', (redactor, text, expected) => {
    expect(redact(redactor, text, key)).toBe(expected)
  })

  test('hash and digits are stable under one key and different under another', () => {
    for (const kind of ['hash', 'digits'] as const) {
      const text = '4111-1111-1111-1111'
      expect(redact({ kind }, text, key)).toBe(redact({ kind }, text, key))
      expect(redact({ kind }, text, key)).not.toBe(redact({ kind }, text, Buffer.alloc(32, 2)))
      expect(redact({ kind }, text, key)).not.toContain('1111-1111')
    }
    expect(redact({ kind: 'digits' }, 'a1-b22', key)).toMatch(/^a\d-b\d\d$/)
  })

  test('a tag without a redactor of its own is hidden whole', () => {
    expect(defaultRedactor('medical.history')).toEqual({ kind: 'full' })
    expect(defaultRedactor('secret.key')).toEqual({ kind: 'full' })
  })
})

describe('scrubbing', () => {
  const scrubbers: readonly Scrubber[] = ['email', 'card', 'phone'].map((name) => {
    const detector = detectors[name]!
    return { detector, redactor: defaultRedactor(detector.tag) }
  })

  test('replaces every find inside a text and leaves the rest', () => {
    expect(scrub(scrubbers, 'mail bob@example.com or pay by 4111111111111111.', key)).toEqual({
      text: 'mail ****@example.com or pay by ****1111.',
      found: 2,
    })
  })

  test('finds of several kinds stand in their order, and where two overlap the earlier kind wins', () => {
    const text = '+4930123456 a@b.example 4111111111111111 +4930123457, 4111111111111111@b.example'
    expect(scrub(scrubbers, text, key)).toEqual({
      text: '****3456 ****@b.example ****1111 ****3457, ****@b.example',
      found: 5,
    })
  })

  test('a phone number is found in front of another number, and hidden where a find of another kind reaches into it', () => {
    for (const text of [
      '(+49300417851) 5100 0000 0000 0008',
      '+49300417851 5100 0000 0000 0008',
      '+4930041785 4111111111111111',
    ])
      expect(scrub(scrubbers, text, key)?.text).not.toMatch(/417851?/)
  })

  test('takes time by the length of the text, however much it holds', () => {
    const text = 'a@bb.example 4111111111111111 '.repeat(30_000)
    const before = process.cpuUsage()
    expect(scrub(scrubbers, text, key)?.found).toBe(60_000)
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(3_000)
  })

  test('leaves a text without finds alone', () => {
    expect(scrub(scrubbers, 'nothing to see', key)).toBe(undefined)
  })
})
