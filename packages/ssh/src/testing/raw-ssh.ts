import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { ClientConnection, ServerConnection } from '../ssh2/index.ts'

/** Sends a message as it is, at once, in whatever state the connection is. */
export function sendRaw(connection: ClientConnection | ServerConnection, payload: Uint8Array): void {
  const { _cipher, _packetRW } = (connection as unknown as Insides)._protocol
  const { write } = _packetRW
  const packet = write.alloc(payload.length, true)
  packet.set(payload, write.allocStartKEX)
  _cipher.encrypt(write.finalize(packet, true))
}

interface Insides {
  readonly _protocol: {
    readonly _cipher: { encrypt(packet: Buffer): void }
    readonly _packetRW: {
      readonly write: {
        readonly allocStartKEX: number
        alloc(length: number, force: boolean): Buffer
        finalize(packet: Buffer, force: boolean): Buffer
      }
    }
  }
}

/** A message's fields: numbers as uint32, strings and bytes with their length in front, booleans as a byte. */
export function message(
  type: number,
  ...fields: readonly (number | string | Uint8Array | boolean)[]
): Buffer {
  const parts = fields.flatMap((field) => {
    if (typeof field === 'number') return [uint32(field)]
    if (typeof field === 'boolean') return [Buffer.from([field ? 1 : 0])]
    const bytes = Buffer.from(field as string)
    return [uint32(bytes.length), bytes]
  })
  return Buffer.concat([Buffer.from([type]), ...parts])
}

/** A message before keys are exchanged: with its length, and padding. */
export function clearPacket(payload: Uint8Array): Buffer {
  const padding = 16 - ((payload.length + 5) % 8)
  return Buffer.concat([
    uint32(payload.length + 1 + padding),
    Buffer.from([padding]),
    payload,
    Buffer.alloc(padding),
  ])
}

/** A TCP connection that keeps all that it got. */
export async function rawSocket(port: number): Promise<{ socket: Socket; received: () => Buffer }> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  return { socket, received: () => Buffer.concat(chunks) }
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
