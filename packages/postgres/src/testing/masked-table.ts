import type { Masking } from '@sallyport/core'
import { emptySnapshot } from '../catalog/build.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { Mark, ValueType } from '../catalog/snapshot.ts'
import type { Field } from '../codec/backend.ts'
import type { OutputColumn } from '../facts/analysis.ts'
import { masksFor } from '../mask/masks.ts'
import { type } from '../mask/types.ts'

const masking: Masking = {
  mode: 'strict',
  columns: [
    { column: 'public.customers.email', tag: 'pii.email' },
    { column: 'public.customers.salary', tag: 'hr.salary' },
  ],
  detectors: ['email', 'card'],
  redactors: { 'hr.salary': { kind: 'digits' } },
}
export const masked = new Set(['pii.email', 'pii.card', 'hr.salary'])

/** How often the catalogue was found out of date. */
export const invalidations = { count: 0 }
/** What the server's word on a column is: table 20000 has email (2) and salary (3); 20001 is not known yet. */
const catalog = {
  marksOf(oid: number, attnum: number) {
    if (oid === 20_001) return 'unknown'
    const tags = oid === 20_000 ? ([[], [], ['pii.email'], ['hr.salary']][attnum] ?? []) : []
    return tags.map((tag) => ({ tag }))
  },
  snapshot: emptySnapshot,
  invalidate: () => invalidations.count++,
} as unknown as Catalog
export const masks = masksFor(masking, catalog, Buffer.alloc(32, 1))

export const field = (typeOid: number, over: Partial<Field> = {}): Field => ({
  name: 'c',
  tableOid: 0,
  attnum: 0,
  typeOid,
  typmod: -1,
  format: 0,
  ...over,
})
/** A bare column. */
export const output = (...marks: readonly Mark[]): OutputColumn => outputOfType(type.text, ...marks)

/** A bare column of a type. */
export function outputOfType(of: number | ValueType, ...marks: readonly Mark[]): OutputColumn {
  const tags = marks.map(({ tag }) => tag)
  const type = typeof of === 'number' ? { oid: of, typmod: -1 } : of
  const column = { attnum: 1, name: 'c', isGenerated: false, isPlain: true, type, tags, marks }
  return { name: 'c', tags, column }
}

export const computed = (...tags: readonly string[]): OutputColumn => ({ name: 'c', tags, column: undefined })

export function row(...values: readonly (Buffer | string | null)[]): Buffer {
  const count = Buffer.alloc(2)
  count.writeUInt16BE(values.length)
  return Buffer.concat([
    count,
    ...values.flatMap((value) => {
      const head = Buffer.alloc(4)
      head.writeInt32BE(value === null ? -1 : Buffer.byteLength(value))
      return value === null ? [head] : [head, Buffer.from(value)]
    }),
  ])
}

/** A message around a body. */
export function framed(tag: string, body: Buffer): Buffer {
  const head = Buffer.from(`${tag}....`)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** The bodies of messages that follow each other, joined. */
export function bodies(messages: Buffer): Buffer {
  const found: Buffer[] = []
  for (let at = 0; at < messages.length; at += 1 + messages.readInt32BE(at + 1))
    found.push(messages.subarray(at + 5, at + 1 + messages.readInt32BE(at + 1)))
  return Buffer.concat(found)
}

/** COPY TO in the text format, as it is by default, but for its columns. */
export const copyAsText = {
  direction: 'out',
  format: 'text',
  delimiter: '\t',
  nullText: '\\N',
  quote: '"',
  escape: '"',
  hasHeader: false,
  forceQuote: [],
} as const
