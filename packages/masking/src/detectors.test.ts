import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { detectors } from './detectors.ts'
import type { Detector } from './detector.ts'
import { luhn } from './detectors/card.ts'
import { Sieve } from './sieve.ts'

function mayHold(detector: Detector, text: string): boolean {
  const bytes = Buffer.from(text)
  return new Sieve([detector]).mayHold(bytes, 0, bytes.length) !== 0
}

/** By detector: texts with what must be found in them, and texts in which nothing may be. */
const cases: Readonly<
  Record<string, { finds: readonly (readonly [string, ...string[]])[]; nothing: readonly string[] }>
> = {
  email: {
    finds: [
      ['alice@example.com', 'alice@example.com'],
      ['write to <a.b+c@mail.example.co.uk>, please', 'a.b+c@mail.example.co.uk'],
      ['x@y.de;z@y.de', 'x@y.de', 'z@y.de'],
      ['Ünïcode bob@example.org.', 'bob@example.org'],
      ['jürgen@müller.example', 'jürgen@müller.example'],
      ['用户@例子.公司', '用户@例子.公司'],
      ['a@b.xn--p1ai', 'a@b.xn--p1ai'],
      ['a@example.com.5', 'a@example.com'],
    ],
    nothing: ['@example.com', 'alice@', 'alice@localhost', '3 @ 4.50', 'a@1.2', 'SELECT @a.b'],
  },
  card: {
    finds: [
      ['4111111111111111', '4111111111111111'],
      ['card 4111 1111 1111 1111, thanks', '4111 1111 1111 1111'],
      ['5555-5555-5555-4444', '5555-5555-5555-4444'],
      ['amex 3782 822463 10005', '3782 822463 10005'],
      ['378282246310005', '378282246310005'],
      ['6011111111111117', '6011111111111117'],
      ['diners 3056 930902 5904', '3056 930902 5904'],
      ['4000 0000 0000 0000 006', '4000 0000 0000 0000 006'],
      ['4111 1111 1111 1111 123', '4111 1111 1111 1111'],
      ['1234 4111 1111 1111 1111', '4111 1111 1111 1111'],
      ['4111 5395 1900 0280 0002', '4111 5395 1900 0280 0002'],
    ],
    nothing: [
      '4111111111111112',
      '1234567890123452',
      '20260101120000000',
      '1795573082000',
      '123e4567-e89b-12d3-a456-426614174000',
      '4111111111111111.5',
      'a4111111111111111',
      '0.4111111111111111',
      'd41d8cd98f00b204e9800998ecf8427e',
      '41111111111111114111111111111111',
    ],
  },
  phone: {
    finds: [
      ['+49 30 901820', '+49 30 901820'],
      ['call +1-202-555-0143 now', '+1-202-555-0143'],
      ['(202) 555-0143', '(202) 555-0143'],
      ['202-555-0143', '202-555-0143'],
      ['+442079460958', '+442079460958'],
      ['1-202-555-0143', '1-202-555-0143'],
      ['(+442079460958)', '+442079460958'],
      ['(+442079460958)411141114111', '+442079460958'],
      ['+442079460958(4111)41114111', '+442079460958'],
      ['(+49301877301)(430-11-2259) (200) 200-1000', '+49301877301)(430', '(200) 200-1000'],
      ['+49 (5185 1224 3064 7469) (200) 200-1000', '+49 (5185 1224 3064', '(200) 200-1000'],
      ['(+49306341367) (200) 200-1000', '+49306341367) (200) 200-1000'],
      ['+442079460958 202-555-0143', '+442079460958 202-555-0143'],
      ['+49 1 1 1 1 (202) 555-0143', '+49 1 1 1 1 (202) 555-0143'],
      ['+1 (202) 555-0143', '+1 (202) 555-0143'],
      ['(+49) 30 901820', '+49) 30 901820'],
      ['+49 (0 30) 901820', '+49 (0 30) 901820'],
    ],
    nothing: [
      '2025550143',
      '2026-01-01',
      '1795573082000',
      '192.168.100.1000',
      '10.0.0.1',
      '12345678-90',
      '+1 2',
      'ORD-202-555-0143',
    ],
  },
  iban: {
    finds: [
      ['DE89370400440532013000', 'DE89370400440532013000'],
      ['pay to GB82 WEST 1234 5698 7654 32 today', 'GB82 WEST 1234 5698 7654 32'],
      ['NL91ABNA0417164300', 'NL91ABNA0417164300'],
      ['DE89-3704-0044-0532-0130-00', 'DE89-3704-0044-0532-0130-00'],
      ['NL91 ABNA 0417 1643 00 AND MORE', 'NL91 ABNA 0417 1643 00'],
    ],
    nothing: [
      'DE89370400440532013001',
      'XX89370400440532013000',
      'DE8937040044053201300',
      'AB12CD34EF56GH78',
    ],
  },
  ssn: {
    finds: [
      ['078-05-1120', '078-05-1120'],
      ['ssn: 900-00-0001', '900-00-0001'],
    ],
    nothing: ['000-12-3456', '666-12-3456', '123-45-0000', '2026-01-0123', '1123-45-6789', '123456789'],
  },
  key: {
    finds: [
      ['id AKIAIOSFODNN7EXAMPLE end', 'AKIAIOSFODNN7EXAMPLE'],
      [`ghp_${'a'.repeat(36)}`, `ghp_${'a'.repeat(36)}`],
      [
        'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl',
        'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl',
      ],
      [`GOCSPX-${'a'.repeat(28)}`, `GOCSPX-${'a'.repeat(28)}`],
      ['-----BEGIN PRIVATE KEY-----\ncut off', '-----BEGIN PRIVATE KEY-----\ncut off'],
      [
        '-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----',
        '-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----',
      ],
      [`x sp_${'0'.repeat(49)} y`, `sp_${'0'.repeat(49)}`],
      [
        '-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----',
        '-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----',
      ],
    ],
    nothing: [
      'AKIA too short',
      'the private key is elsewhere',
      'eyJ',
      'specification of a sp_ace',
      'd41d8cd98f00b204e9800998ecf8427e',
    ],
  },
}

