import type { Channel, ChannelEvents } from '../connection/channel.ts'

/** What is done with data on its way: what they return goes on in its place. */
export interface Taps {
  readonly up?: (bytes: Buffer) => Buffer
  readonly down?: (bytes: Buffer, isError: boolean) => Buffer
  /** The other side has said all: what a tap has kept back goes before its end. */
  readonly downEnd?: () => void
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
  /** @param taken how many bytes came for these */
  pass(bytes: Buffer, isError: boolean, taken: number): void {
    this.bytes += bytes.length
    const hasLeft = isError ? this.#to.writeError(bytes) : this.#to.write(bytes)
    if (hasLeft) this.#from.consumed(taken)
    else this.#owedBytes += taken
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

  /** Sends the client what came earlier, and was kept back. */
  late(bytes: Buffer, isError: boolean): void {
    if (bytes.length > 0) this.#down.pass(bytes, isError, 0)
  }

  /** For what comes from the client. */
  get fromClient(): Pick<ChannelEvents, 'data' | 'eof' | 'closed' | 'drained'> {
    const { up } = this.#taps
    return {
      data: (bytes) => this.#up.pass(up === undefined ? bytes : up(bytes), false, bytes.length),
      eof: () => this.#target.eof(),
      closed: () => this.#target.abandon(),
      drained: () => this.#down.drained(),
    }
  }

  /** For what comes from the target. */
  get fromTarget(): Pick<ChannelEvents, 'data' | 'errorData' | 'eof' | 'closed' | 'drained'> {
    const { down, downEnd } = this.#taps
    const pass = (bytes: Buffer, isError: boolean): void =>
      this.#down.pass(down === undefined ? bytes : down(bytes, isError), isError, bytes.length)
    return {
      data: (bytes) => pass(bytes, false),
      errorData: (bytes) => pass(bytes, true),
      eof: () => {
        downEnd?.()
        this.#client.eof()
      },
      closed: () => {
        downEnd?.()
        this.#client.close()
      },
      drained: () => this.#up.drained(),
    }
  }
}

/** Joins two channels on which nothing but data passes. @param over is called once, when one of them has gone */
export function join(client: Channel, target: Channel, over: (joint: Joint) => void): Joint {
  const joint = new Joint(client, target)
  let isOver = false
  const end = (): void => {
    if (!isOver) over(joint)
    isOver = true
  }
  const { fromClient, fromTarget } = joint
  client.listen({
    ...fromClient,
    // A forwarded connection is over when both sides have said all; ssh does not close it by itself.
    closed: () => {
      fromClient.closed()
      end()
    },
  })
  target.listen({
    ...fromTarget,
    closed: () => {
      fromTarget.closed()
      end()
    },
  })
  return joint
}
