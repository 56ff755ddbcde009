import { type KeyObject } from 'node:crypto'
import type { SessionId } from '@sallyport/core'
import { ChainReader } from './chain.ts'
import { LineSplitter } from './lines.ts'
import { isSealLine, keyId, openSeal, type Seal } from './seal.ts'

/**
 * - `sound`: every event is there, unchanged and in order, and the gateway signed it so when the session closed
 * - `interrupted`: the same, but the gateway died or failed before the session closed: there may have been more
 * - `open`: sound so far, with no seal: still being written, or cut off. Never proof that it is all.
 * - `broken`: changed, cut, reordered, or signed by another key
 */
export interface Verification {
  readonly state: 'sound' | 'interrupted' | 'open' | 'broken'
  readonly session?: SessionId
  readonly events: number
  /** One line for people. */
  readonly detail: string
  readonly seal?: Seal
}

/** Checks an exported recording with nothing but its bytes and the gateway's public key (Ed25519). */
export function verifyRecording(bytes: Uint8Array, publicKey: KeyObject): Verification {
  const verifier = new RecordingVerifier(publicKey)
  verifier.push(bytes)
  return verifier.end()
}

/** The same, for a recording that comes in pieces. */
export async function verifyRecordingStream(
  chunks: AsyncIterable<Uint8Array>,
  publicKey: KeyObject,
): Promise<Verification> {
  const verifier = new RecordingVerifier(publicKey)
  for await (const chunk of chunks) verifier.push(chunk)
  return verifier.end()
}

type Stage = 'events' | 'signature' | 'over'

class RecordingVerifier {
  readonly #publicKey: KeyObject
  readonly #lines = new LineSplitter()
  readonly #chain = new ChainReader()
  #stage: Stage = 'events'
  #sealLine: Buffer = Buffer.alloc(0)
  #seal: Seal | undefined
  #line = 0
  #broken: string | undefined

  constructor(publicKey: KeyObject) {
    this.#publicKey = publicKey
  }

  push(chunk: Uint8Array): void {
    for (const line of this.#lines.push(chunk)) {
      if (this.#broken !== undefined) return
      this.#line++
      const problem = this.#next(line)
      if (problem !== undefined) this.#broken = `line ${this.#line}: ${problem}`
    }
  }

  #next(line: Buffer): string | undefined {
    const text = line.toString()
    switch (this.#stage) {
      case 'events':
        if (!isSealLine(text)) return this.#chain.next(line, text)
        this.#sealLine = Buffer.from(line)
        this.#stage = 'signature'
        return undefined
      case 'signature':
        this.#stage = 'over'
        this.#seal = openSeal(this.#sealLine, text, this.#publicKey)
        return this.#seal === undefined
          ? `the seal is not signed by the key ${keyId(this.#publicKey)}`
          : this.#compare(this.#seal)
      case 'over':
        return 'nothing may follow the signature'
    }
  }

  #compare(seal: Seal): string | undefined {
    const chain = this.#chain.state
    if (chain === undefined) return 'a seal of nothing'
    if (seal.session !== chain.session) return `the seal is that of session ${seal.session}`
    if (seal.events !== chain.events)
      return `the seal counts ${seal.events} events, there are ${chain.events}`
    if (seal.head !== chain.head) return 'the seal is of other events'
    return undefined
  }

  end(): Verification {
    const chain = this.#chain.state
    const events = chain?.events ?? 0
    const about = { events, ...(chain && { session: chain.session }) }
    const problem = this.#broken ?? this.#unfinished()
    if (problem !== undefined) return { state: 'broken', ...about, detail: problem }
    const seal = this.#seal
    if (seal === undefined)
      return { state: 'open', ...about, detail: `${events} events, sound so far, not sealed` }
    return seal.state === 'closed'
      ? { state: 'sound', ...about, seal, detail: `${events} events, sealed and signed` }
      : {
          state: 'interrupted',
          ...about,
          seal,
          detail: `${events} events, sealed and signed after the session was interrupted`,
        }
  }

  #unfinished(): string | undefined {
    if (this.#chain.state === undefined) return 'it is empty'
    if (this.#lines.isMidLine) return 'it ends in the middle of a line'
    if (this.#stage === 'signature') return 'it ends before the signature'
    return undefined
  }
}
