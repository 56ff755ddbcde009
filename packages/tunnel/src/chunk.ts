import type { MessageInitShape } from '@bufbuild/protobuf'
import {
  chunk,
  decodeMessage,
  encodeMessage,
  type Chunk,
  type ChunkSchema,
  type Failure,
} from '@sallyport/proto'
import { maxMessageBytes } from './limits.ts'

/** What is neither data nor a part of it. */
export type Sign =
  | { readonly kind: 'fin' }
  | { readonly kind: 'reset'; readonly failure: Failure }
  | { readonly kind: 'ticket'; readonly ticket: Uint8Array }

/** A piece of a carried connection's data as bare bytes, however the sender cut it, or a sign. */
export type Frame = Buffer | Sign

/**
 * The head of a gRPC message that is a `Chunk` of so many bytes of data, which follow it as they are.
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Length-Prefixed-Message
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export function dataHead(size: number): Buffer {
  const head = Buffer.allocUnsafe(prefixBytes + 1 + varintBytes(size))
  writeDataHead(head, size)
  return head
}

/** A whole gRPC message of data. hot path: one allocation and one copy. */
export function encodeData(parts: readonly Buffer[], size: number): Buffer {
  const message = Buffer.allocUnsafe(prefixBytes + 1 + varintBytes(size) + size)
  let at = writeDataHead(message, size)
  for (const part of parts) at += part.copy(message, at)
  return message
}

/** A whole gRPC message of a sign. */
export function encodeSign(sign: Sign): Buffer {
  const message = encodeMessage(chunk, messageOf(sign))
  const prefix = Buffer.alloc(prefixBytes)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

/**
 * Reads the gRPC messages of one call, however its bytes are cut. Data goes by in views of what came, without waiting for the
 * rest of its message. Sans-IO.
 */
export class ChunkReader {
  /** The head of a message, as far as it is here. */
  readonly #head = Buffer.alloc(prefixBytes + 1 + maxVarintBytes)
  #headLength = 0
  /** Bytes of data still to come. */
  #dataLeft = 0
  /** A message that is not just data, as far as it is here, and its length. */
  #rest: Buffer[] = []
  #restLength = 0
  #restWanted = 0

  /**
   * hot path: no copy.
   * @throws Error for bytes that are no such messages; nothing may be read after that
   */
  push(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#dataLeft > 0) {
        const end = Math.min(at + this.#dataLeft, chunk.length)
        this.#dataLeft -= end - at
        onFrame(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end))
        at = end
      } else if (this.#restWanted > 0) {
        const end = Math.min(at + this.#restWanted - this.#restLength, chunk.length)
        this.#collect(chunk.subarray(at, end), onFrame)
        at = end
      } else {
        this.#head[this.#headLength++] = chunk[at++]!
        if (this.#headLength > prefixBytes) this.#readHead(onFrame)
      }
    }
  }

  /** With each byte behind the prefix: is it known what kind of message this is? */
  #readHead(onFrame: (frame: Frame) => void): void {
    const head = this.#head
    const length = head.readUInt32BE(1)
    if (head[0] !== 0) throw new RangeError('a compressed message, which nobody asked for')
    if (length === 0) throw new RangeError('a chunk without a frame')
    if (length > maxMessageBytes)
      throw new RangeError(`a message of ${length} bytes, where ${maxMessageBytes} are the most`)
    const have = this.#headLength - prefixBytes
    if (head[prefixBytes] === dataTag) {
      const goesOn = have === 1 || head[this.#headLength - 1]! >= 0x80
      if (goesOn && have < length && this.#headLength < head.length) return
      const size = this.#varint()
      if (size !== undefined && have + size === length) {
        this.#headLength = 0
        this.#dataLeft = size
        if (size === 0) onFrame(noBytes)
        return
      }
    }
    // Anything but exactly one field of data is left to the real parser.
    const begun = Buffer.from(head.subarray(prefixBytes, this.#headLength))
    this.#headLength = 0
    this.#restWanted = length
    this.#collect(begun, onFrame)
  }

  /** The length of the data, once all of it is here and it is one. */
  #varint(): number | undefined {
    let value = 0
    for (let at = prefixBytes + 1, shift = 0; at < this.#headLength; at++, shift += 7) {
      const byte = this.#head[at]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return at === this.#headLength - 1 && shift < 28 ? value : undefined
    }
    return undefined
  }

  #collect(bytes: Buffer, onFrame: (frame: Frame) => void): void {
    this.#rest.push(bytes)
    this.#restLength += bytes.length
    if (this.#restLength < this.#restWanted) return
    const message = Buffer.concat(this.#rest)
    this.#rest = []
    this.#restLength = 0
    this.#restWanted = 0
    onFrame(decode(message))
  }
}

const noBytes = Buffer.alloc(0)
/** Not compressed (one byte), and the message's length (four, big-endian). */
const prefixBytes = 5
const maxVarintBytes = 5
/** Field 1, length-delimited. */
const dataTag = 0x0a

function varintBytes(size: number): number {
  return size < 0x80 ? 1 : size < 0x4000 ? 2 : size < 0x20_0000 ? 3 : size < 0x1000_0000 ? 4 : 5
}

/** @returns where the data begins */
function writeDataHead(to: Buffer, size: number): number {
  const end = prefixBytes + 1 + varintBytes(size)
  to[0] = 0
  to.writeUInt32BE(end - prefixBytes + size, 1)
  to[prefixBytes] = dataTag
  let rest = size
  for (let at = prefixBytes + 1; at < end - 1; at++, rest >>>= 7) to[at] = (rest & 0x7f) | 0x80
  to[end - 1] = rest
  return end
}

function messageOf(sign: Sign): MessageInitShape<typeof ChunkSchema> {
  switch (sign.kind) {
    case 'fin':
      return { frame: { case: 'fin', value: {} } }
    case 'reset':
      return { frame: { case: 'reset', value: { failure: sign.failure } } }
    case 'ticket':
      return { frame: { case: 'ticket', value: sign.ticket } }
  }
}

function decode(message: Buffer): Frame {
  // What its table reads has its type.
  const { frame } = decodeMessage(chunk, message) as Chunk
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
