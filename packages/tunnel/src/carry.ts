import { Duplex } from 'node:stream'
import type { Failure } from '@sallyport/proto'
import type { Frame } from './chunk.ts'

/** What is used of a grpc-js call, client's or server's. */
interface FrameCall extends Pick<NodeJS.EventEmitter, 'on' | 'off'> {
  write(frame: Frame, done?: (error?: Error | null) => void): boolean
  pause(): unknown
  resume(): unknown
}

/** A gRPC call that carries one connection, seen from either end. */
export interface Carrier {
  readonly call: FrameCall
  /** Both ends said FIN: ends the call in good order. */
  close(): void
  /** Ends the call at once, so that the other end sees a reset and never a FIN. */
  cut(why: Error | null): void
  /** What it means that the call ended without FIN. */
  lost(cause?: unknown): Error
  /** What a reset frame of the other end means. */
  reset(failure: Failure): Error
}

/**
 * One connection over one gRPC call. `end()` half-closes by a FIN frame, and a FIN frame ends the readable side; everything else
 * that ends it (`destroy`, a reset frame, a call that ends without FIN) is an error at both ends, so that a cut result can never
 * look complete.
 *
 * Backpressure is exact: nothing is read from the call while our reader is full, and a write is done when the call takes more.
 * Writes of one turn leave as one frame.
 */
export class CarriedStream extends Duplex {
  readonly #carrier: Carrier
  #pending: Buffer[] = []
  #pendingBytes = 0
  #willFlush = false
  #isFull = false
  #whenDrained: (() => void) | undefined
  #sentFin = false
  #gotFin = false
  #bytesRead = 0
  #bytesWritten = 0

  constructor(carrier: Carrier) {
    super({ readableHighWaterMark: 128 * 1024, writableHighWaterMark: 64 * 1024 })
    this.#carrier = carrier
    // Whoever asked for it may not listen yet: an error that nobody hears must not end the process.
    this.on('error', () => {})
    const { call } = carrier
    call.pause()
    call.on('data', this.#onFrame)
    call.on('drain', this.#onDrain)
    for (const ending of ['end', 'error', 'cancelled', 'close']) call.on(ending, this.#onLost)
  }

  /** Bytes that came from the other end. */
  get bytesRead(): number {
    return this.#bytesRead
  }

  /** Bytes handed to the call. */
  get bytesWritten(): number {
    return this.#bytesWritten
  }

  override _read(): void {
    this.#carrier.call.resume()
  }

  // hot path: no copy; one pause where the reader is full.
  readonly #onFrame = (frame: Frame): void => {
    if (this.destroyed) return
    if (!Buffer.isBuffer(frame)) return this.#onSign(frame)
    if (this.#gotFin) return void this.destroy(this.#carrier.lost(new Error('data after FIN')))
    this.#bytesRead += frame.length
    // An empty push would end a turn of reading without data.
    if (frame.length > 0 && !this.push(frame)) this.#carrier.call.pause()
  }

  #onSign(frame: Exclude<Frame, Buffer>): void {
    switch (frame.kind) {
      case 'fin':
        if (this.#gotFin) return void this.destroy(this.#carrier.lost(new Error('a second FIN')))
        this.#gotFin = true
        this.push(null)
        return
      case 'reset':
        return void this.destroy(this.#carrier.reset(frame.failure))
      case 'ticket':
        return void this.destroy(this.#carrier.lost(new Error('a ticket out of place')))
    }
  }

  readonly #onLost = (cause?: unknown): void => {
    if (this.destroyed || (this.#gotFin && this.#sentFin)) return
    this.destroy(this.#carrier.lost(cause))
  }

  // hot path: appends, and flushes once a turn or once a frame is full.
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#pending.push(chunk)
    this.#pendingBytes += chunk.length
    if (this.#pendingBytes >= frameBytes) this.#flush()
    else if (!this.#willFlush) {
      this.#willFlush = true
      process.nextTick(this.#onTurnEnd)
    }
    if (this.#isFull) this.#whenDrained = done
    else done()
  }

  readonly #onTurnEnd = (): void => {
    this.#willFlush = false
    if (!this.destroyed && this.#pendingBytes > 0) this.#flush()
  }

  #flush(): void {
    const [first] = this.#pending
    const bytes = this.#pending.length === 1 && first !== undefined ? first : Buffer.concat(this.#pending)
    this.#pending = []
    this.#pendingBytes = 0
    this.#bytesWritten += bytes.length
    const { call } = this.#carrier
    for (let at = 0; at < bytes.length; at += frameBytes)
      if (!call.write(bytes.length <= frameBytes ? bytes : bytes.subarray(at, at + frameBytes)))
        this.#isFull = true
  }

  readonly #onDrain = (): void => {
    this.#isFull = false
    const done = this.#whenDrained
    this.#whenDrained = undefined
    done?.()
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#pendingBytes > 0) this.#flush()
    this.#carrier.call.write({ kind: 'fin' } satisfies Frame, (error) => {
      if (error !== null && error !== undefined) return done(error)
      this.#sentFin = true
      done()
    })
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#pending = []
    const { call } = this.#carrier
    call.off('data', this.#onFrame)
    call.off('drain', this.#onDrain)
    call.resume()
    if (error === null && this.#gotFin && this.#sentFin) this.#carrier.close()
    else this.#carrier.cut(error)
    done(error)
  }
}

/** The size of a frame of data. Measured: smaller costs throughput, larger only memory. */
const frameBytes = 32 * 1024
