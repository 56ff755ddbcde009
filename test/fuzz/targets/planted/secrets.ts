import { pick, type Choices } from '../../random.ts'

/**
 * Values that nobody may see, of each type, as SQL literals; and a search for them in bytes, in whatever form. All have a mark that
 * nothing else has: in letters, in digits, or as a year. What a redactor may leave (the last four, a domain) has none.
 */
const mark = 'Zqxw'
const digits = '1735190'
const year = 73_519

/** A column's type, the coarse kind of its values, and how a secret of it is written. */
export interface SecretType {
  readonly name: string
  readonly kind: Kind
  readonly secret: (choices: Choices) => string
}

export type Kind = 'text' | 'int' | 'num' | 'date' | 'json' | 'other'

const four = (choices: Choices) => String(choices.below(10_000)).padStart(4, '0')
const word = (choices: Choices) => `${mark}${four(choices)}${mark}${four(choices)}`
const number = (choices: Choices) => `${digits}${String(choices.below(1_000)).padStart(3, '0')}`
const long = (choices: Choices) => `${number(choices)}${four(choices)}`
const day = (choices: Choices) => `${year}-${two(1 + choices.below(12))}-${two(1 + choices.below(28))}`
const two = (value: number) => String(value).padStart(2, '0')
const hex = (choices: Choices) => Buffer.from(word(choices)).toString('hex')

/** The types `tone` and `person` and the domain `code` are each schema's own. */
export const secretTypes: readonly SecretType[] = [
  { name: 'text', kind: 'text', secret: (choices) => `'${word(choices)}'` },
  { name: 'varchar(60)', kind: 'text', secret: (choices) => `'${word(choices)}@example.org'` },
  { name: 'char(24)', kind: 'text', secret: (choices) => `'${word(choices)}'` },
  { name: 'name', kind: 'text', secret: (choices) => `'${word(choices)}'` },
  { name: 'code', kind: 'text', secret: (choices) => `'${word(choices)}'` },
  { name: 'int4', kind: 'int', secret: number },
  { name: 'int8', kind: 'int', secret: long },
  { name: 'numeric', kind: 'num', secret: (choices) => `${number(choices)}.${four(choices)}` },
  { name: 'float8', kind: 'num', secret: (choices) => `${number(choices)}.5` },
  { name: 'date', kind: 'date', secret: (choices) => `'${day(choices)}'` },
  { name: 'timestamptz', kind: 'date', secret: (choices) => `'${day(choices)} 10:20:30+00'` },
  {
    name: 'json',
    kind: 'json',
    secret: (choices) => `'{"k": "${word(choices)}", "n": ${long(choices)}}'`,
  },
  {
    name: 'jsonb',
    kind: 'json',
    secret: (choices) => `'{"k": ["${word(choices)}", ${number(choices)}], "${word(choices)}": 1}'`,
  },
  {
    name: 'text[]',
    kind: 'other',
    secret: (choices) => `array['${word(choices)}', 'a b', '${word(choices)}']`,
  },
  { name: 'int4[]', kind: 'other', secret: (choices) => `array[${number(choices)}, ${number(choices)}]` },
  { name: 'date[]', kind: 'other', secret: (choices) => `array['${day(choices)}'::date]` },
  { name: 'person', kind: 'other', secret: (choices) => `row('${word(choices)}', ${number(choices)})` },
  { name: 'person[]', kind: 'other', secret: (choices) => `array[row('${word(choices)}', 2)]::person[]` },
  {
    name: 'int8range',
    kind: 'other',
    secret: (choices) => `int8range(${number(choices)}, ${long(choices)})`,
  },
  { name: 'daterange', kind: 'other', secret: (choices) => `daterange('${day(choices)}', null)` },
  { name: 'numrange', kind: 'other', secret: (choices) => `numrange(${number(choices)}.5, null)` },
  { name: 'bytea', kind: 'other', secret: (choices) => `'\\x${hex(choices)}'` },
  { name: 'uuid', kind: 'other', secret: (choices) => `'${hex(choices).slice(0, 32)}'` },
  { name: 'xml', kind: 'other', secret: (choices) => `'<a>${word(choices)}</a>'` },
]

