import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { ChunkSchema, Failure } from '@sallyport/proto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ChunkReader, dataHead, encodeData, encodeSign, type Frame, type Sign } from './chunk.ts'

const bytesOfManySizes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.constantFrom(0, 127, 128, 16_383, 16_384, 70_000).map((size) => new Uint8Array(size).fill(7)),
)
const signs: fc.Arbitrary<Sign> = fc.oneof(
  fc.constant({ kind: 'fin' } as const),
  fc.constantFrom(...Object.values(Failure)).map((failure) => ({ kind: 'reset', failure }) as const),
  fc.uint8Array({ maxLength: 32 }).map((ticket) => ({ kind: 'ticket', ticket }) as const),
)
const frames: fc.Arbitrary<Frame> = fc.oneof(
  bytesOfManySizes.map((bytes) => Buffer.from(bytes)),
  signs,
)

test('the bytes are those of gRPC and protocol buffers', () => {
  fc.assert(
    fc.property(frames, (frame) => {
      const message = prefixed(toBinary(ChunkSchema, create(ChunkSchema, messageOf(frame))))
      expect(encoded(frame).equals(message)).toBe(true)
    }),
  )
  fc.assert(
    fc.property(bytesOfManySizes, (bytes) => {
      expect(Buffer.concat([dataHead(bytes.length), bytes]).equals(encoded(Buffer.from(bytes)))).toBe(true)
    }),
  )
})

test('reading gives back what was written, however it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(frames, { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 400 })),
      (all, cuts) => {
        expect(joined(read(Buffer.concat(all.map(encoded)), cuts))).toEqual(joined(all))
      },
    ),
  )
})

test('data comes back as views of what was read, before all of it is here', () => {
  const bytes = encoded(Buffer.alloc(40_000, 1))
  const seen: Buffer[] = []
  new ChunkReader().push(bytes.subarray(0, 30_000), (frame) => seen.push(frame as Buffer))
  expect(seen).toHaveLength(1)
  expect(seen[0]!.buffer).toBe(bytes.buffer)
  expect(seen[0]!.length).toBeGreaterThan(29_980)
})

test('any message is what protocol buffers makes of it, or refused by both, however it is cut', () => {
  const tagged = fc.tuple(fc.constantFrom(0x0a, 0x12, 0x1a, 0x22, 0x2a), fc.uint8Array({ maxLength: 20 }))
  const hostile = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 40 }),
    tagged.map(([tag, rest]) => Uint8Array.from([tag, ...rest])),
    fc
      .tuple(frames, frames)
      .map(([a, b]) => Buffer.concat([encoded(a), encoded(b)].map((one) => one.subarray(5)))),
  )
  fc.assert(
    fc.property(hostile, fc.array(fc.integer({ min: 1, max: 9 })), (raw, cuts) => {
      expect(orRefused(() => joined(read(prefixed(raw), cuts)))).toEqual(
        orRefused(() => joined([byProtobuf(Buffer.from(raw))])),
      )
    }),
    { numRuns: 2_000 },
  )
})

test('compressed, empty and oversized messages are refused by their head', () => {
  const reader = (): ((bytes: number[]) => void) => {
    const chunks = new ChunkReader()
    return (bytes) => chunks.push(Buffer.from(bytes), () => {})
  }
  expect(() => reader()([1, 0, 0, 0, 2, 0x0a])).toThrow('compressed')
  expect(() => reader()([0, 0, 0, 0, 0, 0])).toThrow('without a frame')
  expect(() => reader()([0, 0xff, 0xff, 0xff, 0xff, 0x12])).toThrow('4294967295 bytes')
})

function encoded(frame: Frame): Buffer {
  return Buffer.isBuffer(frame) ? encodeData([frame], frame.length) : encodeSign(frame)
}

function prefixed(bytes: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([prefix, bytes])
}

function read(bytes: Buffer, cuts: readonly number[]): Frame[] {
  const reader = new ChunkReader()
  const seen: Frame[] = []
  let at = 0
  for (const cut of cuts) {
    reader.push(bytes.subarray(at, at + cut), (frame) => seen.push(frame))
    at += cut
  }
  reader.push(bytes.subarray(at), (frame) => seen.push(frame))
  return seen
}

/** As words, with the pieces of data that follow each other in one. */
function joined(all: readonly Frame[]): string[] {
  const words: string[] = []
  let data: Buffer[] | undefined
  for (const frame of [...all, undefined]) {
    if (Buffer.isBuffer(frame)) {
      ;(data ??= []).push(frame)
      continue
    }
    if (data !== undefined) words.push(`data ${Buffer.concat(data).toString('hex')}`)
    data = undefined
    if (frame !== undefined) words.push(said(frame))
  }
  return words
}

function messageOf(frame: Frame): MessageInitShape<typeof ChunkSchema> {
  if (Buffer.isBuffer(frame)) return { frame: { case: 'data', value: frame } }
  if (frame.kind === 'fin') return { frame: { case: 'fin', value: {} } }
  if (frame.kind === 'reset') return { frame: { case: 'reset', value: { failure: frame.failure } } }
  return { frame: { case: 'ticket', value: frame.ticket } }
}

function said(sign: Sign): string {
  if (sign.kind === 'fin') return 'fin'
  if (sign.kind === 'reset') return `reset ${sign.failure}`
  return `ticket ${Buffer.from(sign.ticket).toString('hex')}`
}

function byProtobuf(bytes: Buffer): Frame {
  const { frame } = fromBinary(ChunkSchema, bytes)
  if (frame.case === 'data') return Buffer.from(frame.value)
  if (frame.case === 'ticket') return { kind: 'ticket', ticket: frame.value }
  if (frame.case === 'fin') return { kind: 'fin' }
  if (frame.case === 'reset') return { kind: 'reset', failure: frame.value.failure }
  throw new RangeError('no frame')
}

function orRefused<T>(read: () => T): T | 'refused' {
  try {
    return read()
  } catch {
    return 'refused'
  }
}
