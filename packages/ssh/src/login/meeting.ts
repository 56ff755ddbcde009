import type { Duplex } from 'node:stream'
import { Fault } from '@sallyport/core'
import type { ClientHello, ServerConnection, SshServer } from '../ssh2/index.ts'

/** A client that has said what it is, and wants to log in. */
export interface Arrived {
  readonly connection: ServerConnection
  readonly hello: ClientHello
}

/**
 * Exchanges versions with a client. From then on its connection must be listened to at once.
 * @throws Fault client/gone, or the signal's reason
 */
export function meet(server: SshServer, stream: Duplex, signal: AbortSignal): Promise<Arrived> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => fail(signal.reason)
    const onClose = (): void =>
      fail(new Fault('client/gone', 'the client left before it said what it speaks'))
    const stop = (): void => {
      signal.removeEventListener('abort', onAbort)
      stream.off('close', onClose)
    }
    const fail = (thrown: unknown): void => {
      stop()
      reject(thrown as Error)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    stream.on('close', onClose).on('error', () => undefined)
    if (signal.aborted) return onAbort()
    server.accept(stream, (connection, hello) => {
      stop()
      // It closes, too, and that is listened to.
      connection.on('error', () => undefined)
      resolve({ connection, hello })
    })
  })
}
