import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/**
 * Messages of the contract by tables. protobuf-es would describe them to itself at every start, with all of protobuf's own
 * descriptors: 9 MB and 50 ms of an agent's, for a dozen small messages. The tables stand for the same types, and tests hold them
 * against what protobuf-es generates, name by name and byte by byte.
 */
export interface MessageTable {
  readonly name: string
  readonly fields: readonly Field[]
}

export interface Field {
  readonly number: number
  readonly name: string
  readonly type: ScalarType | MessageTable
  /** The oneof that it is a case of. */
  readonly oneof?: string
  /** `optional`: absent is not the same as empty. */
  readonly isOptional?: true
}

export type ScalarType = 'bytes' | 'string' | 'uint32' | 'uint64' | 'enum'

/** As protobuf-es has it: a oneof is `{ case, value }`; what is absent has its type's empty value. */
type Message = Record<string, unknown>
interface Case {
  readonly case?: string
  readonly value?: unknown
}

/** @throws Error for a value that its field cannot hold */
export function encodeMessage(table: MessageTable, message: object): Buffer {
  const writer = new BinaryWriter()
  write(writer, table, message as Message)
  const bytes = writer.finish()
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * Exactly as protobuf-es reads it, also what no peer of ours would write. Fields that the table does not know are skipped: a newer
 * peer may send them.
 * @throws Error for bytes that are no such message
 */
export function decodeMessage(table: MessageTable, bytes: Uint8Array): object {
  return read(new BinaryReader(bytes), bytes.length, table, empty(table))
}

function write(writer: BinaryWriter, table: MessageTable, message: Message): void {
  for (const field of table.fields) {
    const value = valueToWrite(field, message)
    if (value === undefined) continue
    writer.tag(field.number, wireTypeOf(field))
    if (typeof field.type === 'object') {
      writer.fork()
      write(writer, field.type, value as Message)
      writer.join()
    } else scalars[field.type].write(writer, value as never)
  }
}

/** Undefined for what is not written: another case of its oneof, absent, or empty and not a case. */
function valueToWrite({ name, oneof, isOptional, type }: Field, message: Message): unknown {
  if (oneof !== undefined) {
    const chosen = message[oneof] as Case | undefined
    return chosen?.case === name ? chosen.value : undefined
  }
  const value = message[name]
  const isLeftOut = isOptional !== true && typeof type === 'string' && scalars[type].isEmpty(value as never)
  return isLeftOut ? undefined : value
}

function read(reader: BinaryReader, end: number, table: MessageTable, message: Message): Message {
  while (reader.pos < end) {
    const [number, wireType] = reader.tag()
    const field = table.fields.find((one) => one.number === number)
    if (field === undefined) {
      reader.skip(wireType, number)
      continue
    }
    const value = readValue(reader, field, message)
    if (field.oneof === undefined) message[field.name] = value
    else message[field.oneof] = { case: field.name, value }
  }
  return message
}

function readValue(reader: BinaryReader, { name, oneof, type }: Field, message: Message): unknown {
  if (typeof type === 'string') return scalars[type].read(reader)
  const length = reader.uint32()
  const end = reader.pos + length
  if (end > reader.len) throw new Error(`${type.name} is cut off`)
  // A message that comes twice is one, by protobuf's rules.
  const before = oneof === undefined ? { case: name, value: message[name] } : (message[oneof] as Case)
  const begun = before.case === name ? (before.value as Message | undefined) : undefined
  return read(reader, end, type, begun ?? empty(type))
}

function empty(table: MessageTable): Message {
  const message: Message = {}
  for (const { name, oneof, isOptional, type } of table.fields)
    if (oneof !== undefined) message[oneof] = { case: undefined }
    else if (typeof type === 'string' && isOptional !== true) message[name] = scalars[type].empty()
  return message
}

function wireTypeOf({ type }: Field): WireType {
  return typeof type === 'object' ? WireType.LengthDelimited : scalars[type].wireType
}

interface Scalar<T> {
  readonly wireType: WireType
  empty(): T
  isEmpty(value: T | undefined): boolean
  write(writer: BinaryWriter, value: T): void
  read(reader: BinaryReader): T
}

const number = {
  wireType: WireType.Varint,
  empty: () => 0,
  isEmpty: (value: number | undefined) => value === undefined || value === 0,
}

const scalars = {
  bytes: {
    wireType: WireType.LengthDelimited,
    empty: () => new Uint8Array(0),
    isEmpty: (value) => value === undefined || value.length === 0,
    write: (writer, value) => void writer.bytes(value),
    read: (reader) => reader.bytes(),
  } satisfies Scalar<Uint8Array>,
  string: {
    wireType: WireType.LengthDelimited,
    empty: () => '',
    isEmpty: (value) => value === undefined || value === '',
    write: (writer, value) => void writer.string(value),
    read: (reader) => reader.string(true), // only UTF-8 is a string
  } satisfies Scalar<string>,
  uint32: {
    ...number,
    write: (writer, value) => void writer.uint32(value),
    read: (reader) => reader.uint32(),
  } satisfies Scalar<number>,
  enum: {
    ...number,
    write: (writer, value) => void writer.int32(value),
    read: (reader) => reader.int32(),
  } satisfies Scalar<number>,
  uint64: {
    wireType: WireType.Varint,
    empty: () => 0n,
    isEmpty: (value) => value === undefined || value === 0n,
    write: (writer, value) => void writer.uint64(value),
    read: (reader) => BigInt(reader.uint64()),
  } satisfies Scalar<bigint>,
}
