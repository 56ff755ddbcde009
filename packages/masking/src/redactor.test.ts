import { describe, expect, test } from 'vitest'
import { detectors } from './detectors.ts'
import { decimalHash, integerHash, otherNumber } from './numbers.ts'
import { defaultRedactor, redact, strictest } from './redactor.ts'
import { scrub, type Scrubber } from './scrub.ts'

const key = Buffer.alloc(32, 1)

describe('redactors', () => {
  test.each([
    [{ kind: 'full' }, 'anything', '****'],
    [{ kind: 'null' }, 'anything', null],
    [{ kind: 'fixed', text: 'x' }, 'anything', 'x'],
    [{ kind: 'keep-last', count: 4 }, '4111 1111 1111 1234', '****1234'],
    [{ kind: 'keep-last', count: 4 }, '1234', '****'],
    [{ kind: 'keep-last', count: 4 }, '12345678', '****'],
    [{ kind: 'keep-domain' }, 'alice@example.com', '****@example.com'],
    [{ kind: 'keep-last', count: 1 }, 'abc', '****c'],
    [{ kind: 'keep-last', count: 6 }, '4111 1111 1123 4567', '****234567'],
    [{ kind: 'keep-last', count: 6 }, '123456789012', '****'],
    [{ kind: 'keep-last', count: 2 }, '𝟙𝟚𝟛𝟜𝟝', '****𝟜𝟝'],
    [{ kind: 'keep-domain' }, 'no address', '****'],
    [{ kind: 'keep-domain' }, 'alice@mail.müller.de  ', '****@mail.müller.de  '],
    [{ kind: 'keep-domain' }, 'p@ssword', '****'],
    [{ kind: 'keep-domain' }, 'alice@example.com and her secret', '****'],
    [{ kind: 'keep-domain' }, 'alice@4111.1111', '****'],
    [{ kind: 'keep-domain' }, `alice@${'a.'.repeat(126)}de`, '****'],
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

  test('digits of any script become others', () => {
    expect(redact({ kind: 'digits' }, 'tel ٠١٢-３４', key)).toMatch(/^tel [0-9]{3}-[0-9]{2}$/)
  })

  test('of several, the one that shows no more than any of them is taken', () => {
    const [full, gone, hash, digits] = [
      { kind: 'full' },
      { kind: 'null' },
      { kind: 'hash' },
      { kind: 'digits' },
    ] as const
    const last = (count: number) => ({ kind: 'keep-last', count }) as const
    const fixed = (text: string) => ({ kind: 'fixed', text }) as const
    expect(strictest([hash])).toEqual(hash)
    expect(strictest([hash, hash])).toEqual(hash)
    expect(strictest([last(6), last(4), last(8)])).toEqual(last(4))
    expect(strictest([fixed('x'), fixed('x')])).toEqual(fixed('x'))
    expect(strictest([fixed('x'), fixed('y')])).toEqual(full)
    expect(strictest([last(4), hash])).toEqual(full)
    expect(strictest([digits, hash, digits])).toEqual(full)
    expect(strictest([hash, full, gone, digits])).toEqual(gone)
  })

  test('a tag without a redactor of its own is hidden whole', () => {
    expect(defaultRedactor('medical.history')).toEqual({ kind: 'full' })
    expect(defaultRedactor('secret.key')).toEqual({ kind: 'full' })
  })
})

describe('numbers', () => {
  test('a hash of int2 is another int2 for each, and of all of them every one', () => {
    const hash = integerHash(16, key)
    const all = new Set<bigint>()
    for (let value = -0x8000n; value <= 0x7fffn; value++) all.add(hash(value))
    expect(all.size).toBe(0x10000)
    expect([...all].every((value) => value >= -0x8000n && value <= 0x7fffn)).toBe(true)
    expect(hash(7n)).toBe(integerHash(16, Buffer.from(key))(7n))
    expect([1n, 2n, 3n].map(hash)).not.toEqual([1n, 2n, 3n].map(integerHash(16, Buffer.alloc(32, 2))))
  })

  test('hashes of int4 differ where numbers do, and stay in the range of the type', () => {
    const hash = integerHash(32, key)
    const all = new Set<bigint>()
    for (let value = -100_000n; value < 100_000n; value++) all.add(hash(value))
    for (const edge of [-0x80000000n, 0x7fffffffn]) all.add(hash(edge))
    expect(all.size).toBe(200_002)
    expect([...all].every((value) => BigInt.asIntN(32, value) === value)).toBe(true)
    const isLarge = (value: bigint) => value > 100_000n || value < -100_000n
    expect([...all].filter(isLarge).length).toBeGreaterThan(199_900)
  })

  test('hashes of int8 stay in the range of the type', () => {
    const hash = integerHash(64, key)
    const all = [-(2n ** 63n), -1n, 0n, 1n, 2n ** 63n - 1n].map(hash)
    expect(new Set(all).size).toBe(5)
    expect(all.every((value) => BigInt.asIntN(64, value) === value)).toBe(true)
  })

  test('a hash of numeric(3,1) is one for each of them, and none beyond', () => {
    const hash = decimalHash({ precision: 3, scale: 1 }, key)
    const all = new Set<string>()
    for (let value = -999; value <= 999; value++) all.add(hash((value / 10).toFixed(1))!)
    expect(all.size).toBe(1999)
    for (const value of all) expect(value).toMatch(/^-?\d{1,2}\.\d$/)
    expect(hash('1.5')).toBe(hash('1.50'))
  })

  test.each([
    [undefined, /^\d{1,18}$/],
    [{ precision: 20, scale: 4 }, /^\d{1,14}\.\d{4}$/],
    [{ precision: 4, scale: -2 }, /^(0|-?\d{1,4}00)$/],
    [{ precision: 2, scale: 5 }, /^-?0\.000\d\d$/],
  ])('a hash of numeric with bounds %j is one of the type', (bounds, form) => {
    const hash = decimalHash(bounds, key)
    for (const text of ['0', '1500', '-100', '0.00012', '12345678901234567890.5'])
      expect(hash(text) ?? '').toSatisfy((it) => form.test(it) || it === '')
    expect(hash('0')).toMatch(form)
    expect(hash('NaN')).toBe(undefined)
  })

  test('equal decimals have equal hashes, however they are written', () => {
    const hash = decimalHash(undefined, key)
    expect(hash('1.0')).toBe(hash('1'))
    expect(hash('100')).toBe(hash('100.00'))
    expect(hash('100')).not.toBe(hash('1'))
  })

  test('other digits begin as a number does, and are drawn until they fit', () => {
    const draw = (text: string, fits: (text: string) => boolean = () => true) => otherNumber(text, key, fits)
    for (let i = 0; i < 200; i++) {
      expect(draw(`${1000 + i}.50`)).toMatch(/^[1-9]\d{3}\.\d\d$/)
      expect(draw(`-0.${i}`)).toMatch(/^-?0\.\d+$/)
      expect(Number(draw(`${30_000 + i}`, (drawn) => Number(drawn) <= 32_767))).toBeLessThanOrEqual(32_767)
    }
    expect(draw('12', () => false)).toBe(undefined)
    expect(draw('NaN')).toBe(undefined)
    expect(draw('1e5')).toBe(undefined)
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
