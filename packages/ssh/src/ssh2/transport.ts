/**
 * What of ssh2 has no public name. It does the transport and the authentication (RFC 4253, RFC 4252); the messages of the
 * connection protocol come to us as they are, and its own channels are never used. The one file that knows its insides.
 */
import utils from 'ssh2/lib/protocol/utils.js'
import type { Duplex } from 'node:stream'
import { socketBacklogBytes } from '../limits.ts'
import type { Line } from '../connection/channel.ts'
import type { ClientConnection } from './client.ts'
import type { ServerConnection } from './server.ts'

interface Protocol {
  /** Gets the messages of the connection protocol in ssh2's place. */
  _takeMessage: (payload: Buffer) => void
  /** Set while keys are exchanged. */
  readonly _kexinit: Buffer | undefined
  readonly _packetRW: {
    readonly write: {
      readonly allocStart: number
      alloc(size: number): Buffer
      finalize(packet: Buffer): Buffer
    }
  }
  /** Gone once it is of no more use. */
  readonly _destruct: unknown
  disconnect(reason: number, words: string): void
}

interface Insides {
  readonly _protocol: Protocol
  readonly _sock: Duplex
}

/** Who does the connection protocol. */
export interface Connected {
  take(payload: Buffer): void
  /** The line is not full any more. */
  flush(): void
}

/** An authenticated connection of ssh2, whose channels are ours. */
export class Transport implements Line {
  readonly #protocol: Protocol
  readonly #socket: Duplex

  /** To be called as soon as it is authenticated, before it reads another message. */
  constructor(connection: ServerConnection | ClientConnection, connected: () => Connected) {
    const { _protocol: protocol, _sock: socket } = connection as unknown as Insides
    this.#protocol = protocol
    this.#socket = socket
    protocol._takeMessage = (payload) => connected().take(payload)
    const onRoom = (): void => {
      if (!this.isFull) connected().flush()
    }
    socket.on('drain', onRoom)
    ;(connection as ServerConnection).on('handshake', onRoom)
  }

  /** Nothing is sent while keys are exchanged: what is written then has to wait, and should wait where it is counted. */
  get isFull(): boolean {
    const { writableLength, writableNeedDrain } = this.#socket
    return this.#protocol._kexinit !== undefined || (writableNeedDrain && writableLength > socketBacklogBytes)
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
  if (protocol._destruct !== undefined && socket.writable) protocol.disconnect(byApplication, words)
  socket.end()
}

/** @see RFC 4253 section 11.1 */
const byApplication = 11
