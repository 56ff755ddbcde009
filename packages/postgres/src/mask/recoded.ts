import { utf8, type Encoding } from '../encoding/encoding.ts'
import { recodeArray } from './array.ts'
import { maskWhole, type CellMask, type NewCell } from './cell.ts'
import { familyOf, isStringArray } from './types.ts'

/** A mask, which reads and writes UTF-8, for a column of a result in another encoding. */
export function inEncoding(cell: CellMask, encoding: Encoding, typeOid: number, format: number): CellMask {
  if (encoding === utf8) return cell
  if (format === 0)
    return (bytes, from, to) => recoded(cell, encoding.show(bytes.subarray(from, to)), encoding)
  if (isStringArray(typeOid))
    return (whole, from, to) => {
      const read = recodeArray(whole.subarray(from, to), (bytes) => Buffer.from(encoding.show(bytes)))
      if (read === null) return null
      const next = maskWhole(cell, read)
      return next && recodeArray(next, (bytes) => encoding.encode(bytes.toString('utf8')))
    }
  switch (familyOf(typeOid)) {
    case 'string':
    case 'xml':
    case 'json':
    case 'jsonb': // a byte of its version before the text, which is ASCII
      return (bytes, from, to) => recoded(cell, encoding.show(bytes.subarray(from, to)), encoding)
    default:
      return cell
  }
}

/** What a mask makes of a text that came in this encoding. */
export function recoded(cell: CellMask, text: string, encoding: Encoding): NewCell {
  const next = maskWhole(cell, Buffer.from(text))
  return next && encoding.encode(next.toString('utf8'))
}
