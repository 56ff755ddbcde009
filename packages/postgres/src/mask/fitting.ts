import type { ValueType } from '../catalog/snapshot.ts'
import { type } from './types.ts'

/** NAMEDATALEN, less the byte of its end. */
const nameBytes = 63
/** In front of a length, in a modifier. @see PostgreSQL c.h, VARHDRSZ */
const headerBytes = 4

/** How many characters a type of strings has room for; undefined where any number. */
export function roomOf({ oid, typmod }: ValueType): number | undefined {
  if (oid === type.name) return nameBytes
  const isBounded = (oid === type.varchar || oid === type.bpchar) && typmod >= headerBytes
  return isBounded ? typmod - headerBytes : undefined
}

/** Cuts texts to what the type has room for, as a cast to it does. */
export function fitting(of: ValueType): (text: string) => string {
  const room = roomOf(of)
  if (room === undefined) return (text) => text
  if (of.oid === type.name) return nameOf
  return (text) => (text.length <= room ? text : Array.from(text).slice(0, room).join(''))
}

function nameOf(text: string): string {
  let cut = text
  while (Buffer.byteLength(cut) > nameBytes) cut = Array.from(cut).slice(0, -1).join('')
  return cut
}
