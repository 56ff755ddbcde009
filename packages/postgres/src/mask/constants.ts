import type { ValueType } from '../catalog/snapshot.ts'
import { bytesOfBytea, textOfBytea } from './bytea.ts'
import { fitting } from './fitting.ts'
import { integerAsBytes, integerIn } from './numbers.ts'
import { boundsOf, bytesOfNumeric } from './numeric.ts'
import { familyOf, integerBytes, type as types } from './types.ts'
import { bytesOfUuid, textOfUuid } from './uuid.ts'

/** The constant of the redactor `fixed` as a value of the type, in its wire form; null where it is none. */
export function constantOf(text: string, type: ValueType, format: number): Buffer | null {
  const written = writtenIn(text, type)
  if (written === undefined) return null
  return format === 0 || written.binary === undefined ? Buffer.from(written.text) : written.binary
}

interface Written {
  readonly text: string
  /** Absent where it is the text. */
  readonly binary?: Buffer
}

function writtenIn(text: string, type: ValueType): Written | undefined {
  switch (familyOf(type.oid)) {
    case 'string':
      return { text: fitting(type)(text) }
    case 'xml':
      return /[<&]/.test(text) ? undefined : { text }
    case 'integer':
      return asInteger(text, type)
    case 'numeric':
      return asNumeric(text, type)
    case 'float':
      return asFloat(text, type)
    case 'bool':
      return asBool(text)
    case 'json':
      return isJson(text) ? { text } : undefined
    case 'jsonb':
      // jsonb holds no NUL, and begins with its version in binary.
      return isJson(text) && !text.includes('\\u0000')
        ? { text, binary: Buffer.from(`\x01${text}`) }
        : undefined
    case 'uuid':
      return asUuid(text)
    case 'bytea':
      return asBytea(text)
    case 'date':
      return asDate(text)
    case 'timestamp':
      return asTimestamp(text, type)
    case 'array':
    case 'other':
      return undefined
  }
}

function asInteger(text: string, { oid }: ValueType): Written | undefined {
  const width = integerBytes(oid)
  const value = integerIn(text, width)
  return value === undefined ? undefined : { text: String(value), binary: integerAsBytes(value, width) }
}

/** Rounds nothing: what has more digits than the type is no value of it. */
function asNumeric(text: string, { typmod }: ValueType): Written | undefined {
  const [, sign = '', whole = '', rest = ''] = /^(-?)0*(\d+)(?:\.(\d+))?$/.exec(text) ?? []
  if (whole === '') return undefined
  const { precision, scale } = boundsOf(typmod) ?? { precision: Infinity, scale: rest.length }
  if (rest.length > Math.max(scale, 0)) return undefined
  const unit = '0'.repeat(Math.max(-scale, 0))
  if (whole !== '0' && !whole.endsWith(unit)) return undefined
  const digits = (whole + rest.padEnd(scale, '0')).replace(/^0+/, '')
  if (digits.length - unit.length > precision) return undefined
  const shown = scale > 0 ? `${whole}.${rest.padEnd(scale, '0')}` : whole
  const signed = /[1-9]/.test(shown) ? sign + shown : shown
  return { text: signed, binary: bytesOfNumeric(signed) }
}

function asFloat(text: string, { oid }: ValueType): Written | undefined {
  const isSingle = oid === types.float4
  const value = isSingle ? Math.fround(Number(text)) : Number(text)
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) || !Number.isFinite(value)) return undefined
  const binary = Buffer.alloc(isSingle ? 4 : 8)
  if (isSingle) binary.writeFloatBE(value)
  else binary.writeDoubleBE(value)
  return { text, binary }
}

function asBool(text: string): Written | undefined {
  if (/^(?:t|true)$/i.test(text)) return { text: 't', binary: Buffer.from([1]) }
  return /^(?:f|false)$/i.test(text) ? { text: 'f', binary: Buffer.from([0]) } : undefined
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function asUuid(text: string): Written | undefined {
  const binary = bytesOfUuid(text)
  return binary && { text: textOfUuid(binary), binary }
}

/** `\x` and hexadecimal digits, or a text for its bytes. */
function asBytea(text: string): Written | undefined {
  const binary = text.startsWith('\\x') ? bytesOfBytea(text) : Buffer.from(text)
  return binary && { text: textOfBytea(binary), binary }
}

function asDate(text: string): Written | undefined {
  const { days } = momentIn(text) ?? {}
  if (days === undefined || text.length > dateLength) return undefined
  const binary = Buffer.alloc(4)
  binary.writeInt32BE(days)
  return { text, binary }
}

/** With a time zone it is one of UTC. */
function asTimestamp(text: string, { oid }: ValueType): Written | undefined {
  const moment = momentIn(text)
  if (moment === undefined) return undefined
  const time = text.slice(dateLength + 1) || '00:00'
  const seconds = time.length === 5 ? ':00' : ''
  const zone = oid === types.timestamptz ? '+00' : ''
  const binary = Buffer.alloc(8)
  binary.writeBigInt64BE(BigInt(moment.days) * 86_400_000_000n + moment.micros)
  return { text: `${text.slice(0, dateLength)} ${time}${seconds}${zone}`, binary }
}

const dateLength = '2000-01-01'.length
const firstDay = Date.UTC(2000, 0, 1)
const dayMs = 86_400_000

/** `2000-01-31`, `2000-01-31 12:00` or `2000-01-31 12:00:00.5`: days since the year 2000, and the time. */
function momentIn(text: string): { readonly days: number; readonly micros: bigint } | undefined {
  const [, date, hour = '0', minute = '0', second = '0', part = ''] =
    /^(\d{4}-\d\d-\d\d)(?:[ T]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6}))?)?)?$/.exec(text) ?? []
  const day = date === undefined ? undefined : new Date(`${date}T00:00:00Z`)
  // Of the 30th of February the one becomes the 1st of March, the other no date.
  if (day === undefined || Number.isNaN(day.getTime()) || !day.toISOString().startsWith(date!))
    return undefined
  if (date!.startsWith('0000')) return undefined
  const micros = BigInt((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1_000_000n
  return { days: (day.getTime() - firstDay) / dayMs, micros: micros + BigInt(part.padEnd(6, '0')) }
}
