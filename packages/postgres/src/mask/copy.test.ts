import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Outbox } from '@sallyport/wire'
import type { CopyAnalysis } from '../facts/analysis.ts'
import { codeOf } from '../testing/code-of.ts'
import { bodies, copyAsText, framed, masked, masks, output, row } from '../testing/masked-table.ts'

const copyOf = (over: Partial<CopyAnalysis> = {}): CopyAnalysis => ({
  ...copyAsText,
  outputs: [
    { ...output(), name: 'id' },
    { ...output({ tag: 'pii.email' }), name: 'email' },
    { ...output(), name: 'note' },
  ],
  ...over,
})

function copied(copy: CopyAnalysis, input: Buffer, cuts: readonly number[] = []): Buffer {
  const mask = masks.copy(copy, { format: copy.format === 'binary' ? 1 : 0, columns: 3 }, masked)!
  const bounds = [...new Set([0, ...cuts.map((cut) => cut % (input.length + 1)), input.length])].sort(
    (a, b) => a - b,
  )
  const out = new Outbox()
  const seen: Buffer[] = []
  for (const [i, to] of bounds.slice(1).entries()) {
    const message = framed('d', input.subarray(bounds[i], to))
    const size = mask.push(message, 0, message.length, out)
    const written = out.take()
    expect(written).toHaveLength(size === 'as-is' ? 0 : size)
    seen.push(size === 'as-is' ? message : written)
  }
  const size = mask.end(out)
  const last = out.take()
  expect(last).toHaveLength(size)
  return bodies(Buffer.concat([...seen, last]))
}

const textInput = Buffer.from(
  '1\talice@example.com\tback\\\\slash and\\ttab\n2\t\\N\tmail b@c.de\n3\tx\\ny@z.org\t\\N\n',
)
const csvInput = Buffer.from(
  'id,email,note\n1,alice@example.com,"a ""quote"", b@c.de\nline two"\n2,,plain\n3,"x@y.org",\n',
)
const binaryInput = ((): Buffer => {
  const tuple = (...cells: (string | null)[]): Buffer => row(...cells)
  return Buffer.concat([
    Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1'),
    tuple('1', 'alice@example.com', 'note b@c.de'),
    tuple('2', null, 'x'),
    Buffer.from([0xff, 0xff]),
  ])
})()

