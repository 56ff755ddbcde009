import { createHmac, createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { LruCache } from '../facts/lru-cache.ts'

/** What a client proves and a server answers with. RFC 5802, section 3. */
export interface ScramKeys {
  readonly client: Buffer
  readonly server: Buffer
}

/** PBKDF2 with HMAC-SHA-256 to 32 bytes: the salted password. */
export type Derive = (password: string, salt: Buffer, iterations: number) => Promise<Buffer>

/** Accounts, about: a server gives an account one salt. */
const maxKept = 256
/** So long after a log-in nothing of a password that was changed or taken back is left. */
const keptMs = 10 * 60_000

interface Kept {
  readonly keys: Promise<ScramKeys>
  readonly untilMs: number
}

/**
 * The keys of passwords, which servers ask us to derive by thousands of hashes: once for an account, not for each of its sessions. A
 * client may keep them (RFC 5802, section 3). They are found by password, salt and iterations together, under a key of this process:
 * what is kept names no password, and a server with another salt gets nothing of it.
 */
export class ScramKeyring {
  readonly #derive: Derive
  readonly #elapsed: () => number
  readonly #naming = createSecretKey(randomBytes(32))
  readonly #kept = new LruCache<Kept>(maxKept, maxKept)

  constructor(derive: Derive, elapsed: () => number) {
    this.#derive = derive
    this.#elapsed = elapsed
  }

  /** @param password normalised */
  get(password: string, salt: Buffer, iterations: number): Promise<ScramKeys> {
    const name = createHmac('sha256', this.#naming)
      .update(`${iterations} ${salt.toString('base64')} ${password}`)
      .digest('base64')
    const now = this.#elapsed()
    const kept = this.#kept.get(name)
    if (kept !== undefined && now < kept.untilMs) return kept.keys
    const keys = this.#keysOf(password, salt, iterations)
    this.#kept.set(name, { keys, untilMs: now + keptMs }, 1)
    keys.catch(() => this.#kept.delete(name))
    return keys
  }

  async #keysOf(password: string, salt: Buffer, iterations: number): Promise<ScramKeys> {
    const salted = createSecretKey(await this.#derive(password, salt, iterations))
    return { client: hmac(salted, 'Client Key'), server: hmac(salted, 'Server Key') }
  }
}

export function hmac(key: KeyObject, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
