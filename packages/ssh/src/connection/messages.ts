/**
 * The messages of SSH's connection protocol, and their parts, as bytes.
 * @see RFC 4254, and RFC 4250 section 4.1.2 for the numbers
 */
import { Fault } from '@sallyport/core'

export const message = {
  /** Of the transport, RFC 4253 section 11.3: for the person at the other end. */
  debug: 4,
  globalRequest: 80,
  requestSuccess: 81,
  requestFailure: 82,
  channelOpen: 90,
  channelOpenConfirmation: 91,
  channelOpenFailure: 92,
  channelWindowAdjust: 93,
  channelData: 94,
  channelExtendedData: 95,
  channelEof: 96,
  channelClose: 97,
  channelRequest: 98,
  channelSuccess: 99,
  channelFailure: 100,
} as const

/** Why a channel is not opened. @see RFC 4254 section 5.1 */
export const openFailure = {
  administrativelyProhibited: 1,
  connectFailed: 2,
  unknownChannelType: 3,
  resourceShortage: 4,
} as const

/** The one kind of extended data that is defined. */
export const stderrData = 1

/** Reads the fields of one message. Whatever is missing is a fault of who sent it. */
export class Fields {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  /** @throws Fault client/malformed */
  byte(): number {
    this.#need(1)
    return this.#bytes[this.#at++]!
  }

  boolean(): boolean {
    return this.byte() !== 0
  }

  number(): number {
    this.#need(4)
    const value = this.#bytes.readUInt32BE(this.#at)
    this.#at += 4
    return value
  }

  /** Bytes, as they are. */
  string(): Buffer {
    const length = this.number()
    this.#need(length)
    return this.#bytes.subarray(this.#at, (this.#at += length))
  }

  /** A name of the protocol's own. */
  name(): string {
    return this.string().toString('latin1')
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at)
  }

  #need(count: number): void {
    if (this.#at + count > this.#bytes.length)
      throw new Fault('client/malformed', 'a message of the SSH connection protocol is cut short')
  }
}

export type Field = number | boolean | string | Uint8Array

/** Fields one after the other: numbers as uint32, texts and bytes with their length. */
export function encodeFields(fields: readonly Field[]): Buffer {
  return Buffer.concat(fields.map(encoded))
}

/** A message: its number, its fields, and whatever follows them as it is. */
export function encodeMessage(number: number, fields: readonly Field[], rest?: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(number), ...fields.map(encoded), ...(rest === undefined ? [] : [rest])])
}

function encoded(field: Field): Buffer {
  if (typeof field === 'boolean') return Buffer.of(field ? 1 : 0)
  if (typeof field === 'number') {
    const number = Buffer.allocUnsafe(4)
    number.writeUInt32BE(field)
    return number
  }
  const bytes = typeof field === 'string' ? Buffer.from(field) : field
  const withLength = Buffer.allocUnsafe(4 + bytes.length)
  withLength.writeUInt32BE(bytes.length)
  withLength.set(bytes, 4)
  return withLength
}
