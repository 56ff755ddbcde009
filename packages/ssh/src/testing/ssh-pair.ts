import { once } from 'node:events'
import { createServer, connect, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import {
  connectSsh,
  newHostKey,
  SshServer,
  type ClientConnection,
  type ClientOptions,
  type ServerConnection,
  type ServerOptions,
} from '../ssh2/index.ts'

const testHostKey = newHostKey()

/** Everybody is let in: for tests of what comes after. */
export const admitAll = (connection: ServerConnection): void => {
  connection.on('authentication', (request) => {
    if (request.method === 'none') request.reject(['password', 'publickey'])
    else request.accept()
  })
}

export interface RunningServer extends AsyncDisposable {
  readonly port: number
  /** As accepted, in order. */
  readonly connections: ServerConnection[]
  readonly sockets: Socket[]
  /** What connections said went wrong. */
  readonly errors: Error[]
}

/** A server of ours on a port of its own. `serve` is told of each connection. */
export async function runServer(
  serve: (connection: ServerConnection) => void,
  options: Partial<ServerOptions> = {},
): Promise<RunningServer> {
  const ssh = new SshServer({ hostKeys: [{ key: testHostKey }], ident: 'Sallyport_test', ...options })
  const connections: ServerConnection[] = []
  const sockets: Socket[] = []
  const errors: Error[] = []
  const listener = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    ssh.accept(socket, (connection) => {
      connections.push(connection)
      connection.on('error', (error) => errors.push(error))
      serve(connection)
    })
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    connections,
    sockets,
    errors,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      listener.close()
      await once(listener, 'close')
    },
  }
}

/** A client of ours that is logged in. */
export async function logIn(port: number, options: Partial<ClientOptions> = {}): Promise<ClientConnection> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const client = connectSsh(socket, {
    username: 'alice',
    logIns: [{ type: 'password', password: 'open sesame' }],
    verifyHost: () => true,
    readyTimeoutMs: 20_000,
    ...options,
  })
  client.on('error', () => {})
  await once(client, 'ready')
  return client
}
