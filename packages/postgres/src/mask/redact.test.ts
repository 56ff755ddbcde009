import fc from 'fast-check'
import type { Redactor } from '@sallyport/core'
import { defaultRedactor, detectors, type Scrubber } from '@sallyport/masking'
import { describe, expect, test } from 'vitest'
import { maskWhole } from './cell.ts'
import { bytesOfNumeric, textOfNumeric } from './numeric.ts'
import { redactPlain } from './redact.ts'
import { type } from './types.ts'

const key = Buffer.alloc(32, 1)

function masked(
  redactor: Redactor,
  value: string | Buffer,
  { oid = type.text as number, typmod = -1, format = 0, scrubbers = [] as readonly Scrubber[] } = {},
): Buffer | null | undefined {
  return maskWhole(
    redactPlain({ redactor, type: { oid, typmod }, format, key, scrubbers }),
    Buffer.from(value as string),
  )
}
const text = (...args: Parameters<typeof masked>): string | undefined => masked(...args)?.toString()
/** Of `varchar(n)` and `char(n)`. */
const lengthOf = (length: number) => length + 4
/** Of `numeric(p, s)`. */
const boundsOf = (precision: number, scale: number) => ((precision << 16) | (scale & 0x7ff)) + 4

describe('strings', () => {
  test('are cut to what their column has room for', () => {
    const varchar = { oid: type.varchar, typmod: lengthOf(6) }
    expect(text({ kind: 'full' }, 'secret', { ...varchar, typmod: lengthOf(2) })).toBe('**')
    expect(text({ kind: 'hash' }, 'secret', varchar)).toMatch(/^[0-9a-f]{6}$/)
    expect(text({ kind: 'fixed', text: 'äöü𝟙𝟚𝟛𝟜' }, 'secret', varchar)).toBe('äöü𝟙𝟚𝟛')
    expect(text({ kind: 'keep-domain' }, 'a@b.de', varchar)).toBe('****@b')
    expect(text({ kind: 'keep-domain' }, 'a@b.de', { ...varchar, typmod: lengthOf(20) })).toBe('****@b.de')
    expect(text({ kind: 'fixed', text: 'ü'.repeat(40) }, 'x', { oid: type.name })).toBe('ü'.repeat(31))
  })

  test('of a fixed length have the hash of what is in front of their spaces', () => {
    const short = text({ kind: 'hash' }, 'key   ', { oid: type.bpchar })
    expect(short).toBe(text({ kind: 'hash' }, 'key         ', { oid: type.bpchar }))
    expect(short).toBe(text({ kind: 'hash' }, 'key'))
    expect(short).not.toBe(text({ kind: 'hash' }, 'key   '))
  })

  test('show of no find of a detector more than its own redactor would', () => {
    const scrubbers = ['email', 'key'].map((name) => {
      const detector = detectors[name]!
      return { detector, redactor: defaultRedactor(detector.tag) }
    })
    const secret = `call ghp_${'a1b2c3d4'.repeat(4)}wxyz`
    expect(text({ kind: 'keep-last', count: 8 }, secret)).toBe('****c3d4wxyz')
    expect(text({ kind: 'keep-last', count: 8 }, secret, { scrubbers })).toBe('****')
    expect(text({ kind: 'digits' }, 'mail bob@example.com', { scrubbers })).toBe('mail ****@example.com')
    expect(text({ kind: 'keep-domain' }, 'bob@example.com', { scrubbers })).toBe('****@example.com')
    const whole = scrubbers.map((it) => ({ ...it, redactor: { kind: 'full' } as const }))
    expect(text({ kind: 'keep-domain' }, 'bob@example.com', { scrubbers: whole })).toBe('****')
    const card = { detector: detectors['card']!, redactor: { kind: 'full' } as const }
    expect(text({ kind: 'keep-domain' }, 'x@4111-1111-1111-1111.de', { scrubbers: [card] })).toBe('****')
  })
})

describe('numeric in binary', () => {
  test.each([
    ['0', '0000000000000000'],
    ['1', '00010000000000000001'],
    ['-1.50', '0002000040000002' + '00011388'],
    ['0.0001', '0001ffff000000040001'],
    ['10000', '00010001000000000001'],
    ['12345678.9', '000300010000000104d2162e2328'],
  ])('%s is as the server writes it', (number, hex) => {
    expect(bytesOfNumeric(number).toString('hex')).toBe(hex)
    expect(textOfNumeric(Buffer.from(hex, 'hex'))).toBe(number)
  })

  test('is read as it was written', () => {
    const number = fc
      .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.nat(20))
      .map(([isNegative, whole, scale]) => {
        const digits = String(whole).padStart(scale + 1, '0')
        const shown = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
        return isNegative && whole > 0n ? `-${shown}` : shown
      })
    fc.assert(
      fc.property(number, (it) => {
        expect(textOfNumeric(bytesOfNumeric(it))).toBe(it)
      }),
    )
  })

  test('that is no number, or no numeric, has no text', () => {
    for (const hex of ['', '0000', '00000000c0000000', '0000000000000000ff', '0001000000004000' + '0001'])
      expect(textOfNumeric(Buffer.from(hex, 'hex'))).toBe(undefined)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
        expect(textOfNumeric(Buffer.from(bytes)) ?? '0').toMatch(/^-?\d+(\.\d+)?$/)
      }),
    )
  })
})

