import { keyedHash } from '@sallyport/masking'
import { mapArray, oneElement } from './array.ts'
import { bytesOfBytea, textOfBytea } from './bytea.ts'
import { maskWhole, ofWhole, starsAs, toNull, type CellMask } from './cell.ts'
import { constantOf } from './constants.ts'
import { redactInteger, redactNumeric } from './numbers.ts'
import type { PlainColumn } from './plain-column.ts'
import { redactString } from './strings.ts'
import { elementOf, familyOf, isStringArray } from './types.ts'
import { bytesOfUuid, textOfUuid } from './uuid.ts'

/** Applies a redactor in the form that the column's type has on the wire; {@link toNull} where it has none. */
export function redactPlain(column: PlainColumn): CellMask {
  const { redactor, type, format, key } = column
  const element = elementOf(type.oid)
  if (element !== undefined) return redactArray(column, element)
  switch (redactor.kind) {
    case 'null':
      return toNull
    case 'full':
      return always(starsAs(type))
    case 'fixed':
      return always(constantOf(redactor.text, type, format))
    case 'hash':
    case 'digits':
    case 'keep-last':
    case 'keep-domain':
  }
  switch (familyOf(type.oid)) {
    case 'string':
      return redactString(column)
    case 'xml':
      // Other digits may name other characters.
      return redactor.kind === 'digits' ? toNull : redactString(column)
    case 'integer':
      return redactInteger(redactor, type, format, key)
    case 'numeric':
      return redactNumeric(redactor, type, format, key)
    case 'uuid':
      return redactor.kind === 'hash' ? hashUuid(format, key) : toNull
    case 'bytea':
      return redactor.kind === 'hash' ? hashBytea(format, key) : toNull
    case 'float':
    case 'bool':
    case 'json':
    case 'jsonb':
    case 'date':
    case 'timestamp':
    case 'array':
    case 'other':
      return toNull
  }
}

function always(value: Buffer | null): CellMask {
  return value === null ? toNull : () => value
}

/** Element by element, or an array of one constant, which tells nothing of how many there were. */
function redactArray(column: PlainColumn, elementOid: number): CellMask {
  const element = redactPlain({ ...column, type: { oid: elementOid, typmod: column.type.typmod } })
  if (element === toNull) return toNull
  const { format, redactor, type } = column
  const isQuoted = isStringArray(type.oid)
  if (redactor.kind === 'full' || redactor.kind === 'fixed') {
    const constant = maskWhole(element, Buffer.alloc(0))
    return constant ? always(oneElement(constant, elementOid, format, isQuoted)) : toNull
  }
  return ofWhole((value) => mapArray(value, format, isQuoted, (one) => maskWhole(element, one) ?? null))
}

const uuidLabel = Buffer.from('uuid\0')
const byteaLabel = Buffer.from('bytea\0')

/** RFC 9562, version 8: what is in it is up to who makes it. */
function hashUuid(format: number, key: Uint8Array): CellMask {
  return ofWhole((value) => {
    const bytes = format === 1 ? value : bytesOfUuid(value.toString('latin1'))
    if (bytes?.length !== 16) return null
    const hash = keyedHash(key, Buffer.concat([uuidLabel, bytes])).subarray(0, 16)
    hash[6] = (hash[6]! & 0x0f) | 0x80
    hash[8] = (hash[8]! & 0x3f) | 0x80
    return format === 1 ? hash : Buffer.from(textOfUuid(hash))
  })
}

function hashBytea(format: number, key: Uint8Array): CellMask {
  return ofWhole((value) => {
    const bytes = format === 1 ? value : bytesOfBytea(value.toString('latin1'))
    if (bytes === undefined) return null
    const hash = keyedHash(key, Buffer.concat([byteaLabel, bytes])).subarray(0, 16)
    return format === 1 ? hash : Buffer.from(textOfBytea(hash))
  })
}
