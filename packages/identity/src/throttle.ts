import { isIPv4, isIPv6 } from 'node:net'
import { refusal, type Clock, type Refusal } from '@sallyport/core'

/** A bucket that failures fill and time empties. Full is too much. */
interface Limit {
  readonly failures: number
  /** After this long one failure is forgotten. */
  readonly forgetOneMs: number
}

/** Generous to offices behind one address; all guesses of one go through here. */
const perSource: Limit = { failures: 30, forgetOneMs: 2_000 }
/** Low enough that a password is not guessed, and forgotten soon enough that nobody is locked out for long. */
const perName: Limit = { failures: 10, forgetOneMs: 30_000 }
/** Of each kind. The least full go first where there are more. */
const maxRemembered = 10_000

/**
 * Counts failed log-ins by source and by whom they were for. A key is a client's address, with or without its port, or anything else:
 * the id of a principal, whether or not it exists. A success does not wipe out what its source did.
 */
export class Throttle {
  readonly #sources: Buckets
  readonly #names: Buckets

  constructor(clock: Clock, limits = { perSource, perName, maxRemembered }) {
    this.#sources = new Buckets(clock, limits.perSource, limits.maxRemembered)
    this.#names = new Buckets(clock, limits.perName, limits.maxRemembered)
  }

  /** Ask before anything costly or telling is done. @returns a Refusal where any of the keys has failed too often */
  check(...keys: readonly string[]): Refusal | undefined {
    const waits = keys.map((key) => {
      const source = sourceOf(key)
      return source === undefined ? this.#names.waitMs(key) : this.#sources.waitMs(source)
    })
    const waitMs = Math.max(0, ...waits)
    if (waitMs === 0) return undefined
    return refusal(
      'throttled',
      'too many failed log-ins',
      `wait ${Math.ceil(waitMs / 1000)} seconds and try again`,
    )
  }

  failed(...keys: readonly string[]): void {
    for (const key of keys) {
      const source = sourceOf(key)
      if (source === undefined) this.#names.fill(key)
      else this.#sources.fill(source)
    }
  }

  succeeded(...keys: readonly string[]): void {
    for (const key of keys) if (sourceOf(key) === undefined) this.#names.empty(key)
  }
}

class Buckets {
  readonly #clock: Clock
  readonly #limit: Limit
  readonly #maxBuckets: number
  /** When each will be empty again. Kept in the order of their last failure. */
  readonly #emptyAtMs = new Map<string, number>()

  constructor(clock: Clock, limit: Limit, maxBuckets: number) {
    this.#clock = clock
    this.#limit = limit
    this.#maxBuckets = maxBuckets
  }

  /** How long until one more failure fits; 0 where it fits now. */
  waitMs(key: string): number {
    const { failures, forgetOneMs } = this.#limit
    const fullness = (this.#emptyAtMs.get(key) ?? 0) - this.#clock.elapsed()
    return Math.max(0, fullness - (failures - 1) * forgetOneMs)
  }

  fill(key: string): void {
    const now = this.#clock.elapsed()
    const { failures, forgetOneMs } = this.#limit
    const emptyAt = Math.max(this.#emptyAtMs.get(key) ?? 0, now) + forgetOneMs
    this.#emptyAtMs.delete(key)
    this.#emptyAtMs.set(key, Math.min(emptyAt, now + failures * forgetOneMs))
    if (this.#emptyAtMs.size > this.#maxBuckets) this.#makeRoom(now)
  }

  empty(key: string): void {
    this.#emptyAtMs.delete(key)
  }

  /** Forgets the empty ones, then, so that a flood of new keys does not free those that are blocked, the least full tenth. */
  #makeRoom(now: number): void {
    for (const [key, emptyAt] of this.#emptyAtMs) if (emptyAt <= now) this.#emptyAtMs.delete(key)
    if (this.#emptyAtMs.size <= this.#maxBuckets) return
    const surplus = this.#emptyAtMs.size - Math.floor(this.#maxBuckets * 0.9)
    const leastFull = [...this.#emptyAtMs].toSorted(([, a], [, b]) => a - b).slice(0, surplus)
    for (const [key] of leastFull) this.#emptyAtMs.delete(key)
  }
}

/**
 * One key for all that one party can easily speak from: an IPv4 address, or the /64 of an IPv6 one.
 * @returns undefined for what is no address
 */
export function sourceOf(key: string): string | undefined {
  const bracketed = /^\[([^\]]+)\](:\d+)?$/.exec(key)?.[1]
  const host = (bracketed ?? (isIPv6(key) ? key : key.replace(/:\d+$/, ''))).replace(/%.*$/, '')
  if (isIPv4(host)) return host
  if (!isIPv6(host)) return undefined
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1]
  return mapped ?? networkOf(host)
}

/** The first four groups, written in one way. RFC 4291 §2.2 */
function networkOf(host: string): string {
  const [head = '', tail = ''] = host.split('::')
  const before = head === '' ? [] : head.split(':')
  const after =
    tail === '' ? [] : tail.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]))
  const gap = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0')
  const groups = [...before, ...gap, ...after].slice(0, 4)
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}
