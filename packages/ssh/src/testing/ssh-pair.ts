import type { Fault } from '@sallyport/core'
import { once } from 'node:events'
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Channel, ChannelEvents } from '../connection/channel.ts'
import { SshConnection } from '../connection/connection.ts'
import {
  connectSsh,
  disconnect,
  newHostKey,
  SshServer,
  Transport,
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

/** Runs a program whenever a client wants one run, whatever it calls it. */
export type RunProgram = (channel: Channel) => void

/** Everybody is let in, and may have programs run. */
export const runFor =
  (run: RunProgram, broken: (fault: Fault) => void = () => undefined) =>
  (connection: ServerConnection): void => {
    admitAll(connection)
    connection.once('ready', () => {
      const ssh: SshConnection = new SshConnection(new Transport(connection, () => ssh))
      connection.on('close', () => ssh.over())
      ssh.listen({
        open: (request) => {
          const channel = request.accept()
          channel.listen({
            request: ({ type, reply }) => {
              reply(true)
              if (type === 'exec') run(channel)
            },
          })
        },
        request: ({ reply }) => reply(false),
        broken: (fault) => {
          broken(fault)
          disconnect(connection, fault.message)
        },
        over: () => undefined,
      })
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

/** Speaks SSH on `stream`, as our server. */
export function acceptOn(
  stream: Duplex,
  serve: (connection: ServerConnection) => void,
  options: Partial<ServerOptions> = {},
): void {
  const ssh = new SshServer({ hostKeys: [{ key: testHostKey }], ident: 'Sallyport_test', ...options })
  ssh.accept(stream, serve)
}

/** A server of ours on a port of its own. `serve` is told of each connection. */
export async function runServer(
  serve: (connection: ServerConnection) => void,
  options: Partial<ServerOptions> = {},
): Promise<RunningServer> {
  const connections: ServerConnection[] = []
  const sockets: Socket[] = []
  const errors: Error[] = []
  const listener = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    acceptOn(
      socket,
      (connection) => {
        connections.push(connection)
        connection.on('error', (error) => errors.push(error))
        serve(connection)
      },
      options,
    )
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

export interface LoggedIn {
  readonly client: ClientConnection
  readonly ssh: SshConnection
}

/** Logs in, as our client. */
export function logInOn(stream: Duplex, options: Partial<ClientOptions> = {}): Promise<LoggedIn> {
  const client = connectSsh(stream, {
    username: 'alice',
    logIns: [{ type: 'password', password: 'open sesame' }],
    verifyHost: () => true,
    readyTimeoutMs: 20_000,
    ...options,
  })
  return new Promise((resolve, reject) => {
    client.on('error', reject)
    client.once('ready', () => {
      const ssh: SshConnection = new SshConnection(new Transport(client, () => ssh))
      client.on('close', () => ssh.over())
      ssh.listen({
        open: ({ refuse }) => refuse(1, ''),
        request: ({ reply }) => reply(false),
        broken: () => client.end(),
        over: () => undefined,
      })
      resolve({ client, ssh })
    })
  })
}

export async function logIn(port: number, options: Partial<ClientOptions> = {}): Promise<LoggedIn> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return logInOn(socket, options)
}

/** Has nothing to log in with. */
export const nobody: ClientOptions = {
  username: 'alice',
  logIns: [],
  verifyHost: () => true,
  readyTimeoutMs: 20_000,
}

/** A connection of ours that has keys, and asks for nothing. */
export async function withKeys(port: number): Promise<ClientConnection> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const client = connectSsh(socket, nobody)
  const insides = client as unknown as {
    _protocol: { service: () => void; _handlers: { SERVICE_ACCEPT: () => void } }
  }
  insides._protocol.service = () => {}
  insides._protocol._handlers.SERVICE_ACCEPT = () => {}
  client.on('error', () => {})
  await once(client, 'handshake')
  return client
}

/** Has a program run; until somebody else listens to it, `events` get to know what it does. */
export async function exec(
  { ssh }: LoggedIn,
  command = 'true',
  events: Partial<ChannelEvents> = {},
): Promise<Channel> {
  const channel = await ssh.open('session')
  channel.listen(events)
  if (!(await channel.ask('exec', [command]))) throw new Error('no program was run')
  return channel
}

/** Says how a program ended, and that it did. */
export function exit(channel: Channel, status: number): void {
  channel.tell('exit-status', [status])
  channel.close()
}

/** What the other side said when it ended it, and that it did. */
export const farewell = (client: ClientConnection): Promise<string> =>
  new Promise((resolve) => {
    let first = 'nothing'
    client.once('error', ({ message: words }) => (first = words))
    client.on('error', () => {})
    client.once('close', () => resolve(first))
  })
