import {
  create,
  fromBinary,
  ScalarType,
  toBinary,
  type DescField,
  type DescMessage,
  type DescService,
} from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chunk, Enrolment, Tunnel, type Service } from './contract.ts'
import { Enrolment as GeneratedEnrolment } from './gen/sallyport/tunnel/v1/enrolment_pb.ts'
import { ChunkSchema, Failure, Tunnel as GeneratedTunnel } from './gen/sallyport/tunnel/v1/tunnel_pb.ts'
import { decodeMessage, encodeMessage, type Field, type MessageTable } from './message.ts'

const services: readonly [Service<DescService>, DescService][] = [
  [Tunnel as unknown as Service<DescService>, GeneratedTunnel],
  [Enrolment as unknown as Service<DescService>, GeneratedEnrolment],
]
const messages: readonly [string, MessageTable, DescMessage][] = services.flatMap(([service, generated]) =>
  Object.values(service.method).flatMap(({ name, input, output }): [string, MessageTable, DescMessage][] => {
    const method = generated.methods.find((one) => one.name === name)!
    return [
      [`what ${name} is asked`, input, method.input],
      [`what ${name} answers`, output, method.output],
    ]
  }),
)

test('services and methods are those of the contract', () => {
  const told = services.map(([{ typeName, method }]) => [
    typeName,
    Object.entries(method).map(([local, { name, kind }]) => [local, name, kind]),
  ])
  const generated = services.map(([, { typeName, methods }]) => [
    typeName,
    methods.map(({ localName, name, methodKind }) => [localName, name, methodKind]),
  ])
  expect(told).toEqual(generated)
})

describe.each(messages)('%s', (_, table, schema) => {
  test('has the fields of the contract', () => expect(shapeOf(table)).toEqual(generatedShapeOf(schema)))

  test('has the bytes that protobuf-es writes, and is read as protobuf-es reads it', () => {
    fc.assert(
      fc.property(anyOf(table), (message) => {
        const bytes = Buffer.from(toBinary(schema, create(schema, message as never)))
        expect(encodeMessage(table, message)).toEqual(bytes)
        expect(decodeMessage(table, bytes)).toEqual(plain(fromBinary(schema, bytes)))
      }),
    )
  })

  test('whatever comes is read as protobuf-es reads it, or refused by both', () => {
    const pieces = fc.oneof(
      anyOf(table).map((it) => encodeMessage(table, it)),
      fc.uint8Array({ maxLength: 12 }),
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 4 }), (parts) => {
        const bytes = Buffer.concat(parts)
        expect(orRefused(() => decodeMessage(table, bytes))).toEqual(
          orRefused(() => plain(fromBinary(schema, bytes))),
        )
      }),
      { numRuns: 2_000 },
    )
  })
})

test('what a newer peer sends besides is skipped, and what is cut off is refused', () => {
  const data = encodeMessage(chunk, { frame: { case: 'data', value: Buffer.from('abc') } })
  const newer = Buffer.concat([Buffer.from([0x7a, 2, 1, 2]), data])
  expect(decodeMessage(chunk, newer)).toEqual(plain(fromBinary(ChunkSchema, data)))
  const reset = encodeMessage(chunk, { frame: { case: 'reset', value: { failure: Failure.CLOSED } } })
  for (const bytes of [data, reset])
    for (let cut = 1; cut < bytes.length; cut++)
      expect(orRefused(() => decodeMessage(chunk, bytes.subarray(0, cut)))).toBe('refused')
})

function orRefused(read: () => unknown): unknown {
  try {
    return read()
  } catch {
    return 'refused'
  }
}

interface Shape {
  readonly name: string
  readonly fields: readonly unknown[]
}

function shapeOf({ name, fields }: MessageTable): Shape {
  const own = fields.map(({ number, name: field, type, oneof, isOptional }) => ({
    number,
    name: field,
    type: typeof type === 'object' ? shapeOf(type) : type,
    oneof,
    isOptional: isOptional === true,
  }))
  return { name, fields: own.toSorted((one, other) => one.number - other.number) }
}

function generatedShapeOf({ typeName, fields }: DescMessage): Shape {
  const own = fields.map((field) => ({
    number: field.number,
    name: field.localName,
    type: typeOf(field),
    oneof: field.oneof?.localName,
    isOptional: field.proto.proto3Optional,
  }))
  return { name: typeName, fields: own.toSorted((one, other) => one.number - other.number) }
}

function typeOf(field: DescField): unknown {
  if (field.fieldKind === 'message') return generatedShapeOf(field.message)
  if (field.fieldKind === 'scalar') return ScalarType[field.scalar].toLowerCase()
  return field.fieldKind
}

/** Any message of a table, some of its fields left out. */
function anyOf({ fields }: MessageTable): fc.Arbitrary<object> {
  const plainFields = fields.filter(({ oneof }) => oneof === undefined)
  const cases = Map.groupBy(
    fields.filter(({ oneof }) => oneof !== undefined),
    ({ oneof }) => oneof!,
  )
  const oneofs = [...cases].map(([oneof, choices]): [string, fc.Arbitrary<object>] => [
    oneof,
    fc.oneof(...choices.map((it) => valueOf(it).map((value) => ({ case: it.name, value })))),
  ])
  const known = Object.fromEntries([
    ...plainFields.map((field): [string, fc.Arbitrary<unknown>] => [field.name, valueOf(field)]),
    ...oneofs,
  ])
  return fc.record(known, { requiredKeys: [] })
}

function valueOf({ type }: Field): fc.Arbitrary<unknown> {
  if (typeof type === 'object') return anyOf(type)
  switch (type) {
    case 'bytes':
      return fc.uint8Array()
    case 'string':
      return fc.string({ unit: 'grapheme' })
    case 'uint32':
      return fc.nat(0xffff_ffff)
    case 'enum':
      return fc.nat(9)
    case 'uint64':
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
  }
}

/** What protobuf-es read, without its own marks. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== '$typeName' && key !== '$unknown')
      .map(([key, each]) => [key, plain(each)]),
  )
}
