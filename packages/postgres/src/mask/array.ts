import { Cursor, Writer } from '@sallyport/wire'

/**
 * Arrays, element by element. What is no array as PostgreSQL writes it becomes NULL: it cannot be judged.
 * @see PostgreSQL documentation, "Array Input and Output Syntax"; source array_send for the binary form
 */

/** @returns undefined where nothing changes */
export function scrubArray(
  value: Buffer,
  format: number,
  rewrite: (text: string) => string | undefined,
): Buffer | null | undefined {
  let isChanged = false
  const changed = mapArray(value, format, true, (element) => {
    const next = rewrite(element.toString('utf8'))
    if (next === undefined) return element
    isChanged = true
    return Buffer.from(next)
  })
  return changed === null || isChanged ? changed : undefined
}

/**
 * @param isQuoted whether elements are written in quotes whatever they hold, in the text form
 * @param map of elements that are not NULL, in the same form
 */
export function mapArray(
  value: Buffer,
  format: number,
  isQuoted: boolean,
  map: (element: Buffer) => Buffer | null,
): Buffer | null {
  return format === 0 ? mapText(value.toString('utf8'), isQuoted, map) : mapElements(value, map)
}

/** The array that holds one element. */
export function oneElement(element: Buffer, elementOid: number, format: number, isQuoted: boolean): Buffer {
  if (format === 0) return Buffer.from(`{${elementText(element, isQuoted)}}`)
  return new Writer(element.length + 24)
    .int32(1)
    .int32(0)
    .int32(elementOid)
    .int32(1)
    .int32(1)
    .int32(element.length)
    .bytes(element)
    .done()
}

/** An element: quoted with backslash escapes, or bare. Braces, commas and bounds stay. */
const elements = /"((?:[^"\\]|\\.)*)"|[^{},"\t-\r ][^{},"]*/gs
const shape = /^(?:(?:\[-?\d+:-?\d+\])+=)?\{.*\}$/s

function mapText(text: string, isQuoted: boolean, map: (element: Buffer) => Buffer | null): Buffer | null {
  if (!shape.test(text)) return null
  const open = text.indexOf('{')
  const mapped = text.slice(open).replace(elements, (element, quoted: string | undefined) => {
    if (quoted === undefined && element.toUpperCase() === 'NULL') return element
    const next = map(Buffer.from(quoted === undefined ? element : quoted.replace(/\\(.)/gs, '$1')))
    return next === null ? 'NULL' : elementText(next, isQuoted)
  })
  return Buffer.from(text.slice(0, open) + mapped)
}

function elementText(element: Buffer, isQuoted: boolean): string {
  const text = element.toString('utf8')
  if (!isQuoted && /^[\w.:+-]+$/.test(text)) return text
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

/** The binary form with every element in other bytes; null for what is no array. */
export function recodeArray(value: Buffer, recode: (bytes: Buffer) => Buffer): Buffer | null {
  return mapElements(value, recode)
}

function mapElements(value: Buffer, map: (bytes: Buffer) => Buffer | null): Buffer | null {
  try {
    const cursor = new Cursor(value, 0, value.length, 'target/malformed')
    const writer = new Writer(value.length)
    const dimensions = cursor.int32()
    if (dimensions < 0 || dimensions > 6) return null
    writer.int32(dimensions).int32(1) // it may hold NULL
    cursor.int32()
    writer.int32(cursor.int32())
    let count = dimensions === 0 ? 0 : 1
    for (let i = 0; i < dimensions; i++) {
      const length = cursor.int32()
      count *= length
      writer.int32(length).int32(cursor.int32())
    }
    for (; count > 0; count--) {
      const length = cursor.int32()
      const next = length === -1 ? null : map(cursor.take(length))
      if (next === null) writer.int32(-1)
      else writer.int32(next.length).bytes(next)
    }
    cursor.end()
    return writer.done()
  } catch {
    return null
  }
}
