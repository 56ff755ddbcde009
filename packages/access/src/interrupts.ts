import { hash, randomBytes } from 'node:crypto'
import type { Interrupts } from '@sallyport/core'

/**
 * Sessions by the key that cancels them. Keys are found by a hash with a secret in it, so that the time of a look-up
 * says nothing about how much of a guess was right.
 */
export class KeyedInterrupts implements Interrupts {
  readonly #secret = randomBytes(32)
  readonly #sessions = new Map<string, () => void>()

  register(key: Uint8Array, fire: () => void): Disposable {
    const name = this.#nameOf(key)
    if (this.#sessions.has(name)) throw new TypeError('this key is registered already')
    this.#sessions.set(name, fire)
    return { [Symbol.dispose]: () => void this.#sessions.delete(name) }
  }

  fire(key: Uint8Array): boolean {
    const fire = this.#sessions.get(this.#nameOf(key))
    fire?.()
    return fire !== undefined
  }

  #nameOf(key: Uint8Array): string {
    return hash('sha256', Buffer.concat([this.#secret, key]), 'base64')
  }
}
