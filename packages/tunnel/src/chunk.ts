import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { ChunkSchema, type Codec, type Failure } from '@sallyport/proto'

/** One frame of a carried connection. Data is the bare bytes, so that the hot path wraps nothing. */
export type Frame =
  | Buffer
  | { readonly kind: 'fin' }
  | { readonly kind: 'reset'; readonly failure: Failure }
  | { readonly kind: 'ticket'; readonly ticket: Uint8Array }

/**
 * Writes and reads the protocol buffers message `Chunk`: the same bytes, but data goes by with one copy, and comes back as a view.
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export const chunkCodec: Codec<Frame> = { encode, decode }

// hot path: one allocation and one copy a frame.
function encode(frame: Frame): Buffer {
  if (!Buffer.isBuffer(frame)) return encodeRare(frame)
  const size = frame.length
  const head = 1 + (size < 0x80 ? 1 : size < 0x4000 ? 2 : size < 0x20_0000 ? 3 : size < 0x1000_0000 ? 4 : 5)
  const bytes = Buffer.allocUnsafe(head + size)
  bytes[0] = dataTag
  let rest = size
  for (let at = 1; at < head - 1; at++, rest >>>= 7) bytes[at] = (rest & 0x7f) | 0x80
  bytes[head - 1] = rest
  frame.copy(bytes, head)
  return bytes
}

// hot path: no copy.
function decode(bytes: Buffer): Frame {
  if (bytes[0] === dataTag) {
    let size = 0
    for (let at = 1; at <= 4; at++) {
      const byte = bytes[at]
      if (byte === undefined) break
      size |= (byte & 0x7f) << (7 * (at - 1))
      if (byte < 0x80) {
        // Anything but exactly one field of data is left to the real parser.
        if (at + 1 + size === bytes.length) return bytes.subarray(at + 1)
        break
      }
    }
  }
  return decodeRare(bytes)
}

/** Field 1, length-delimited. */
const dataTag = 0x0a

function encodeRare(frame: Exclude<Frame, Buffer>): Buffer {
  return Buffer.from(toBinary(ChunkSchema, create(ChunkSchema, messageOf(frame))))
}

function messageOf(frame: Exclude<Frame, Buffer>): MessageInitShape<typeof ChunkSchema> {
  switch (frame.kind) {
    case 'fin':
      return { frame: { case: 'fin', value: {} } }
    case 'reset':
      return { frame: { case: 'reset', value: { failure: frame.failure } } }
    case 'ticket':
      return { frame: { case: 'ticket', value: frame.ticket } }
  }
}

function decodeRare(bytes: Buffer): Frame {
  const { frame } = fromBinary(ChunkSchema, bytes)
  switch (frame.case) {
    case 'data':
      return Buffer.from(frame.value.buffer, frame.value.byteOffset, frame.value.byteLength)
    case 'fin':
      return { kind: 'fin' }
    case 'reset':
      return { kind: 'reset', failure: frame.value.failure }
    case 'ticket':
      return { kind: 'ticket', ticket: frame.value }
    case undefined:
      throw new RangeError('a chunk without a frame')
  }
}
