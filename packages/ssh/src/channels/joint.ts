import type { Channel, ChannelEvents } from '../connection/channel.ts'

/** What is done with data on its way. What they return goes on; nothing where they keep it. */
export interface Taps {
  readonly up?: (bytes: Buffer) => void
  readonly down?: (bytes: Buffer, isError: boolean) => void
}

/** One direction: what comes on one channel goes to the other, no faster than that takes it. */
class Way {
  readonly #from: Channel
  readonly #to: Channel
  /** Taken from the one, and waiting at the other. */
  #owedBytes = 0
  bytes = 0

  constructor(from: Channel, to: Channel) {
    this.#from = from
    this.#to = to
  }

  // hot path
  pass(bytes: Buffer, isError: boolean): void {
    this.bytes += bytes.length
    const hasLeft = isError ? this.#to.writeError(bytes) : this.#to.write(bytes)
    if (hasLeft) this.#from.consumed(bytes.length)
    else this.#owedBytes += bytes.length
  }

  drained(): void {
    const bytes = this.#owedBytes
    this.#owedBytes = 0
    this.#from.consumed(bytes)
  }
}

/** A channel of the client's and one of the target's, joined: what comes on either goes to the other. */
export class Joint {
  readonly #client: Channel
  readonly #target: Channel
  readonly #up: Way
  readonly #down: Way
  readonly #taps: Taps

  constructor(client: Channel, target: Channel, taps: Taps = {}) {
    this.#client = client
    this.#target = target
    this.#up = new Way(client, target)
    this.#down = new Way(target, client)
    this.#taps = taps
  }

  /** Bytes that the target was sent. */
  get bytesUp(): number {
    return this.#up.bytes
  }

  /** Bytes that the client was sent. */
  get bytesDown(): number {
    return this.#down.bytes
  }

  /** For what comes from the client. */
  get fromClient(): Pick<ChannelEvents, 'data' | 'eof' | 'closed' | 'drained'> {
    return {
      data: (bytes) => {
        this.#taps.up?.(bytes)
        this.#up.pass(bytes, false)
      },
      eof: () => this.#target.eof(),
      closed: () => this.#target.abandon(),
      drained: () => this.#down.drained(),
    }
  }

  /** For what comes from the target. */
  get fromTarget(): Pick<ChannelEvents, 'data' | 'errorData' | 'eof' | 'closed' | 'drained'> {
    return {
      data: (bytes) => {
        this.#taps.down?.(bytes, false)
        this.#down.pass(bytes, false)
      },
      errorData: (bytes) => {
        this.#taps.down?.(bytes, true)
        this.#down.pass(bytes, true)
      },
      eof: () => this.#client.eof(),
      closed: () => this.#client.close(),
      drained: () => this.#up.drained(),
    }
  }
}
