import { refusal, type AuthorizationServer, type Clock, type Refusal } from '@sallyport/core'
import { Throttle } from '../throttle.ts'

/** Where clients of protocols are told to get a token, so often from one address. */
export class Discoveries {
  readonly #asked: Throttle
  /** Nobody is told before it is known. */
  metadataUrl: string | undefined

  constructor(clock: Clock) {
    this.#asked = new Throttle(clock, { perSource: often, perName: often, maxRemembered: 10_000 })
  }

  discover(address: string): AuthorizationServer | Refusal {
    const { metadataUrl } = this
    if (metadataUrl === undefined)
      return refusal('unsupported', 'nobody can sign in just now', 'try again in a minute')
    const throttled = this.#asked.check(address)
    if (throttled !== undefined)
      return refusal('throttled', 'too many log-ins without a token from this address', throttled.next)
    this.#asked.failed(address)
    return { metadataUrl }
  }
}

/** A whole office at once, and one more each second. */
const often = { failures: 60, forgetOneMs: 1_000 }