/** For a column under `digits`, which leaves letters: only digits. */
export const digitsTypes: readonly SecretType[] = [
  { name: 'text', kind: 'text', secret: (choices) => `'${long(choices)}'` },
  { name: 'varchar(60)', kind: 'text', secret: (choices) => `'+${long(choices)}'` },
  { name: 'text[]', kind: 'other', secret: (choices) => `array['${long(choices)}', '${number(choices)}']` },
  ...secretTypes.filter(({ kind, name }) => kind === 'int' || kind === 'date' || name === 'numeric'),
]

/** A value that anybody may see. */
export function harmless(choices: Choices, { name, kind }: SecretType): string {
  switch (kind) {
    case 'text':
      return pick(choices, ["'plain'", "'a@b.example'", "'ü 日本'", "'7'", "''", 'null'])
    case 'int':
    case 'num':
      return String(choices.below(50))
    case 'date':
      return pick(choices, ["'2024-02-29'", "'1999-12-31'", 'null'])
    case 'json':
      return pick(choices, [`'{"k": "v"}'`, `'[1, 2]'`, `'null'`])
    case 'other':
      return name === 'text[]' ? `array['x', 'y,z', null]` : 'null'
  }
}

/** What of a secret is in these bytes; undefined where nothing is. */
export function secretIn(bytes: Buffer): string | undefined {
  return textIn(bytes) ?? inBinary(bytes)
}

/** The same, of bytes that hold no values but text. */
export function textIn(bytes: Buffer): string | undefined {
  return forms.exec(bytes.toString('latin1'))?.[0]
}

const reversed = (text: string) => text.split('').toReversed().join('')

/** The letters of a text in base64 that it has wherever it stands; by what is left over of the bytes before it. */
function base64Of(text: string, before: number): string {
  const encoded = Buffer.from('\0'.repeat(before) + text).toString('base64')
  return encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + text.length) * 8) / 6))
}

const cased = [mark, mark.toUpperCase(), mark.toLowerCase()]
const strings = cased.flatMap((one) => [one, reversed(one)])
const hexed = [...strings, digits, reversed(digits)].map((one) => Buffer.from(one).toString('hex'))
const based = [...strings, digits].flatMap((one) => [0, 1, 2].map((before) => base64Of(one, before)))
const insensitive = [...hexed, ...hexed.map((one) => one.toUpperCase())]
const forms = new RegExp(
  [
    ...strings,
    digits,
    reversed(digits),
    `${year}-\\d\\d-\\d\\d`,
    ...insensitive,
    ...based.map((one) => one.replace(/[+/]/g, '\\$&')),
    // As a UUID writes its hexadecimal digits.
    `5a717877-\\d{4}-`,
  ].join('|'),
)

const dayMs = 86_400_000
const epoch = Date.UTC(2000, 0, 1)
const days = [(Date.UTC(year, 0, 1) - epoch) / dayMs, (Date.UTC(year + 1, 0, 1) - epoch) / dayMs] as const
const ints = [Number(`${digits}000`), Number(`${digits}999`)] as const
const longs = [BigInt(`${digits}0000000`), BigInt(`${digits}9999999`)] as const
const micros = days.map((it) => BigInt(it) * 86_400_000_000n) as [bigint, bigint]
/** 17 3519 0…: the first of a numeric's digits, to the base of 10,000. */
const numeric = Buffer.from([0, 17, 3519 >> 8, 3519 & 0xff])

/** Numbers and days as PostgreSQL sends them in binary. */
function inBinary(bytes: Buffer): string | undefined {
  if (bytes.includes(numeric)) return 'a numeric in binary'
  for (let at = 0; at + 4 <= bytes.length; at++) {
    const int = bytes.readInt32BE(at)
    if (int >= ints[0] && int <= ints[1]) return 'an int4 in binary'
    if (int >= days[0] && int < days[1]) return 'a date in binary'
    if (at + 8 > bytes.length) continue
    const double = bytes.readDoubleBE(at)
    if (double >= ints[0] && double <= ints[1] + 1) return 'a float8 in binary'
    if (bytes[at] !== 0) continue
    const big = bytes.readBigInt64BE(at)
    if (big >= BigInt(ints[0]) && big <= BigInt(ints[1])) return 'an int8 in binary'
    if (big >= longs[0] && big <= longs[1]) return 'an int8 in binary'
    if (big >= micros[0] && big < micros[1]) return 'a timestamp in binary'
  }
  return undefined
}
