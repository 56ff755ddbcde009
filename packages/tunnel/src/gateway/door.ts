import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { defaultLimits, type TunnelLimits } from '../limits.ts'
import { processOfServerName } from '../names.ts'
import { readGreeting } from './client-hello.ts'

export interface AgentDoorOptions {
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  /**
   * Passes a connection on, to {@link AgentServer.take} of a process: nothing is read from it here any more. Must not keep it.
   * @param head what it has said already
   * @param process which one it asks for; undefined for any
   */
  readonly pass: (socket: Socket, head: Buffer, process: number | undefined) => void
  readonly limits?: Partial<Pick<TunnelLimits, 'connections' | 'handshakeMs'>>
}

/** The agents' port of a gateway of several processes. Disposing it accepts no more; what was passed on goes on. */
export interface AgentDoor extends Disposable {
  readonly port: number
}

/**
 * Accepts agents' connections, and passes each to the process that its TLS server name asks for: it reads that far, and no further.
 * @throws Error where the address cannot be listened on
 */
export async function openAgentDoor(options: AgentDoorOptions): Promise<AgentDoor> {
  const { host, port, pass } = options
  const { connections, handshakeMs } = { ...defaultLimits, ...options.limits }
  const waiting = new Set<Socket>()
  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000, pauseOnConnect: true },
    (socket) => {
      waiting.add(socket)
      socket.on('error', () => {}).once('close', () => waiting.delete(socket))
      greet(socket, handshakeMs, (head, process) => {
        waiting.delete(socket)
        pass(socket, head, process)
      })
    },
  )
  server.maxConnections = connections
  await listening(server, host, port)
  return {
    // A TCP server that listens on a host has an address of this kind.
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]: () => {
      server.close()
      for (const socket of waiting) socket.destroy()
    },
  }
}

/** Reads the greeting. One that takes too long or too many bytes, or is none, ends its connection. */
function greet(
  socket: Socket,
  withinMs: number,
  greeted: (head: Buffer, process: number | undefined) => void,
): void {
  let head = Buffer.alloc(0)
  const timer = setTimeout(() => socket.destroy(), withinMs)
  socket.once('close', () => clearTimeout(timer))
  const onData = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk])
    const greeting = readGreeting(head)
    if (greeting.kind === 'more' && head.length < maxGreetingBytes) return
    clearTimeout(timer)
    socket.off('data', onData)
    if (greeting.kind !== 'hello') return void socket.destroy()
    stopReading(socket)
    greeted(head, processOfServerName(greeting.serverName))
  }
  socket.on('data', onData).resume()
}

/**
 * What arrives from now on stays in the kernel, for the process that gets the socket. `pause` would go on to read some of it into
 * this process's memory, and Node has no public word for what `pauseOnConnect` does at the start.
 */
function stopReading(socket: Socket): void {
  socket.pause()
  const { _handle: handle } = socket as unknown as {
    _handle: { reading: boolean; readStop(): number } | null
  }
  if (handle === null) return
  handle.reading = false
  handle.readStop()
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      // Such as too many open files: those who wait are served when there is room again.
      server.on('error', () => {})
      resolve()
    })
  })
}

/** A ClientHello with post-quantum keys has some 2 KiB. */
const maxGreetingBytes = 16 * 1024