describe('masking COPY', () => {
  test('text: fields are decoded, masked and encoded; NULL and untouched bytes stay', () => {
    expect(copied(copyOf(), textInput).toString()).toBe(
      '1\t****@example.com\tback\\\\slash and\\ttab\n2\t\\N\tmail ****@c.de\n3\t****@z.org\t\\N\n',
    )
  })

  test.each([
    ['\\n', 'x\\ny@z.org', '****@z.org', 'x\\n****@z.org'],
    ['\\t behind the domain', 'alice@z.org\\tx', '****', '****@z.org\\tx'],
    ['\\\\', 'a\\\\b@z.org', '****@z.org', 'a\\\\****@z.org'],
    ['an octal number', 'alice\\100z.org', '****@z.org', '****@z.org'],
    ['a hexadecimal number', 'alice\\x40z.org', '****@z.org', '****@z.org'],
    ['a symbol by its bytes', '\\xc3\\xbc@m\\303\\274ller.de', '****@müller.de', '****@müller.de'],
    ['other scripts', '用户@例子.公司', '****@例子.公司', '****@例子.公司'],
    ['no @ at all', '\\x61lice', '****', '\\x61lice'],
    ['what is NULL only without its escape', '\\\\N', '****', '\\\\N'],
  ])(
    'text: a tagged field shows its rest, and a note all but its find, with %s',
    (_, written, tagged, noted) => {
      const row = Buffer.from(`1\t${written}\t${written}\n`)
      expect(copied(copyOf(), row).toString()).toBe(`1\t${tagged}\t${noted}\n`)
    },
  )

  test('a field of stars is written as one, whatever the delimiter', () => {
    expect(copied(copyOf({ delimiter: '*' }), Buffer.from('1*alice@x.org*n\n')).toString()).toBe(
      '1*\\*\\*\\*\\*@x.org*n\n',
    )
  })

  test('what is not masked passes by reference between masked rows, and every row leaves in its order', () => {
    const lines = [
      '1\t\\N\tplain',
      '2\ta@x.org\tplain',
      '3\t\\N\tb@y.org',
      '4\t\\N\t',
      `5\t\\N\t${'é'.repeat(3_000)}`,
    ]
    const mask = masks.copy(copyOf(), { format: 0, columns: 3 }, masked)!
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...lines), { maxLength: 40 }), (rows) => {
        const chunk = Buffer.concat(rows.map((row) => framed('d', Buffer.from(`${row}\n`))))
        const asReceived = Buffer.from(chunk)
        const out = new Outbox()
        for (let at = 0; at < chunk.length;) {
          const end = at + 1 + chunk.readInt32BE(at + 1)
          if (mask.push(chunk, at, end, out) === 'as-is') out.pass(chunk, at, end)
          at = end
        }
        const expected = rows.map((row) => `${row.replace('a@x', '****@x').replace('b@y', '****@y')}\n`)
        expect(bodies(out.take()).toString()).toBe(expected.join(''))
        expect(chunk.equals(asReceived)).toBe(true)
      }),
    )
  })

  test.each(['|', '~', '^', ','])(
    'text: fields are told apart by whatever delimiter was asked for: %s',
    (delimiter) => {
      const input = Buffer.from(
        `1${delimiter}alice@example.com${delimiter}\\\\N\n2${delimiter}\\N${delimiter}x\n`,
      )
      expect(copied(copyOf({ delimiter }), input).toString()).toBe(
        `1${delimiter}****@example.com${delimiter}\\\\N\n2${delimiter}\\N${delimiter}x\n`,
      )
    },
  )

  test('csv: quotes, newlines inside them, and the header', () => {
    const csv = copyOf({ format: 'csv', delimiter: ',', nullText: '', hasHeader: true })
    expect(copied(csv, csvInput).toString()).toBe(
      'id,email,note\n1,"****@example.com","a ""quote"", ****@c.de\nline two"\n2,,plain\n3,"****@y.org",\n',
    )
  })

  test('binary: header, tuples and trailer', () => {
    const out = copied(copyOf({ format: 'binary' }), binaryInput)
    expect(out.includes('alice')).toBe(false)
    expect(out.includes('note ****@c.de')).toBe(true)
    expect(out.subarray(-2)).toEqual(Buffer.from([0xff, 0xff]))
  })

  test('any cutting of the stream gives the same bytes', () => {
    const all: readonly (readonly [CopyAnalysis, Buffer])[] = [
      [copyOf(), textInput],
      [copyOf({ format: 'csv', delimiter: ',', nullText: '', hasHeader: true }), csvInput],
      [copyOf({ format: 'binary' }), binaryInput],
    ]
    for (const [copy, input] of all) {
      const whole = copied(copy, input)
      for (let cut = 1; cut < input.length; cut++) expect(copied(copy, input, [cut]).equals(whole)).toBe(true)
      fc.assert(
        fc.property(fc.array(fc.nat(), { maxLength: 20 }), (cuts) => {
          expect(copied(copy, input, cuts).equals(whole)).toBe(true)
        }),
        { numRuns: 200 },
      )
    }
  })

  test('a COPY that cannot be told is hidden whole', () => {
    const mask = masks.copy(undefined, { format: 0, columns: 3 }, masked)!
    const message = framed('d', textInput)
    const out = new Outbox()
    mask.push(message, 0, message.length, out)
    expect(bodies(out.take()).toString()).toBe('\\N\t\\N\t\\N\n\\N\t\\N\t\\N\n\\N\t\\N\t\\N\n')
  })

  test('hostile streams end in a fault or in bytes, never in another error', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('text', 'csv', 'binary'),
        fc.uint8Array({ maxLength: 80 }),
        (format, bytes) => {
          expect(codeOf(() => copied(copyOf({ format }), Buffer.from(bytes)))).toBeOneOf([
            undefined,
            'target/malformed',
          ])
        },
      ),
      { numRuns: 3000 },
    )
  })
})
