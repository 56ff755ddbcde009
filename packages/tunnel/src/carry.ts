import type { Http2Stream } from 'node:http2'
import { Duplex } from 'node:stream'
import { Tunnel, type Failure } from '@sallyport/proto'
import { ChunkReader, dataHead, encodeData, encodeSign, type Frame, type Sign } from './chunk.ts'
import { spentBuffers } from './spent-buffers.ts'

/**
 * A call of the method Carry on its HTTP/2 stream, at either end: gRPC's wire form, without a layer between it and the bytes.
 * What calls cost a connection's every message is most of what a tunnel costs, so this one method does not go through grpc-js.
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export class CarryCall {
  readonly stream: Http2Stream
  readonly #reader = new ChunkReader()
  #onFrame: ((frame: Frame) => void) | undefined
  #onLost: ((cause?: unknown) => void) | undefined
  #lost: { readonly cause?: unknown } | undefined

  constructor(stream: Http2Stream) {
    this.stream = stream
    stream.pause().on('data', this.#onData)
    stream.on('end', this.#lose).on('error', this.#lose).on('close', this.#lose)
  }

  /**
   * From now on frames and the call's end go here; an end that was missed is told at once. Nothing is read before {@link resume}.
   * @param onLost the call ended, in whatever way, and brings nothing more; may be called again
   */
  listen(onFrame: (frame: Frame) => void, onLost: (cause?: unknown) => void): void {
    this.#onFrame = onFrame
    this.#onLost = onLost
    if (this.#lost !== undefined) onLost(this.#lost.cause)
  }

  pause(): void {
    this.stream.pause()
  }

  resume(): void {
    this.stream.resume()
  }

  /** @returns false where the stream is full: `drain` follows. hot path: what is small leaves as one piece, what is large uncopied */
  writeData(parts: readonly Buffer[], size: number): boolean {
    const { stream } = this
    if (size <= copiedBytes) return stream.write(encodeData(parts, size))
    stream.cork()
    stream.write(dataHead(size))
    let goesOn = true
    for (const part of parts) goesOn = stream.write(part)
    stream.uncork()
    return goesOn
  }

  writeSign(sign: Sign, done?: (error?: Error | null) => void): void {
    this.stream.write(encodeSign(sign), done)
  }

  readonly #onData = (chunk: Buffer): void => {
    try {
      this.#reader.push(chunk, this.#take)
    } catch (thrown) {
      this.stream.off('data', this.#onData).resume()
      this.#lose(thrown)
    }
  }

  readonly #take = (frame: Frame): void => this.#onFrame?.(frame)

  readonly #lose = (cause?: unknown): void => {
    this.#lost ??= { cause }
    this.#onLost?.(cause)
  }
}

/** The path of the method Carry. */
export const carryPath = `/${Tunnel.typeName}/${Tunnel.method.carry.name}`

/** The ends of a carried connection that differ between gateway and agent. */
export interface Carrier {
  readonly call: CarryCall
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
    carrier.call.stream.on('drain', this.#onDrain)
    carrier.call.listen(this.#onFrame, this.#onLost)
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
    spentBuffers.add(frame.length)
    // An empty push would end a turn of reading without data.
    if (frame.length > 0 && !this.push(frame)) this.#carrier.call.pause()
  }

  #onSign(sign: Sign): void {
    switch (sign.kind) {
      case 'fin':
        if (this.#gotFin) return void this.destroy(this.#carrier.lost(new Error('a second FIN')))
        this.#gotFin = true
        this.push(null)
        return
      case 'reset':
        return void this.destroy(this.#carrier.reset(sign.failure))
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
    const { call } = this.#carrier
    const parts = this.#pending
    const size = this.#pendingBytes
    this.#pending = []
    this.#pendingBytes = 0
    this.#bytesWritten += size
    spentBuffers.add(size)
    if (size <= 2 * frameBytes) {
      if (!call.writeData(parts, size)) this.#isFull = true
      return
    }
    for (const part of parts) {
      for (let at = 0; at < part.length; at += frameBytes) {
        const piece = part.subarray(at, at + frameBytes)
        if (!call.writeData([piece], piece.length)) this.#isFull = true
      }
    }
  }

  readonly #onDrain = (): void => {
    this.#isFull = false
    const done = this.#whenDrained
    this.#whenDrained = undefined
    done?.()
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#pendingBytes > 0) this.#flush()
    this.#carrier.call.writeSign({ kind: 'fin' }, (error) => {
      if (error !== null && error !== undefined) return done(error)
      this.#sentFin = true
      done()
    })
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#pending = []
    const { call } = this.#carrier
    call.stream.off('drain', this.#onDrain)
    call.resume()
    if (error === null && this.#gotFin && this.#sentFin) call.stream.end()
    else this.#carrier.cut(error)
    done(error)
  }
}

/** The size of a frame of data: at most twice this. Measured: smaller costs throughput, larger only memory. */
const frameBytes = 32 * 1024
/** Up to here a copy costs less than a second piece. */
const copiedBytes = 4 * 1024