describe.each(Object.entries(cases))('detector %s', (name, { finds, nothing }) => {
  const detector = detectors[name]!

  test.each(finds)('finds in %j', (text, ...expected) => {
    expect(mayHold(detector, text)).toBe(true)
    expect(detector.find(text).map(({ from, to }) => text.slice(from, to))).toEqual(expected)
  })

  test.each(nothing)('finds nothing in %j', (text) => {
    expect(detector.find(text)).toEqual([])
  })
})

describe('detectors', () => {
  test('the cheap test never fails a text with a find, and finds never overlap', () => {
    const pieces = Object.values(cases).flatMap(({ finds, nothing }) => [
      ...finds.map(([text]) => text),
      ...nothing,
    ])
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 8 })), { maxLength: 6 }),
        (parts) => {
          const text = parts.join(' ')
          for (const detector of Object.values(detectors)) {
            const found = detector.find(text)
            expect(found.length === 0 || mayHold(detector, text)).toBe(true)
            for (let i = 1; i < found.length; i++)
              expect(found[i]!.from).toBeGreaterThanOrEqual(found[i - 1]!.to)
          }
        },
      ),
    )
  })

  test('the sieve tells what may be found in a part of a buffer, by that part alone', () => {
    const every = Object.values(detectors)
    const sieve = new Sieve(every)
    const pieces = Object.values(cases).flatMap(({ finds }) => finds.map(([text]) => text))
    const around = fc.constantFrom('', 'x', '9', '.', '4111', '@', '-', 'é', 'K')
    fc.assert(
      fc.property(fc.constantFrom(...pieces), around, around, fc.nat(8), (piece, before, behind, cut) => {
        const text = piece.slice(0, Math.max(1, piece.length - cut))
        const bytes = Buffer.from(before + text + behind)
        const from = Buffer.byteLength(before)
        const may = sieve.mayHold(bytes, from, from + Buffer.byteLength(text))
        const alone = Buffer.from(text)
        expect(may).toBe(sieve.mayHold(alone, 0, alone.length))
        every.forEach((detector, i) => {
          expect(detector.find(text).length === 0 || ((may >>> i) & 1) === 1).toBe(true)
        })
      }),
      { numRuns: 3000 },
    )
  })

  test('UUIDs, hashes, and what holds no more than a few digits, stop at the sieve', () => {
    const texts = [
      'd41d8cd98f00b204e9800998ecf8427e',
      '2025-01-01 00:00:00',
      'Person number 123456',
      '192.168.100.100',
    ]
    const sieve = new Sieve(Object.values(detectors))
    for (const text of texts)
      expect([text, sieve.mayHold(Buffer.from(text), 0, text.length)]).toEqual([text, 0])
  })

  test.each(Object.entries(cases))(
    '%s says of a text that is cut inside of a find where that may begin',
    (name, { finds }) => {
      const detector = detectors[name]!
      // A private key that has begun is found as it stands.
      for (const [text] of finds.filter(([it]) => !it.startsWith('-----BEGIN')))
        for (const { from, to } of detector.find(text))
          for (let cut = from + 1; cut < to; cut++) {
            const front = Buffer.from(text.slice(0, cut))
            const open = detector.openFrom(front, 0, front.length)
            expect([text, cut, open <= Buffer.byteLength(text.slice(0, from))]).toEqual([text, cut, true])
          }
    },
  )

  test.each(Object.keys(cases))('%s waits for nothing behind ordinary text', (name) => {
    const text = Buffer.from('a word, and a line.\n')
    expect(detectors[name]!.openFrom(text, 0, text.length)).toBe(text.length)
  })

  test('UUIDs, hashes, timestamps and decimals are none of them', () => {
    const harmless = fc.oneof(
      fc.uuid(),
      fc
        .date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-01-01') })
        .map((date) => date.toISOString()),
      fc
        .date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-01-01') })
        .map((date) => date.toISOString().slice(0, 19).replace('T', ' ')),
      fc
        .uint8Array({ minLength: 16, maxLength: 32 })
        .map((bytes) => Buffer.from(bytes).toString('hex').replace(/^\d/, 'f')),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value.toFixed(4)),
    )
    fc.assert(
      fc.property(harmless, (text) => {
        for (const name of ['email', 'card', 'phone', 'iban', 'ssn', 'key'])
          expect(detectors[name]!.find(text)).toEqual([])
      }),
      { numRuns: 3000 },
    )
  })

  test.each(Object.keys(cases))('%s takes linear time on hostile text', (name) => {
    for (const unit of [
      'a',
      '1',
      '1 ',
      '+1',
      '-',
      'eyJa',
      '@a.',
      'sp_',
      'A1',
      '-----BEGIN PRIVATE KEY-----',
      'eyJaaaaaaaa.eyJaaaaaaaa.',
      '4111 ',
      'DE89 ',
      'é',
      'a@a.',
      '(1',
    ]) {
      const from = performance.now()
      detectors[name]!.find(unit.repeat(100_000 / unit.length))
      // Generous: a quadratic pattern needs minutes here.
      expect(performance.now() - from).toBeLessThan(5_000)
    }
  })

  test('Luhn accepts exactly one check digit', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\d{12,18}$/), (body) => {
        const right = Array.from({ length: 10 }, (_, digit) => `${body}${digit}`).filter(luhn)
        expect(right).toHaveLength(1)
      }),
    )
  })
})
