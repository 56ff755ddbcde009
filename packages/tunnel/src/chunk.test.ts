import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { ChunkSchema, Failure } from '@sallyport/proto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chunkCodec, type Frame } from './chunk.ts'

const { encode, decode } = chunkCodec
const bytesOfManySizes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.constantFrom(0, 127, 128, 16_383, 16_384, 70_000).map((size) => new Uint8Array(size).fill(7)),
)
const frames: fc.Arbitrary<Frame> = fc.oneof(
  bytesOfManySizes.map((bytes) => Buffer.from(bytes)),
  fc.constant({ kind: 'fin' } as const),
  fc.constantFrom(...Object.values(Failure)).map((failure) => ({ kind: 'reset', failure }) as const),
  fc.uint8Array({ maxLength: 32 }).map((ticket) => ({ kind: 'ticket', ticket }) as const),
)

test('the bytes are those of protocol buffers', () => {
  fc.assert(
    fc.property(frames, (frame) => {
      expect(encode(frame).equals(toBinary(ChunkSchema, create(ChunkSchema, message(frame))))).toBe(true)
    }),
  )
})

test('decoding gives back what was encoded', () => {
  fc.assert(
    fc.property(frames, (frame) => {
      expect(said(decode(encode(frame)))).toBe(said(frame))
    }),
  )
})

test('data comes back as a view of what was read', () => {
  const bytes = encode(Buffer.alloc(40_000, 1))
  expect((decode(bytes) as Buffer).buffer).toBe(bytes.buffer)
})

test('any bytes decode to what protocol buffers makes of them, or are refused by both', () => {
  const tagged = fc.tuple(fc.constantFrom(0x0a, 0x12, 0x1a, 0x22, 0x2a), fc.uint8Array({ maxLength: 20 }))
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    tagged.map(([tag, rest]) => Uint8Array.from([tag, ...rest])),
    fc.tuple(frames, frames).map(([a, b]) => Buffer.concat([encode(a), encode(b)])),
  )
  fc.assert(
    fc.property(hostile, (raw) => {
      const bytes = Buffer.from(raw)
      expect(orRefused(() => said(decode(bytes)))).toBe(orRefused(() => saidByProtobuf(bytes)))
    }),
    { numRuns: 2_000 },
  )
})

function message(frame: Frame): MessageInitShape<typeof ChunkSchema> {
  if (Buffer.isBuffer(frame)) return { frame: { case: 'data', value: frame } }
  if (frame.kind === 'fin') return { frame: { case: 'fin', value: {} } }
  if (frame.kind === 'reset') return { frame: { case: 'reset', value: { failure: frame.failure } } }
  return { frame: { case: 'ticket', value: frame.ticket } }
}

function said(frame: Frame): string {
  if (Buffer.isBuffer(frame)) return `data ${frame.toString('hex')}`
  if (frame.kind === 'fin') return 'fin'
  if (frame.kind === 'reset') return `reset ${frame.failure}`
  return `ticket ${Buffer.from(frame.ticket).toString('hex')}`
}

function saidByProtobuf(bytes: Buffer): string {
  const { frame } = fromBinary(ChunkSchema, bytes)
  if (frame.case === 'data' || frame.case === 'ticket')
    return `${frame.case} ${Buffer.from(frame.value).toString('hex')}`
  if (frame.case === 'fin') return 'fin'
  if (frame.case === 'reset') return `reset ${frame.value.failure}`
  throw new RangeError('no frame')
}

function orRefused(read: () => string): string {
  try {
    return read()
  } catch {
    return 'refused'
  }
}
