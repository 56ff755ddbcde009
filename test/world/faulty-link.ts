import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** How a link treats bytes. All may be changed while it runs. */
export interface LinkFaults {
  /** Each way. Order is kept. */
  delayMs?: number
  /** Each way and connection; unlimited where absent. */
  bytesPerSecond?: number
}

/** A TCP link to `targetPort` that can be slow, stalled, cut and closed at will. In this process. */
export async function startFaultyLink(targetPort: number, faults: LinkFaults = {}): Promise<FaultyLink> {
  const link = new FaultyLink(targetPort, faults)
  await link.open()
  return link
}

export class FaultyLink implements AsyncDisposable {
  readonly faults: LinkFaults
  readonly #targetPort: number
  readonly #server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => this.#accept(client))
  readonly #sockets = new Set<Socket>()
  #port = 0
  #stalled: PromiseWithResolvers<void> | undefined

  constructor(targetPort: number, faults: LinkFaults) {
    this.#targetPort = targetPort
    this.faults = faults
  }

  get port(): number {
    return this.#port
  }

  /** How many connections are on it. */
  get connections(): number {
    return this.#sockets.size / 2
  }

  /** Accepts connections; again on the same port after {@link close}. */
  async open(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Resets every connection on it. New ones are still accepted. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Refuses new connections and resets those that are there. */
  async close(): Promise<void> {
    this.cut()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** Nothing gets through any more, and nobody is told: a dead wire. */
  stall(): void {
    this.#stalled ??= Promise.withResolvers<void>()
  }

  resume(): void {
    this.#stalled?.resolve()
    this.#stalled = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.resume()
    await this.close()
  }

  #accept(client: Socket): void {
    const target = connect({ port: this.#targetPort, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => other.resetAndDestroy())
      socket.on('close', () => {
        this.#sockets.delete(socket)
        if (socket.destroyed && !socket.readableEnded) other.destroy()
      })
      void this.#carry(socket, other).catch(() => other.resetAndDestroy())
    }
  }

  async #carry(from: Socket, to: Socket): Promise<void> {
    // Bytes wait in order for their time; reading goes on meanwhile, so that a delay is not a slow-down.
    let last: Promise<void> = Promise.resolve()
    let waiting = 0
    for await (const chunk of from as AsyncIterable<Buffer>) {
      const due = Date.now() + (this.faults.delayMs ?? 0)
      const before = last
      waiting += chunk.length
      last = (async () => {
        await before
        await this.#stalled?.promise
        await sleep(Math.max(0, due - Date.now()))
        const rate = this.faults.bytesPerSecond
        if (rate !== undefined) await sleep((chunk.length / rate) * 1000)
        await this.#stalled?.promise
        if (!to.destroyed && !to.write(chunk)) await drained(to)
        waiting -= chunk.length
      })()
      last.catch(() => {}) // thrown where it is awaited, which may be later
      if (waiting > mostInFlightBytes) await last
    }
    await last
    to.end()
  }
}

/** What the wire itself holds, each way: the rest waits at the sender, as on a real link. */
const mostInFlightBytes = 4 * 1024 * 1024

async function drained(socket: Socket): Promise<void> {
  await Promise.race([once(socket, 'drain'), once(socket, 'close')])
}
