import type { DetachReason } from '../events.ts'
import type { CarriedStream } from '../carry.ts'
import type { Attachment } from './attachment.ts'

/** An agent that is attached now. */
export interface AttachedAgent {
  readonly id: string
  readonly pool: string
  readonly name: string
  readonly version: string
  /** `host:port`. */
  readonly address: string
  /** Milliseconds since 1970. */
  readonly attachedAtMs: number
  readonly rttMs: number | undefined
  /** Connections that it carries. */
  readonly streams: number
  readonly isDraining: boolean
}

/** Which agents are attached, and what they carry. An agent's connections outlive its control stream. */
export class Agents {
  readonly #attached = new Map<string, Attachment>()
  readonly #streams = new Map<string, Set<CarriedStream>>()
  readonly #streamsPerAgent: number

  constructor(streamsPerAgent: number) {
    this.#streamsPerAgent = streamsPerAgent
  }

  get(id: string): Attachment | undefined {
    return this.#attached.get(id)
  }

  /** Puts an attachment in the place of the agent's earlier one, which ends without its connections. */
  put(attachment: Attachment): void {
    const { id } = attachment.as
    const earlier = this.#attached.get(id)
    this.#attached.set(id, attachment)
    earlier?.end('replaced')
  }

  /** False where another attachment is in its place already. */
  drop(attachment: Attachment): boolean {
    if (this.#attached.get(attachment.as.id) !== attachment) return false
    return this.#attached.delete(attachment.as.id)
  }

  /** The agent of a pool that carries least, of those that were not tried; `full` where each carries all it may. */
  choose(pool: string, tried: ReadonlySet<string>): Attachment | 'none' | 'full' {
    let best: Attachment | 'none' | 'full' = 'none'
    let fewest = this.#streamsPerAgent
    for (const attachment of this.#attached.values()) {
      const { id, pool: itsPool } = attachment.as
      if (itsPool !== pool || tried.has(id) || attachment.isDraining) continue
      const streams = this.streamsOf(id)
      if (streams < fewest) {
        best = attachment
        fewest = streams
      } else if (best === 'none') best = 'full'
    }
    return best
  }

  carry(id: string, stream: CarriedStream): void {
    const streams = this.#streams.get(id) ?? new Set()
    this.#streams.set(id, streams.add(stream))
    stream.once('close', () => {
      streams.delete(stream)
      if (streams.size === 0) this.#streams.delete(id)
    })
  }

  streamsOf(id: string): number {
    return this.#streams.get(id)?.size ?? 0
  }

  /** Connections of all agents. */
  get streams(): CarriedStream[] {
    return [...this.#streams.values()].flatMap((streams) => [...streams])
  }

  /** Every agent that is attached or carries something. */
  get ids(): Set<string> {
    return new Set([...this.#attached.keys(), ...this.#streams.keys()])
  }

  get attachments(): Attachment[] {
    return [...this.#attached.values()]
  }

  list(): AttachedAgent[] {
    return this.attachments.map((attachment) => ({
      id: attachment.as.id,
      pool: attachment.as.pool,
      name: attachment.as.name,
      version: attachment.as.version,
      address: attachment.as.address,
      attachedAtMs: attachment.attachedAtMs,
      rttMs: attachment.rttMs,
      streams: this.streamsOf(attachment.as.id),
      isDraining: attachment.isDraining,
    }))
  }

  /** Ends an agent's control stream and connections. Returns how many connections there were. */
  cut(id: string, why: DetachReason, fault: Error): number {
    this.#attached.get(id)?.end(why)
    const streams = [...(this.#streams.get(id) ?? [])]
    for (const stream of streams) stream.destroy(fault)
    return streams.length
  }
}
