import { createServer, type Socket } from 'node:net'
import { CannotStart } from '../cannot-start.ts'
import type { ListenAddress } from '../config/schema.ts'
import { variableOf } from '../config/environment.ts'
import { portHolder } from './port-holder.ts'

export interface Listener extends AsyncDisposable {
  readonly name: string
  readonly host: string
  /** The real one, where the configuration said 0. */
  readonly port: number
  /** No more connections; those that are stay. */
  stop(): void
}

export interface ListenerOptions {
  /** The key below `listen` in the configuration. */
  readonly name: string
  readonly address: ListenAddress
  readonly take: (socket: Socket) => void
  /** Nothing is read of a connection before it is taken: for one that another process takes. */
  readonly pauseOnConnect?: boolean
  readonly onTrouble: (error: unknown) => void
}

/**
 * Accepts connections of clients and gives each away. Disposing it stops accepting.
 * @throws CannotStart where the port is taken or may not be used
 */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { name, address, take, pauseOnConnect = false, onTrouble } = options
  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs, pauseOnConnect },
    take,
  )
  const port = await bind(server, name, address)
  // Errors of accepting, such as too many open files: those who wait are served when there is room again.
  server.on('error', onTrouble)
  const stop = (): void => {
    if (server.listening) server.close()
  }
  return {
    name,
    host: address.host,
    port,
    stop,
    [Symbol.asyncDispose]: () => {
      stop()
      return Promise.resolve()
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
