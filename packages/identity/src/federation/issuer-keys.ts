import { createLocalJWKSet, errors, type CryptoKey, type JWK, type JWSHeaderParameters } from 'jose'
import type { Clock } from '@sallyport/core'
import { isObject } from './jwt.ts'

/** A key, or why there is none. */
export type FoundKey = { readonly key: CryptoKey } | { readonly why: string }

/** Answers with an issuer's key set as it is published. Rejects where it cannot be had. */
export type FetchKeySet = () => Promise<unknown>

type Choose = ReturnType<typeof createLocalJWKSet>

/**
 * An issuer's public keys. Looked up anew when they are {@link freshMs} old or do not have the key that is asked for, one look-up at
 * a time and {@link pauseMs} apart at least, whoever asks for what. While that fails the last ones stand until they are
 * {@link maxAgeMs} old, and then there are none.
 */
export class IssuerKeys {
  readonly #fetch: FetchKeySet
  readonly #clock: Pick<Clock, 'elapsed'>
  #known: { readonly choose: Choose; readonly atMs: number } | undefined
  #fetching: Promise<void> | undefined
  #triedAtMs = Number.NEGATIVE_INFINITY

  constructor(fetch: FetchKeySet, clock: Pick<Clock, 'elapsed'>) {
    this.#fetch = fetch
    this.#clock = clock
  }

  async find(header: JWSHeaderParameters): Promise<FoundKey> {
    if (this.#ageMs >= freshMs) await this.#refresh()
    const found = await this.#look(header)
    if (found !== 'none of this name') return found
    const before = this.#known
    await this.#refresh()
    const again = this.#known === before ? found : await this.#look(header)
    return again === 'none of this name' ? { why: 'its key is none of its issuer’s' } : again
  }

  get #ageMs(): number {
    return this.#known === undefined ? Number.POSITIVE_INFINITY : this.#clock.elapsed() - this.#known.atMs
  }

  async #look(header: JWSHeaderParameters): Promise<FoundKey | 'none of this name'> {
    if (this.#known === undefined || this.#ageMs >= maxAgeMs)
      return { why: 'the keys of its issuer cannot be had' }
    try {
      return { key: await this.#known.choose(header) }
    } catch (thrown) {
      if (thrown instanceof errors.JWKSNoMatchingKey) return 'none of this name'
      if (thrown instanceof errors.JWKSMultipleMatchingKeys)
        return { why: 'it does not say by which key it is signed' }
      return { why: 'the key that it names cannot be used' }
    }
  }

  #refresh(): Promise<void> {
    const isTooSoon = this.#clock.elapsed() - this.#triedAtMs < pauseMs
    if (this.#fetching !== undefined || isTooSoon) return this.#fetching ?? Promise.resolve()
    this.#triedAtMs = this.#clock.elapsed()
    this.#fetching = this.#fetch()
      .then((published) => {
        this.#known = { choose: createLocalJWKSet({ keys: usable(published) }), atMs: this.#clock.elapsed() }
      })
      // Those that we have stand, for a time.
      .catch(() => undefined)
      .finally(() => (this.#fetching = undefined))
    return this.#fetching
  }
}

/** Public keys to verify with. A secret key in a published set would let everybody sign. @throws TypeError where it is no key set */
export function usable(published: unknown): JWK[] {
  const keys = isObject(published) ? published['keys'] : undefined
  if (!Array.isArray(keys) || keys.length > maxKeys) throw new TypeError('that is no set of keys')
  return keys.filter(
    (key): key is JWK =>
      isObject(key) &&
      ['RSA', 'EC', 'OKP'].includes(key['kty'] as string) &&
      !Object.hasOwn(key, 'd') &&
      key['use'] !== 'enc',
  )
}

const freshMs = 600_000
export const pauseMs = 30_000
/** As long as any token of ours lives. */
export const maxAgeMs = 12 * 3_600_000
const maxKeys = 100
