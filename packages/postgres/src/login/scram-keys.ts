import { createHmac, createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { RecentCache } from '@sallyport/core'

/** What a client proves and a server answers with. RFC 5802, section 3. */
export interface ScramKeys {
  readonly client: Buffer
  readonly server: Buffer
}

/** PBKDF2 with HMAC-SHA-256 to 32 bytes: the salted password. */
export type Derive = (password: string, salt: Buffer, iterations: number) => Promise<Buffer>

/** Accounts, about: a server gives an account one salt. */
const maxKept = 256
/** So long after they were derived nothing of them is left: a password may have been changed or taken back. */
const keptMs = 10 * 60_000

/**
 * The keys of passwords, which servers ask us to derive by thousands of hashes: once for an account, not for each of its sessions. A
 * client may keep them (RFC 5802, section 3). They are found by password, salt and iterations together, under a key of this process:
 * what is kept names no password, and a server with another salt gets nothing of it.
 */
export class ScramKeyring {
  readonly #derive: Derive
  readonly #naming = createSecretKey(randomBytes(32))
  #kept = newCache()
  #isForgetting = false

  constructor(derive: Derive) {
    this.#derive = derive
  }

  /** @param password normalised */
  get(password: string, salt: Buffer, iterations: number): Promise<ScramKeys> {
    const name = createHmac('sha256', this.#naming)
      .update(`${iterations} ${salt.toString('base64')} ${password}`)
      .digest('base64')
    const kept = this.#kept.get(name)
    if (kept !== undefined) return kept
    const keys = this.#keysOf(password, salt, iterations)
    this.#kept.set(name, keys)
    keys.catch(() => this.#kept.delete(name))
    if (!this.#isForgetting) setTimeout(this.#forget, keptMs).unref()
    this.#isForgetting = true
    return keys
  }

  /** All at once: one timer, however many salts a server makes up. */
  readonly #forget = (): void => {
    this.#kept = newCache()
    this.#isForgetting = false
  }

  async #keysOf(password: string, salt: Buffer, iterations: number): Promise<ScramKeys> {
    const salted = createSecretKey(await this.#derive(password, salt, iterations))
    return { client: hmac(salted, 'Client Key'), server: hmac(salted, 'Server Key') }
  }
}

function newCache(): RecentCache<string, Promise<ScramKeys>> {
  return new RecentCache(maxKept)
}

export function hmac(key: KeyObject, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
