/**
 * What of ssh2 has no public name. It does the transport and the authentication (RFC 4253, RFC 4252); from then on the messages
 * of the connection protocol come to us as they are. The one file that knows its insides.
 */
import utils from 'ssh2/lib/protocol/utils.js'
import type { Duplex } from 'node:stream'
import { socketBacklogBytes } from '../limits.ts'
import type { Line } from '../connection/channel.ts'
import type { ClientConnection } from './client.ts'
import type { ServerConnection } from './server.ts'

interface PacketWriter {
  readonly allocStart: number
  readonly allocStartKEX: number
  alloc(size: number, force?: boolean): Buffer
  finalize(packet: Buffer, force?: boolean): Buffer
}

type TakePayload = (payload: Buffer) => unknown

interface Protocol {
  _onPayload: TakePayload
  readonly _onPacket: () => void
  readonly _decipher: { _onPayload: TakePayload }
  readonly _packetRW: { readonly write: PacketWriter }
  /** Gone once it is of no more use. */
  readonly _destruct: unknown
}

interface Insides {
  readonly _protocol: Protocol
  readonly _sock: Duplex
}

/** The messages of the connection protocol: RFC 4250 section 4.1.1. */
const firstNumber = 80
const lastNumber = 127

/** An authenticated connection of ssh2, whose channels are ours. */
export class Transport implements Line {
  readonly #protocol: Protocol
  readonly #socket: Duplex

  /** To be called as soon as it is authenticated, before it reads another message. */
  constructor(connection: ServerConnection | ClientConnection, take: (payload: Buffer) => void) {
    const { _protocol: protocol, _sock: socket } = connection as unknown as Insides
    this.#protocol = protocol
    this.#socket = socket
    const inner = protocol._onPayload
    const outer = (payload: Buffer): unknown => {
      const number = payload[0] ?? 0
      if (number < firstNumber || number > lastNumber) return inner(payload)
      protocol._onPacket()
      take(payload)
      return undefined
    }
    // The one that reads now, and whichever follows a change of keys.
    protocol._onPayload = outer
    protocol._decipher._onPayload = outer
  }

  get isFull(): boolean {
    return this.#socket.writableLength > socketBacklogBytes
  }

  // hot path
  send(payload: Buffer): void {
    const protocol = this.#protocol
    if (protocol._destruct === undefined) return
    const { write } = protocol._packetRW
    const start = write.allocStart
    const packet = write.alloc(payload.length)
    packet.set(payload, start)
    utils.sendPacket(protocol, write.finalize(packet))
  }
}

/** Ends a connection with words, which OpenSSH's client shows. @see RFC 4253 section 11.1 */
export function disconnect(connection: ServerConnection | ClientConnection, words: string): void {
  const { _protocol: protocol, _sock: socket } = connection as unknown as Insides
  if (protocol._destruct !== undefined && socket.writable) {
    const text = Buffer.from(words)
    const { write } = protocol._packetRW
    const start = write.allocStartKEX
    const packet = write.alloc(13 + text.length, true)
    packet[start] = disconnectNumber
    packet.writeUInt32BE(byApplication, start + 1)
    packet.writeUInt32BE(text.length, start + 5)
    packet.set(text, start + 9)
    packet.writeUInt32BE(0, start + 9 + text.length)
    utils.sendPacket(protocol, write.finalize(packet, true), true)
  }
  socket.end()
}

const disconnectNumber = 1
/** @see RFC 4253 section 11.1 */
const byApplication = 11
