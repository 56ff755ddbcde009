import { Fault, systemClock, type Redactor } from '@sallyport/core'
import { Outbox } from '@sallyport/wire'
import { Catalog } from '../../../packages/postgres/src/catalog/catalog.ts'
import { shopQuery } from '../../../packages/postgres/src/catalog/testing/shop.ts'
import type { ViewTracer } from '../../../packages/postgres/src/catalog/view-tracer.ts'
import type { CopyAnalysis, OutputColumn } from '../../../packages/postgres/src/facts/analysis.ts'
import { masksFor } from '../../../packages/postgres/src/mask/masks.ts'
import { int16, int32, message } from '../../world/raw-messages.ts'
import { pick, Random, Tape, type Choices } from '../random.ts'
import { must, type Subject, type Target } from '../target.ts'
import { cut } from './postgres/dialogue.ts'

/** An input: the choices of a result, its columns, values and form, and what of it is masked. */
export const target: Target = {
  name: 'masks',
  promise:
    'a masked result is one in its wire form, in any cutting, and no value that is to be hidden is in it',
  unit: 'inputs',
  units: { long: 500_000, short: 1_500 },
  guide: /packages\/(postgres\/src\/(mask|codec\/copy)|masking\/src)/,
  maxBytes: 1024,
  slowMs: 300,
  open: () => Promise.resolve(subject),
}

const secret = 'Zq7SECRETq7Z'
const derived: OutputColumn = { name: 'b', tags: ['ssn'], column: undefined }
const clear: OutputColumn = { name: 'c', tags: [], column: undefined }
/** Bare, of a type, with a length as some have it. */
function taggedAs(oid: number, typmod: number): OutputColumn {
  const marks = [{ tag: 'ssn' }]
  const type = { oid, typmod }
  return {
    name: 'a',
    tags: ['ssn'],
    column: { attnum: 1, name: 'a', isGenerated: false, isPlain: true, type, tags: ['ssn'], marks },
  }
}
const masked = new Set(['ssn', 'pii.email'])
const typeOids = [
  25, 1043, 1042, 19, 23, 21, 20, 1700, 114, 3802, 1009, 1015, 17, 16, 700, 2950, 20_000, 199, 142, 1007,
  1231, 2951, 1001, 1082, 1114, 1184, 1182,
] as const

