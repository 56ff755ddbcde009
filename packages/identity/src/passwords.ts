import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { Fault, type Secret } from '@sallyport/core'
import type { RandomBytes } from './opaque-token.ts'
import { Turns } from './turns.ts'

/** Cost of a hash. @see RFC 9106 */
export interface PasswordCost {
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
}

/** @returns what is wrong with a new password, safe to show; undefined where it may be taken */
export function weaknessOf(password: Secret): string | undefined {
  const { length } = password.reveal()
  return length >= minCharacters && length <= maxCharacters
    ? undefined
    : `a password has ${minCharacters} to ${maxCharacters} characters`
}

/**
 * Hashes passwords with Argon2id, outside the main thread, two at a time: the same threads write recordings.
 * A hash says its cost, so that the cost can be raised later: `$argon2id$v=19$m=65536,t=2,p=1$SALT$HASH`.
 */
export class Passwords {
  readonly #cost: PasswordCost
  readonly #random: RandomBytes
  readonly #turns = new Turns(atOnce, maxWaiting)
  /** Verified against where there is no user, so that it takes as long as where there is one. */
  readonly #nobody: string

  constructor(cost: PasswordCost = presentCost, random: RandomBytes = randomBytes) {
    this.#cost = cost
    this.#random = random
    this.#nobody = encode({ cost, salt: random(saltBytes), tag: random(tagBytes) })
  }

  /** @throws Fault gateway/overloaded where too many wait already */
  async hash(password: Secret): Promise<string> {
    const salt = this.#random(saltBytes)
    const tag = await this.#derive(password, { cost: this.#cost, salt, tagBytes })
    return encode({ cost: this.#cost, salt, tag })
  }

  /**
   * @param stored a hash, or null where there is none: that takes as long, and is wrong
   * @returns `wrong` at once where it is longer than any that was taken; `outdated` where it is right, but hashed at another cost than the present one
   * @throws Fault gateway/overloaded where too many wait already
   */
  async verify(password: Secret, stored: string | null): Promise<'right' | 'outdated' | 'wrong'> {
    if (password.reveal().length > maxCharacters) return 'wrong'
    const expected = decode(stored ?? this.#nobody) ?? decode(this.#nobody)
    if (expected === undefined) throw new TypeError('our own hash is readable')
    const { cost, salt, tag } = expected
    const found = await this.#derive(password, { cost, salt, tagBytes: tag.byteLength })
    const isRight = timingSafeEqual(found, tag)
    if (!isRight || stored === null) return 'wrong'
    return isSame(cost, this.#cost) ? 'right' : 'outdated'
  }

  #derive(
    password: Secret,
    how: { readonly cost: PasswordCost; readonly salt: Uint8Array; readonly tagBytes: number },
  ): Promise<Buffer> {
    const parameters = {
      // The same characters typed on another machine may come as other bytes. RFC 8265 §4.2.2
      message: password.reveal().normalize('NFC'),
      nonce: how.salt,
      memory: how.cost.memoryKib,
      passes: how.cost.passes,
      parallelism: how.cost.lanes,
      tagLength: how.tagBytes,
    }
    const derive = (): Promise<Buffer> =>
      new Promise((resolve, reject) => {
        argon2('argon2id', parameters, (error, tag) => (error === null ? resolve(tag) : reject(error)))
      })
    const turn = this.#turns.take(derive)
    if (turn === undefined)
      throw new Fault('gateway/overloaded', 'too many people are signing in just now; try again in a moment')
    return turn
  }
}

interface Encoded {
  readonly cost: PasswordCost
  readonly salt: Uint8Array
  readonly tag: Uint8Array
}

function encode({ cost, salt, tag }: Encoded): string {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=${cost.memoryKib},t=${cost.passes},p=${cost.lanes}$${base64(salt)}$${base64(tag)}`
}

/** undefined where it is no hash of ours, or names a cost that nobody would pay. */
function decode(stored: string): Encoded | undefined {
  const match = form.exec(stored)?.groups
  if (match === undefined) return undefined
  const cost = {
    memoryKib: Number(match['m']),
    passes: Number(match['t']),
    lanes: Number(match['p']),
  }
  const salt = Buffer.from(match['salt'] ?? '', 'base64')
  const tag = Buffer.from(match['tag'] ?? '', 'base64')
  const isPayable =
    cost.lanes >= 1 &&
    cost.lanes <= 16 &&
    cost.passes >= 1 &&
    cost.passes <= 16 &&
    cost.memoryKib >= 8 * cost.lanes &&
    cost.memoryKib <= 1 << 20
  return isPayable && salt.byteLength >= 8 && tag.byteLength >= 16 ? { cost, salt, tag } : undefined
}

function isSame(a: PasswordCost, b: PasswordCost): boolean {
  return a.memoryKib === b.memoryKib && a.passes === b.passes && a.lanes === b.lanes
}

const form =
  /^\$argon2id\$v=19\$m=(?<m>\d{1,7}),t=(?<t>\d{1,2}),p=(?<p>\d{1,2})\$(?<salt>[A-Za-z0-9+/]{11,86})\$(?<tag>[A-Za-z0-9+/]{22,86})$/
/** About 0.1 s and 64 MiB. */
const presentCost: PasswordCost = { memoryKib: 65_536, passes: 2, lanes: 1 }
const minCharacters = 12
const maxCharacters = 256
const saltBytes = 16
const tagBytes = 32
const atOnce = 2
const maxWaiting = 64
