import type { TicketMisuse } from '../events.ts'

/** A single-use permission for one agent to deliver one connection. */
interface Ticket<T> {
  readonly agent: string
  readonly issuedAtMs: number
  /** Of one that is not open, nothing is kept alive by what it was for. */
  state: { readonly purpose: T } | 'used' | 'withdrawn'
}

export type Redemption<T> =
  | { readonly kind: 'accepted'; readonly purpose: T }
  | { readonly kind: 'misused'; readonly why: Exclude<TicketMisuse, 'missing'> }

/**
 * Dial tickets: 128 random bits, bound to one agent and one purpose, good once and for a short time. Spent ones are remembered
 * for a while, so that misuse can be named; nothing depends on that memory.
 */
export class Tickets<T> {
  readonly #tickets = new Map<string, Ticket<T>>()
  readonly #lifetimeMs: number
  readonly #elapsed: () => number
  readonly #random: (bytes: number) => Buffer

  constructor(options: {
    readonly lifetimeMs: number
    readonly elapsed: () => number
    readonly random: (bytes: number) => Buffer
  }) {
    this.#lifetimeMs = options.lifetimeMs
    this.#elapsed = options.elapsed
    this.#random = options.random
  }

  issue(agent: string, purpose: T): Buffer {
    this.#forget()
    const bytes = this.#random(ticketBytes)
    this.#tickets.set(key(bytes), { agent, issuedAtMs: this.#elapsed(), state: { purpose } })
    return bytes
  }

  redeem(bytes: Uint8Array, agent: string): Redemption<T> {
    this.#forget()
    const ticket = this.#tickets.get(key(bytes))
    if (ticket === undefined) return { kind: 'misused', why: 'unknown' }
    // Another agent's attempt does not spend it: that would let one agent starve another.
    if (ticket.agent !== agent) return { kind: 'misused', why: 'foreign' }
    if (ticket.state === 'used') return { kind: 'misused', why: 'reused' }
    if (ticket.state === 'withdrawn' || this.#elapsed() - ticket.issuedAtMs > this.#lifetimeMs)
      return { kind: 'misused', why: 'late' }
    const { purpose } = ticket.state
    ticket.state = 'used'
    return { kind: 'accepted', purpose }
  }

  /** What an open ticket of this agent is for. */
  purposeOf(bytes: Uint8Array, agent: string): T | undefined {
    const ticket = this.#tickets.get(key(bytes))
    return ticket?.agent === agent && typeof ticket.state === 'object' ? ticket.state.purpose : undefined
  }

  /** Nobody waits for it any more: whoever shows it is late. */
  withdraw(bytes: Uint8Array): void {
    const ticket = this.#tickets.get(key(bytes))
    if (typeof ticket?.state === 'object') ticket.state = 'withdrawn'
  }

  /** What is open for an agent. */
  openOf(agent: string): T[] {
    return [...this.#tickets.values()].flatMap((ticket) =>
      ticket.agent === agent && typeof ticket.state === 'object' ? [ticket.state.purpose] : [],
    )
  }

  /** How many are remembered. */
  get size(): number {
    return this.#tickets.size
  }

  /** Tickets are kept in the order they were issued: the oldest come first. */
  #forget(): void {
    const before = this.#elapsed() - this.#lifetimeMs - rememberMs
    for (const [name, ticket] of this.#tickets) {
      if (ticket.issuedAtMs >= before) return
      this.#tickets.delete(name)
    }
  }
}

function key(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

export const ticketBytes = 16
const rememberMs = 60_000
