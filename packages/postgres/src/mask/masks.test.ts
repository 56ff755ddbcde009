import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { redact } from '@sallyport/masking'
import { Outbox } from '@sallyport/wire'
import type { Mark } from '../catalog/snapshot.ts'
import type { Field } from '../codec/backend.ts'
import type { OutputColumn } from '../facts/analysis.ts'
import type { RowMask } from '../masks.ts'
import { codeOf } from '../testing/code-of.ts'
import {
  bodies,
  computed,
  copyAsText,
  field,
  framed,
  invalidations,
  masked,
  masks,
  output,
  outputOfType,
  row,
} from '../testing/masked-table.ts'
import { redactPlain } from './redact.ts'

/** The body of a DataRow after its mask, somewhere in a chunk. */
function applied(mask: RowMask, body: Buffer): Buffer {
  const out = new Outbox()
  const message = framed('D', body)
  const chunk = Buffer.concat([Buffer.alloc(3), message, Buffer.alloc(2)])
  const size = mask.rewrite(chunk, 3, 3 + message.length, out)
  const written = out.take()
  expect(written).toHaveLength(size === 'as-is' ? 0 : size)
  return size === 'as-is' ? body : bodies(written)
}

function values(body: Buffer): (string | null)[] {
  const found: (string | null)[] = []
  for (let at = 2, left = body.readUInt16BE(0); left > 0; left--) {
    const length = body.readInt32BE(at)
    found.push(length === -1 ? null : body.subarray(at + 4, at + 4 + length).toString('latin1'))
    at += 4 + Math.max(0, length)
  }
  return found
}

const one = (
  fields: readonly Field[],
  outputs: readonly OutputColumn[] | 'unknown' | 'untainted',
  ...cells: (Buffer | string | null)[]
) => values(applied(masks.rows(fields, outputs, masked)!, row(...cells)))