describe('constants', () => {
  test.each([
    [type.int2, '7', '7', '0007'],
    [type.int2, '40000', undefined, undefined],
    [type.int8, '-1', '-1', 'ffffffffffffffff'],
    [type.int4, 'seven', undefined, undefined],
    [type.numeric, '007.50', '7.50', '00020000000000020007' + '1388'],
    [type.float8, '1.5', '1.5', '3ff8000000000000'],
    [type.float4, '1e99', undefined, undefined],
    [type.bool, 'true', 't', '01'],
    [type.bool, 'no', undefined, undefined],
    [type.date, '2000-01-31', '2000-01-31', '0000001e'],
    [type.date, '1999-12-31', '1999-12-31', 'ffffffff'],
    [type.date, '2000-02-30', undefined, undefined],
    [type.timestamp, '2000-01-01 00:00:01.5', '2000-01-01 00:00:01.5', '000000000016e360'],
    [type.timestamptz, '2000-01-02', '2000-01-02 00:00:00+00', '000000141dd76000'],
    [
      type.uuid,
      '00000000000000000000000000000001',
      '00000000-0000-0000-0000-000000000001',
      '0'.repeat(31) + '1',
    ],
    [type.bytea, '\\x00FF', '\\x00ff', '00ff'],
    [type.bytea, 'ab', '\\x6162', '6162'],
    [type.json, '{"a":1}', '{"a":1}', Buffer.from('{"a":1}').toString('hex')],
    [type.jsonb, '[]', '[]', '015b5d'],
    [type.jsonb, '"\\u0000"', undefined, undefined],
    [type.json, '{', undefined, undefined],
    [type.xml, 'gone', 'gone', Buffer.from('gone').toString('hex')],
    [type.xml, '<a', undefined, undefined],
    [1007, '7', '{7}', '000000010000000000000017000000010000000100000004' + '00000007'],
    [1009, 'a"b', '{"a\\"b"}', '000000010000000000000019000000010000000100000003612262'],
    [869, '10.0.0.1', undefined, undefined],
  ] as const)('as type %i, %j is %j', (oid, constant, shown, hex) => {
    const redactor = { kind: 'fixed', text: constant } as const
    expect(text(redactor, 'x', { oid })).toBe(shown)
    expect(masked(redactor, 'x', { oid, format: 1 })?.toString('hex')).toBe(hex)
  })

  test('of a numeric with bounds have as many digits as it shows, or are NULL where they have more', () => {
    const fixed = (constant: string, typmod: number) =>
      text({ kind: 'fixed', text: constant }, '1', { oid: type.numeric, typmod })
    expect(fixed('7', boundsOf(5, 2))).toBe('7.00')
    expect(fixed('1000', boundsOf(5, 2))).toBe(undefined)
    expect(fixed('7.123', boundsOf(5, 2))).toBe(undefined)
    expect(fixed('700', boundsOf(2, -2))).toBe('700')
    expect(fixed('750', boundsOf(2, -2))).toBe(undefined)
    expect(fixed('0.01', boundsOf(2, 3))).toBe('0.010')
    expect(fixed('0.1', boundsOf(2, 3))).toBe(undefined)
  })
})

describe('hashes', () => {
  test('are the same in text and in binary', () => {
    const redactor = { kind: 'hash' } as const
    const uuid = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
    const asText = text(redactor, uuid, { oid: type.uuid })!
    expect(asText).toMatch(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex')
    expect(masked(redactor, bytes, { oid: type.uuid, format: 1 })?.toString('hex')).toBe(
      asText.replaceAll('-', ''),
    )
    const escaped = text(redactor, 'a\\\\\\001', { oid: type.bytea })
    expect(escaped).toBe(text(redactor, '\\x615c01', { oid: type.bytea }))
    expect(`\\x${masked(redactor, 'a\\\x01', { oid: type.bytea, format: 1 })?.toString('hex')}`).toBe(escaped)
    const numeric = text(redactor, '12.50', { oid: type.numeric })!
    expect(textOfNumeric(masked(redactor, bytesOfNumeric('12.5'), { oid: type.numeric, format: 1 })!)).toBe(
      numeric,
    )
  })

  test('of arrays are element by element, and NULL where there is no hash of an element', () => {
    const one = text({ kind: 'hash' }, '5', { oid: type.int4 })!
    expect(text({ kind: 'hash' }, '{5,NULL,5}', { oid: 1007 })).toBe(`{${one},NULL,${one}}`)
    expect(text({ kind: 'hash' }, '{2000-01-01}', { oid: 1182 })).toBe(undefined)
    expect(text({ kind: 'full' }, '{a,b,c}', { oid: 1009 })).toBe('{"****"}')
    expect(text({ kind: 'null' }, '{a,b,c}', { oid: 1009 })).toBe(undefined)
  })
})

test('whatever a value is, what comes of it is in its type’s form or NULL, and never an error', () => {
  const redactors: readonly Redactor[] = [
    { kind: 'full' },
    { kind: 'keep-last', count: 2 },
    { kind: 'keep-domain' },
    { kind: 'hash' },
    { kind: 'digits' },
    { kind: 'fixed', text: '7' },
  ]
  const widths: Readonly<Record<number, number>> = {
    [type.int2]: 2,
    [type.int4]: 4,
    [type.int8]: 8,
    [type.uuid]: 16,
  }
  const oids = [...Object.values(type), 1007, 1009, 1016, 1231, 2951, 869, 3904, 20_000]
  const isTyped = (bytes: Buffer, oid: number): boolean =>
    oid === type.numeric ? textOfNumeric(bytes) !== undefined : bytes.length === (widths[oid] ?? bytes.length)
  const found = fc.check(
    fc.property(
      fc.constantFrom(...redactors),
      fc.constantFrom(...oids),
      fc.nat(1),
      fc.uint8Array({ maxLength: 40 }),
      (redactor, oid, format, bytes) => {
        const next = masked(redactor, Buffer.from(bytes), { oid, format })
        return next === null || next === undefined || format === 0 || isTyped(next, oid)
      },
    ),
    { numRuns: 3000 },
  )
  expect(found.counterexample).toBe(null)
})
