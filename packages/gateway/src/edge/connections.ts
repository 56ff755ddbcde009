import type { Socket } from 'node:net'
import type { Admission, Place } from './admission.ts'

export interface ConnectionsOptions {
  readonly admission: Admission
  /** Owns the socket. What it throws is its caller's bug and goes to `onTrouble`. */
  readonly serve: (socket: Socket, place: Place) => Promise<void>
  readonly onRefused: (address: string, limit: 'connections' | 'connectionsBeforeLogin') => void
  readonly onTrouble: (error: unknown) => void
}

/** Clients' connections of one protocol that are being served. Disposing waits for them: whoever began them ends them. */
export class Connections implements AsyncDisposable {
  readonly #options: ConnectionsOptions
  readonly #serving = new Map<Promise<void>, Socket>()
  readonly #ended = { up: 0, down: 0 }
  readonly #most = { up: 0, down: 0 }

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  /** Serves a connection that was just accepted. */
  take(socket: Socket): void {
    const { admission, serve, onRefused, onTrouble } = this.#options
    // A reset between accept and the first listener of `serve` must not be an uncaught error.
    socket.on('error', () => undefined)
    const from = socket.remoteAddress
    if (from === undefined) return void socket.destroy()
    const place = admission.enter(from)
    if (typeof place === 'string') {
      onRefused(from, place)
      return void socket.resetAndDestroy()
    }
    const served = serve(socket, place)
      .catch(onTrouble)
      .finally(() => {
        socket.destroy()
        this.#ended.up += socket.bytesRead
        this.#ended.down += socket.bytesWritten
        place[Symbol.dispose]()
        this.#serving.delete(served)
      })
    this.#serving.set(served, socket)
  }

  /** Bytes since the start, as the sockets count them; up is what clients sent. Neither ever goes down. */
  bytes(): { readonly up: number; readonly down: number } {
    let { up, down } = this.#ended
    for (const socket of this.#serving.values()) {
      up += socket.bytesRead
      down += socket.bytesWritten
    }
    // What was still to be written when a socket was destroyed was counted, and will not be.
    this.#most.up = Math.max(this.#most.up, up)
    this.#most.down = Math.max(this.#most.down, down)
    return { ...this.#most }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const impatience = setTimeout(() => {
      for (const socket of this.#serving.values()) socket.destroy()
    }, lastWordsMs)
    await Promise.all(this.#serving.keys())
    clearTimeout(impatience)
  }
}

/** How long a connection may take to end once all of them are to. */
const lastWordsMs = 5000