const subject: Subject = {
  seeds: [],
  words: [],
  invent: (random: Random) => random.bytes(8 + random.below(200)),
  run(input) {
    const tape = new Tape(input)
    const kind = pick(tape, ['full', 'keep-last', 'keep-domain', 'hash', 'null', 'digits', 'fixed'] as const)
    const redactor: Redactor =
      kind === 'fixed'
        ? { kind, text: pick(tape, ['', 'x', '12', '{"a":1}', 'tab\there\\N', '"', '2000-01-31']) }
        : kind === 'keep-last'
          ? { kind, count: 1 + tape.below(5) }
          : { kind }
    const masking = {
      mode: 'strict',
      columns: [{ column: 'app.customers.ssn', tag: 'ssn' }],
      detectors: ['email'],
      redactors: { ssn: redactor },
    } as const
    const catalog = new Catalog({ query: shopQuery(), masking, tracer: noTracer, clock: systemClock })
    const masks = masksFor(masking, catalog, Buffer.alloc(32, 5))
    const columns = Array.from({ length: 1 + tape.below(4) }, () => {
      const tagged = taggedAs(pick(tape, typeOids), tape.below(2) === 0 ? -1 : 4 + tape.below(30))
      return pick(tape, [tagged, derived, clear])
    })
    if (tape.below(2) === 0) checkRows(masks, columns, tape)
    else checkCopy(masks, columns, tape, Random.of(input))
    return 1
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

type Masks = ReturnType<typeof masksFor>
type Value = Buffer | null

/** Views are not traced here: the catalogue is never read. */
const noTracer: ViewTracer = {
  parse: () => undefined,
  trace: () => 'unknown',
  parseBody: () => Promise.resolve(undefined),
  hasEffect: () => true,
  mayBeHidden: () => true,
  conduct: () => ['call'],
}

function valueOf(column: OutputColumn, choices: Choices): Value {
  if (choices.below(6) === 0) return null
  const content = column.tags.length > 0 ? secret : 'plain'
  return Buffer.from(
    pick(choices, [
      content,
      `a\tb\n${content}\\`,
      `"${content}"`,
      `{${content},"x"}`,
      `{"k":"${content}"}`,
      `${content} me@example.com`,
      `\x01{"k":"${content}"}`,
      `ü${content}🐘`,
    ]),
  )
}

function checkRows(masks: Masks, columns: readonly OutputColumn[], choices: Choices): void {
  const fields = columns.map(({ name, column }) => ({
    name,
    tableOid: 0,
    attnum: 0,
    typeOid: column?.type.oid ?? pick(choices, typeOids),
    typmod: column?.type.typmod ?? -1,
    format: choices.below(2),
  }))
  const mask = masks.rows(fields, columns, masked)
  for (let left = 3; left > 0; left--) {
    const row = columns.map((column) => valueOf(column, choices))
    const body = Buffer.concat([
      int16(row.length),
      ...row.flatMap((value) => (value === null ? [int32(-1)] : [int32(value.length), value])),
    ])
    if (mask === undefined) {
      must(!columns.some(({ tags }) => tags.length > 0), () => 'no mask where one is due')
      return
    }
    let bytes
    try {
      const row = message('D', body)
      const out = new Outbox()
      const size = mask.rewrite(row, 0, row.length, out)
      const rewritten = size === 'as-is' ? row : out.take()
      must(
        size === 'as-is' || size === rewritten.length,
        () => `said to be ${size} bytes, and is ${rewritten.length}`,
      )
      must(rewritten.readInt32BE(1) === rewritten.length - 1, () => 'a row of another length than it says')
      bytes = rewritten.subarray(5)
    } catch (thrown) {
      // A value that is not in the form of its type: the target's fault.
      if (thrown instanceof Fault && thrown.code === 'target/malformed') return
      throw thrown
    }
    must(!bytes.includes(secret), () => `a masked value passed: ${JSON.stringify(bytes.toString('latin1'))}`)
    const after = readRow(bytes, columns.length)
    after.forEach((value, i) => {
      if (row[i] === null) must(value === null, () => 'NULL became a value')
      // What is not in the form of its type, and must be read to be judged, is hidden.
      const { typeOid, format } = fields[i]!
      const isRead = row[i]?.includes('\\') === true ? read : format === 1 ? readAlways : never
      if (value === null && isRead.has(typeOid)) return
      if (columns[i]!.tags.length === 0 && !row[i]?.includes('@'))
        must(
          value === null ? row[i] === null : row[i] !== null && value.equals(row[i]!),
          () => 'a clear value changed',
        )
    })
  }
}

/** Types that are read as what they are wherever something is escaped: none of our values with a backslash is one of them. */
const read: ReadonlySet<number> = new Set([3802, 1009, 1015])
/** Types that are always read in their binary form, which none of our values is in. */
const readAlways: ReadonlySet<number> = new Set([1009, 1015])
const never: ReadonlySet<number> = new Set()

function readRow(body: Buffer, count: number): readonly Value[] {
  must(body.readUInt16BE(0) === count, () => 'another number of values')
  const values: Value[] = []
  let at = 2
  for (let i = 0; i < count; i++) {
    const length = body.readInt32BE(at)
    must(length >= -1 && at + 4 + Math.max(0, length) <= body.length, () => `a value of ${length} bytes`)
    values.push(length === -1 ? null : body.subarray(at + 4, at + 4 + length))
    at += 4 + Math.max(0, length)
  }
  must(at === body.length, () => 'bytes behind the last value')
  return values
}

function checkCopy(masks: Masks, columns: readonly OutputColumn[], choices: Choices, random: Random): void {
  const format = pick(choices, ['text', 'csv', 'binary'] as const)
  const copy: CopyAnalysis = {
    direction: 'out',
    format,
    delimiter: format === 'csv' ? pick(choices, [',', ';', '\t']) : pick(choices, ['\t', '|', ',']),
    nullText: format === 'csv' ? '' : pick(choices, ['\\N', 'nil']),
    quote: '"',
    escape: pick(choices, ['"', '\\']),
    hasHeader: false,
    forceQuote: [],
    outputs: columns,
  }
  const rows = Array.from({ length: 1 + choices.below(4) }, () =>
    columns.map((column) => valueOf(column, choices)),
  )
  const stream = writeCopy(copy, rows)
  const response = { format: format === 'binary' ? 1 : 0, columns: columns.length }
  const rewrite = (pieces: readonly Buffer[]): Buffer | undefined => {
    const mask = masks.copy(copy, response, masked)
    if (mask === undefined) return undefined
    const out = new Outbox()
    const copied: Buffer[] = []
    for (const piece of pieces) {
      const data = message('d', piece)
      copied.push(mask.push(data, 0, data.length, out) === 'as-is' ? data : out.take())
    }
    mask.end(out)
    copied.push(out.take())
    return contentOf(Buffer.concat(copied))
  }
  const whole = rewrite([stream])
  if (whole === undefined) {
    must(!columns.some(({ tags }) => tags.length > 0), () => 'no mask where one is due')
    return
  }
  must(whole.equals(rewrite(cut(stream, random))!), () => 'a cutting changed what came of a COPY')
  must(!whole.includes(secret), () => `a masked value passed: ${JSON.stringify(whole.toString('latin1'))}`)
  const after = readCopy(copy, whole)
  must(
    after.length === rows.length,
    () => `${rows.length} rows became ${after.length}: ${JSON.stringify(whole.toString())}`,
  )
  after.forEach((row, r) => {
    must(
      row.length === columns.length,
      () => `${columns.length} columns became ${row.length}: ${JSON.stringify(whole.toString())}`,
    )
    row.forEach((value, i) => {
      const before = rows[r]![i]!
      if (columns[i]!.tags.length > 0 || before?.includes('@') === true) return
      const isSame = value === null ? before === null : before !== null && value === before.toString('latin1')
      must(isSame, () => `a clear value changed: ${JSON.stringify([before?.toString(), value])}`)
    })
  })
}

/** What CopyData messages hold, one behind the other. */
function contentOf(messages: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < messages.length;) {
    const length = messages.readInt32BE(at + 1)
    must(
      messages[at] === 0x64 && at + 1 + length <= messages.length,
      () => `no message of ${length} bytes at ${at}`,
    )
    parts.push(messages.subarray(at + 5, at + 1 + length))
    at += 1 + length
  }
  return Buffer.concat(parts)
}

// — COPY as the server writes and clients read it; see "File Formats" in its documentation —

function writeCopy(copy: CopyAnalysis, rows: readonly (readonly Value[])[]): Buffer {
  if (copy.format === 'binary')
    return Buffer.concat([
      Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1'),
      ...rows.flatMap((row) => [
        int16(row.length),
        ...row.flatMap((value) => (value === null ? [int32(-1)] : [int32(value.length), value])),
      ]),
      int16(0xffff),
    ])
  const lines = rows.map((row) => row.map((value) => fieldOf(copy, value)).join(copy.delimiter))
  return Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1')
}

function fieldOf(copy: CopyAnalysis, value: Value): string {
  if (value === null) return copy.nullText
  const text = value.toString('latin1')
  if (copy.format === 'csv') {
    if (text !== '' && !/["\n\r,;\t\\]/.test(text)) return text
    return `"${text.replaceAll(copy.escape === '\\' ? /["\\]/g : /"/g, (it) => copy.escape + it)}"`
  }
  const escapes: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\\': '\\\\', '\r': '\\r' }
  return text
    .replaceAll(/[\t\n\r\\]/g, (it) => escapes[it]!)
    .replaceAll(copy.delimiter, (it) => (it === '\t' ? it : `\\${it}`))
}

function readCopy(copy: CopyAnalysis, bytes: Buffer): readonly (readonly (string | null)[])[] {
  if (copy.format === 'binary') return readBinary(bytes)
  return copy.format === 'csv'
    ? readCsv(copy, bytes.toString('latin1'))
    : readText(copy, bytes.toString('latin1'))
}

function readBinary(bytes: Buffer): readonly (readonly (string | null)[])[] {
  const rows: (string | null)[][] = []
  let at = 19
  for (let count = bytes.readInt16BE(at); count !== -1; count = bytes.readInt16BE(at)) {
    at += 2
    const row: (string | null)[] = []
    for (let i = 0; i < count; i++) {
      const length = bytes.readInt32BE(at)
      row.push(length === -1 ? null : bytes.toString('latin1', at + 4, at + 4 + length))
      at += 4 + Math.max(0, length)
    }
    rows.push(row)
  }
  must(at + 2 === bytes.length, () => 'bytes behind the trailer')
  return rows
}

function readText(
  { delimiter, nullText }: CopyAnalysis,
  text: string,
): readonly (readonly (string | null)[])[] {
  const plain: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', b: '\b', f: '\f', v: '\v' }
  const fields = new RegExp(`(?:\\\\[^]|[^\\\\${delimiter === '\t' ? '\\t' : `\\${delimiter}`}])*`, 'y')
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => {
      const row: (string | null)[] = []
      for (let at = 0; at <= line.length;) {
        fields.lastIndex = at
        const [field = ''] = fields.exec(line) ?? []
        row.push(field === nullText ? null : field.replaceAll(/\\([^])/g, (_, it: string) => plain[it] ?? it))
        at += field.length + 1
      }
      return row
    })
}

function readCsv(
  { delimiter, escape, nullText }: CopyAnalysis,
  text: string,
): readonly (readonly (string | null)[])[] {
  const rows: (string | null)[][] = [[]]
  for (let at = 0; at < text.length;) {
    let field = ''
    const isQuoted = text[at] === '"'
    if (isQuoted) {
      for (at++; text[at] !== '"' || (escape === '"' && text[at + 1] === '"');) {
        must(at < text.length, () => `a quote that does not end: ${JSON.stringify(text)}`)
        if (text[at] === escape && (text[at + 1] === '"' || text[at + 1] === escape)) at++
        field += text[at++]
      }
      at++
    } else while (text[at] !== delimiter && text[at] !== '\n') field += text[at++]
    rows.at(-1)!.push(!isQuoted && field === nullText ? null : field)
    if (text[at] === '\n') rows.push([])
    at++
  }
  return rows.slice(0, -1)
}