describe('masking rows', () => {
  test('a plain tagged column keeps what its redactor leaves; NULL stays NULL; others stay as they are', () => {
    const fields = [field(23), field(25, { tableOid: 20_000, attnum: 2 })]
    const outputs = [output(), output({ tag: 'pii.email' })]
    expect(one(fields, outputs, '7', 'alice@example.com')).toEqual(['7', '****@example.com'])
    expect(one(fields, outputs, '7', null)).toEqual(['7', null])
    const mask = masks.rows(fields, outputs, masked)!
    expect(mask.columns).toEqual([])
    applied(mask, row('7', 'alice@example.com'))
    expect(mask.columns).toEqual(['c'])
  })

  test('either witness masks: lineage without the server’s word, and the server’s word without lineage', () => {
    expect(one([field(25)], [computed('pii.email')], 'ECILA')).toEqual(['****'])
    expect(one([field(25, { tableOid: 20_000, attnum: 2 })], [output()], 'alice@example.com')).toEqual([
      '****@example.com',
    ])
    expect(one([field(25, { tableOid: 20_000, attnum: 2 })], 'untainted', 'a@b.de')).toEqual(['****'])
  })

  test('a column’s own redactor stands in place of its tag’s; of several, none shows more than any', () => {
    const last = (count: number) => ({ kind: 'keep-last', count }) as const
    const card = '4111 1111 1111 1234'
    const shown = (...marks: Mark[]) => one([field(25)], [output(...marks)], card)[0]
    expect(shown({ tag: 'pii.card' })).toBe('****1234')
    expect(shown({ tag: 'pii.card', redactor: last(6) })).toBe('****111234')
    expect(shown({ tag: 'pii.card' }, { tag: 'pii.card', redactor: last(6) })).toBe('****1234')
    expect(shown({ tag: 'pii.card', redactor: last(2) }, { tag: 'pii.email' })).toBe('****')
    expect(shown({ tag: 'pii.card' }, { tag: 'other', redactor: { kind: 'null' } })).toBe('****1234')
    const email = field(25, { tableOid: 20_000, attnum: 2 })
    expect(one([email], [output({ tag: 'pii.card' })], 'a@b.example')).toEqual(['****'])
  })

  test('in COPY a column’s values have the form of its type', () => {
    const copied = (oid: number, mark: Mark, value: string) => {
      const outputs = [outputOfType(oid, mark)]
      const copy = { ...copyAsText, outputs }
      const mask = masks.copy(copy, { format: 0, columns: 1 }, masked)!
      const out = new Outbox()
      const message = framed('d', Buffer.from(`${value}\n`))
      mask.push(message, 0, message.length, out)
      return bodies(out.take()).toString().trimEnd()
    }
    expect(copied(25, { tag: 'pii.card' }, '4111 1111 1111 1234')).toBe('****1234')
    expect(copied(20, { tag: 'pii.card' }, '4111111111111234')).toBe('\\N')
    expect(copied(20, { tag: 'hr.salary' }, '51234')).toMatch(/^\d{5}$/)
    expect(copied(1082, { tag: 'hr.salary' }, '2000-01-01')).toBe('\\N')
  })

  test('derived values are hidden whole, as their type allows', () => {
    const derived = [computed('pii.email')]
    expect(one([field(25)], derived, 'alice')).toEqual(['****'])
    expect(one([field(23)], derived, '5')).toEqual([null])
    expect(one([field(114)], derived, '{}')).toEqual([null])
    expect(one([field(16_500)], derived, 'x')).toEqual([null])
  })

  test('where columns cannot be told, all of them are hidden', () => {
    expect(one([field(25), field(23)], 'unknown', 'a', '1')).toEqual(['****', null])
    expect(one([field(25)], [output(), output()], 'a')).toEqual(['****'])
  })

  test('a table that is not known yet is hidden, and the catalogue is read anew', () => {
    const before = invalidations.count
    expect(one([field(25, { tableOid: 20_001, attnum: 1 })], [output()], 'a')).toEqual(['****'])
    expect(invalidations.count).toBeGreaterThan(before)
  })

  test('numbers keep a valid form, in text and in binary', () => {
    const salary = { tableOid: 20_000, attnum: 3 }
    const outputs = [output({ tag: 'hr.salary' })]
    const [text] = one([field(23, salary)], outputs, '51234')
    expect(text).toMatch(/^\d{1,5}$/)
    expect(text).not.toBe('51234')
    const int4 = Buffer.alloc(4)
    int4.writeInt32BE(51_234)
    const [binary] = one([field(23, { ...salary, format: 1 })], outputs, int4)
    expect(Buffer.from(binary!, 'latin1').readInt32BE()).toBe(Number(text))
    expect(one([field(1700, salary)], outputs, '10.50')[0]).toMatch(/^\d\d\.\d\d$/)
    expect(one([field(701, salary)], outputs, '10.5')).toEqual([null])
  })

  test('detectors work inside untagged text, JSON and arrays, and leave what holds nothing', () => {
    const found = (typeOid: number, value: string | Buffer, format = 0) =>
      one([field(typeOid, { format })], [output()], value)[0]
    expect(found(25, 'mail a@b.de now')).toBe('mail ****@b.de now')
    expect(found(25, 'nothing')).toBe('nothing')
    expect(found(114, '{"m": "a@b.de",  "n": 1.50}')).toBe('{"m": "****@b.de",  "n": 1.50}')
    expect(JSON.parse(found(114, '{"card": 4111111111111111}')!)).toEqual({ card: '****1111' })
    expect(found(3802, Buffer.from('\x01{"m": "a@b.de"}'), 1)).toBe('\x01{"m": "****@b.de"}')
    expect(found(1009, '{x,"a@b.de",NULL,"q\\"uote"}')).toBe('{"x","****@b.de",NULL,"q\\"uote"}')
    expect(masks.rows([field(2950)], [output()], masked)).toBe(undefined)
  })

  test('an array’s binary form stays one', () => {
    const element = (text: string): Buffer => {
      const head = Buffer.alloc(4)
      head.writeInt32BE(Buffer.byteLength(text))
      return Buffer.concat([head, Buffer.from(text)])
    }
    const array = Buffer.concat([
      Buffer.from('00000001000000000000001900000002 00000001'.replace(' ', ''), 'hex'),
      element('x'),
      element('a@b.de'),
    ])
    const [masked1] = one([field(1009, { format: 1 })], [output()], array)
    expect(masked1).toContain('****@b.de')
    expect(masked1).not.toContain('a@b.de')
  })

  test('what detectors are for is found where JSON and arrays write it with escapes', () => {
    const found = (typeOid: number, value: string) => one([field(typeOid)], [output()], value)[0]
    expect(found(114, String.raw`{"m": "a\u0040b.de"}`)).toBe('{"m": "****@b.de"}')
    expect(found(114, String.raw`{"m": "\u0034111-1111-1111-1111"}`)).toBe('{"m": "****1111"}')
    expect(found(1009, String.raw`{"a\@b.de"}`)).toBe('{"****@b.de"}')
  })

  test('a value in a binary array is found whatever the length in front of it looks like', () => {
    // The length 48 is the byte of the digit 0, behind which no card number would begin.
    const text = `4111111111111111 ${'x'.repeat(31)}`
    const head = Buffer.from('00000001000000000000001900000001000000010000', 'hex')
    const array = Buffer.concat([head, Buffer.from([0, text.length]), Buffer.from(text)])
    expect(text).toHaveLength(48)
    const [shown] = one([field(1009, { format: 1 })], [output()], array)
    expect(shown).toContain('****1111 xxx')
    expect(shown).not.toContain('4111111111111111')
  })

  test('a value is looked at alone, whatever stands beside it in the row', () => {
    const outputs = [output(), output(), output()]
    const fields = [field(25), field(25), field(25)]
    expect(one(fields, outputs, 'x9', '4111111111111111', '9')).toEqual(['x9', '****1111', '9'])
    expect(one(fields, outputs, '41111111', '11111111', '')).toEqual(['41111111', '11111111', ''])
    expect(one(fields, outputs, 'a', '@', 'b.de')).toEqual(['a', '@', 'b.de'])
  })

  test('redactors on bytes do as those on text do', () => {
    const redactors = [
      { kind: 'full' },
      { kind: 'null' },
      { kind: 'fixed', text: 'ü' },
      { kind: 'keep-domain' },
    ] as const
    fc.assert(
      fc.property(fc.constantFrom(...redactors), fc.string({ unit: 'grapheme' }), (redactor, text) => {
        const key = Buffer.alloc(32)
        const bytes = Buffer.from(`@${text}@`)
        const next = redactPlain({ redactor, type: { oid: 25, typmod: -1 }, format: 0, key, scrubbers: [] })(
          bytes,
          1,
          bytes.length - 1,
        )
        const shown =
          typeof next === 'number' ? `****${bytes.toString('utf8', next, bytes.length - 1)}` : next
        expect(shown === null ? null : shown?.toString()).toBe(redact(redactor, text, key))
      }),
    )
  })

  test('nothing masked, nothing planned', () => {
    expect(masks.rows([field(25)], [output()], new Set(['other']))).toBe(undefined)
  })

  test('a row that does not fit its description is a fault, whatever its bytes', () => {
    const mask = masks.rows([field(25), field(25)], [output(), output()], masked)!
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(codeOf(() => applied(mask, Buffer.from(bytes)))).toBeOneOf([undefined, 'target/malformed'])
      }),
      { numRuns: 2000 },
    )
  })

  test('whatever surrounds it, the raw value of a tagged column never comes out', () => {
    const secret = 'zqxjkv@vwxqz.example'
    fc.assert(
      fc.property(fc.array(fc.option(fc.string()), { maxLength: 5 }), fc.nat(5), (others, at) => {
        const cells = others.map((value) => value ?? null) as (string | null)[]
        const position = Math.min(at, cells.length)
        cells.splice(position, 0, secret)
        const fields = cells.map((_, i) =>
          i === position ? field(25, { tableOid: 20_000, attnum: 2 }) : field(25),
        )
        const outputs = cells.map((_, i) => (i === position ? output({ tag: 'pii.email' }) : output()))
        expect(applied(masks.rows(fields, outputs, masked)!, row(...cells)).includes('zqxjkv')).toBe(false)
      }),
    )
  })
})
