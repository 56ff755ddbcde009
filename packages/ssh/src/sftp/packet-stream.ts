import { Fault, type FaultCode } from '@sallyport/core'
import { Rest, type Outbox } from '@sallyport/wire'
import { headBytes, lengthBytes, longestPacketBytes } from './codec/packets.ts'

/** `hold`: nothing further is judged until {@link PacketStream.release}; `wait`: nor this one, until {@link PacketStream.goOn}. */
export type Fate = 'pass' | 'drop' | 'hold' | 'wait'

/** Judges one side's packets. Offsets are those of `chunk`; a packet's length is all of it. */
export interface PacketJudge {
  /** How much of the packet must be at hand, as far as the `have` bytes of it tell. The rest follows its verdict unbuffered. */
  needed(chunk: Buffer, at: number, have: number, length: number): number
  judge(chunk: Buffer, at: number, length: number): Fate
  /** Where in the packet that was judged last the content of a file begins, which is to be seen; 0 where none does. */
  readonly contentAt: number
  content(chunk: Buffer, from: number, to: number): void
  /** All of the packet that was judged last has come. */
  packetOver(): void
}

/**
 * Cuts one side's bytes into packets and applies what is decided of each. Sans-IO.
 * hot path: content of files is neither copied nor joined; a head that was cut by a chunk's end is joined alone.
 */
export class PacketStream {
  readonly #judge: PacketJudge
  readonly #onward: Outbox
  readonly #malformed: FaultCode
  readonly #tooLarge: FaultCode
  /** Bytes not yet judged: the start of a packet, or all that waits behind a held one. */
  readonly #rest = new Rest()
  /** How much must be gathered before judging goes on. */
  #wanted = headBytes
  /** What is still to come of the packet judged last, and where its content begins, counted from what comes next. */
  #left = 0
  #contentIn = 0
  #fate: Fate = 'pass'
  #isStopped = false

  constructor(side: 'client' | 'target', judge: PacketJudge, onward: Outbox) {
    this.#judge = judge
    this.#onward = onward
    this.#malformed = `${side}/malformed`
    this.#tooLarge = side === 'client' ? 'client/too-large' : 'target/malformed'
  }

  /** Bytes that are kept for later. */
  get waitingBytes(): number {
    return this.#rest.length
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  push(chunk: Buffer): void {
    if (this.#isStopped) return this.#rest.keep(chunk)
    let at = this.#left > 0 ? this.#follow(chunk, 0) : 0
    while (this.#rest.length > 0 && at < chunk.length) {
      // Only the head that was cut is joined: what follows it is judged where it is.
      const end = Math.min(at + this.#wanted - this.#rest.length, chunk.length)
      this.#rest.keep(chunk.subarray(at, end))
      at = end
      if (this.#rest.length < this.#wanted) return
      this.#run(this.#rest.take(), 0)
      if (this.#isStopped) return this.#rest.keep(chunk.subarray(at))
      if (this.#left > 0) at = this.#follow(chunk, at)
    }
    if (at < chunk.length) this.#run(chunk, at)
  }

  /** Applies what was decided of the held packet, and goes on with what waited behind it. */
  release(fate: 'pass' | 'drop'): void {
    const chunk = this.#start()
    const length = lengthBytes + chunk.readUInt32BE()
    if (fate === 'pass') this.#onward.pass(chunk, 0, length)
    this.#judge.packetOver()
    this.#run(chunk, length)
  }

  /** Judges anew what had to wait. */
  goOn(): void {
    if (this.#isStopped) this.#run(this.#start(), 0)
  }

  #start(): Buffer {
    this.#isStopped = false
    return this.#rest.take()
  }

  #run(chunk: Buffer, from: number): void {
    const judge = this.#judge
    const end = chunk.length
    let at = from
    while (at < end) {
      const have = end - at
      if (have < headBytes) return this.#waitFor(chunk, at, headBytes)
      const length = this.#lengthOf(chunk, at)
      const needed = judge.needed(chunk, at, have, length)
      if (have < needed) return this.#waitFor(chunk, at, needed)
      const fate = judge.judge(chunk, at, length)
      if (fate === 'hold' || fate === 'wait') {
        this.#isStopped = true
        return this.#rest.keep(chunk.subarray(at))
      }
      const present = have < length ? have : length
      const { contentAt } = judge
      if (fate === 'pass') this.#onward.pass(chunk, at, at + present)
      if (contentAt > 0 && present > contentAt) judge.content(chunk, at + contentAt, at + present)
      at += present
      if (present === length) {
        judge.packetOver()
        continue
      }
      this.#left = length - present
      this.#contentIn = contentAt === 0 ? Infinity : Math.max(0, contentAt - present)
      this.#fate = fate
      if (fate === 'pass') this.#onward.frameBegun()
    }
  }

  /** The rest of a packet that was judged. @returns where in the chunk it ends */
  #follow(chunk: Buffer, from: number): number {
    const end = Math.min(from + this.#left, chunk.length)
    const contentFrom = from + this.#contentIn
    if (this.#fate === 'pass') this.#onward.pass(chunk, from, end)
    if (contentFrom < end) this.#judge.content(chunk, contentFrom, end)
    this.#contentIn = Math.max(0, contentFrom - end)
    this.#left -= end - from
    if (this.#left > 0) return end
    if (this.#fate === 'pass') this.#onward.frameEnded()
    this.#judge.packetOver()
    return end
  }

  #lengthOf(chunk: Buffer, at: number): number {
    const length = chunk.readUInt32BE(at)
    if (length > longestPacketBytes) {
      throw new Fault(this.#tooLarge, `an SFTP packet of ${length} bytes: at most ${longestPacketBytes}`)
    }
    if (length < headBytes - lengthBytes)
      throw new Fault(this.#malformed, `an SFTP packet of ${length} bytes`)
    return lengthBytes + length
  }

  #waitFor(chunk: Buffer, at: number, wanted: number): void {
    this.#wanted = wanted
    this.#rest.keep(at === 0 ? chunk : chunk.subarray(at))
  }
}
