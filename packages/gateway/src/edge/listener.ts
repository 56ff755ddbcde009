import { createServer, type Socket } from 'node:net'
import { CannotStart } from '../cannot-start.ts'
import type { ListenAddress } from '../config/schema.ts'
import { variableOf } from '../config/environment.ts'
import type { Admission, Place } from './admission.ts'
import { portHolder } from './port-holder.ts'

export interface Listener extends AsyncDisposable {
  readonly name: string
  readonly host: string
  /** The real one, where the configuration said 0. */
  readonly port: number
  /** Bytes since the start, as the sockets count them; up is what clients sent. Neither ever goes down. */
  bytes(): { readonly up: number; readonly down: number }
  /** No more connections; those that are stay. */
  stop(): void
}

export interface ListenerOptions {
  /** The key below `listen` in the configuration. */
  readonly name: string
  readonly address: ListenAddress
  readonly admission: Admission
  /** Owns the socket. What it throws is its caller's bug and goes to `onTrouble`. */
  readonly serve: (socket: Socket, place: Place) => Promise<void>
  readonly onRefused: (address: string, limit: 'connections' | 'connectionsBeforeLogin') => void
  readonly onTrouble: (error: unknown) => void
}

/**
 * Accepts connections and hands each to `serve`. Disposing it stops accepting and waits for those being served:
 * whoever began them ends them.
 * @throws CannotStart where the port is taken or may not be used
 */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { name, address, admission } = options
  const serving = new Map<Promise<void>, Socket>()
  const ended = { up: 0, down: 0 }
  const most = { up: 0, down: 0 }
  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs },
    (socket) => {
      // A reset between accept and the first listener of `serve` must not be an uncaught error.
      socket.on('error', () => undefined)
      const from = socket.remoteAddress
      if (from === undefined) return socket.destroy()
      const place = admission.enter(from)
      if (typeof place === 'string') {
        options.onRefused(from, place)
        return socket.resetAndDestroy()
      }
      const served = options
        .serve(socket, place)
        .catch(options.onTrouble)
        .finally(() => {
          socket.destroy()
          ended.up += socket.bytesRead
          ended.down += socket.bytesWritten
          place[Symbol.dispose]()
          serving.delete(served)
        })
      serving.set(served, socket)
    },
  )
  const port = await bind(server, name, address)
  // Errors of accepting, such as too many open files: those who wait are served when there is room again.
  server.on('error', options.onTrouble)
  const closed = Promise.withResolvers<void>()
  server.on('close', () => closed.resolve())
  const stop = (): void => {
    if (server.listening) server.close()
  }
  return {
    name,
    host: address.host,
    port,
    bytes() {
      let { up, down } = ended
      for (const socket of serving.values()) {
        up += socket.bytesRead
        down += socket.bytesWritten
      }
      // What was still to be written when a socket was destroyed was counted, and will not be.
      most.up = Math.max(most.up, up)
      most.down = Math.max(most.down, down)
      return { ...most }
    },
    stop,
    [Symbol.asyncDispose]: async () => {
      stop()
      const impatience = setTimeout(() => {
        for (const socket of serving.values()) socket.destroy()
      }, lastWordsMs)
      await Promise.all(serving.keys())
      clearTimeout(impatience)
      await closed.promise
    },
  }
}

/** Listens, and says in words why it cannot. Returns the port. */
export async function bind(
  server: { listen: (options: ListenAddress, done: () => void) => unknown } & NodeJS.EventEmitter & {
      address(): unknown
    },
  name: string,
  address: ListenAddress,
): Promise<number> {
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once('error', resolve)
    server.listen(address, () => {
      server.removeListener('error', resolve)
      resolve(undefined)
    })
  })
  if (error !== undefined) throw await unavailable(error, name, address)
  const bound = server.address()
  return typeof bound === 'object' && bound !== null && 'port' in bound ? Number(bound.port) : address.port
}

/** In words, why an address cannot be listened on. */
export async function unavailable(
  error: NodeJS.ErrnoException,
  name: string,
  { host, port }: ListenAddress,
): Promise<CannotStart> {
  const elsewhere = `set listen.${name} (or ${variableOf(['listen', name])}) to another address`
  switch (error.code) {
    case 'EADDRINUSE': {
      const holder = await portHolder(port)
      return new CannotStart(
        3,
        `port ${port}, wanted for listen.${name}, is taken${holder === undefined ? '' : ` by ${holder}`}`,
        `stop what holds it, or ${elsewhere}`,
        { cause: error },
      )
    }
    case 'EACCES':
      return new CannotStart(
        3,
        `port ${port}, wanted for listen.${name}, may not be used by this user`,
        elsewhere,
        {
          cause: error,
        },
      )
    default:
      return new CannotStart(
        3,
        `cannot listen on ${host}:${port} (${error.code ?? error.message})`,
        elsewhere,
        {
          cause: error,
        },
      )
  }
}

const keepAliveMs = 30_000
/** How long a connection may take to end once all of them are to. */
const lastWordsMs = 5000
