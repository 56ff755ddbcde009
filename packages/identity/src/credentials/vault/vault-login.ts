import { Secret, type Clock } from '@sallyport/core'
import { StoreProblem } from '../stores/store-problem.ts'
import type { VaultSettings } from './settings.ts'

/** A token of Vault's for the gateway, and how long it is good. All that is made by it ends with it. */
export class VaultLogin {
  readonly token: Secret
  readonly #clock: Clock
  /** By the clock that nobody sets. */
  #endsMs: number
  #lastsMs: number
  #isRenewable: boolean

  private constructor(token: Secret, clock: Clock, seconds: number, isRenewable: boolean) {
    this.token = token
    this.#clock = clock
    this.#lastsMs = seconds === 0 ? Infinity : seconds * 1000
    this.#endsMs = clock.elapsed() + this.#lastsMs
    this.#isRenewable = isRenewable
  }

  get leftMs(): number {
    return this.#endsMs - this.#clock.elapsed()
  }

  get isRenewable(): boolean {
    return this.#isRenewable && this.#lastsMs !== Infinity
  }

  /** Too little is left of it to begin anything by it. */
  get isEnding(): boolean {
    return this.leftMs < Math.min(this.#lastsMs / 10, leastLeftMs)
  }

  /** It lasts so long from now. */
  renewed(answer: unknown): void {
    const { lease_duration: seconds, renewable } = authOf(answer)
    if (typeof seconds !== 'number' || seconds <= 0) return
    const endsMs = this.#clock.elapsed() + seconds * 1000
    // Where it gains nothing, Vault has come to its longest time.
    this.#isRenewable = renewable === true && endsMs > this.#endsMs + leastGainMs
    this.#lastsMs = seconds * 1000
    this.#endsMs = endsMs
  }

  /** @throws StoreProblem malformed */
  static answered(name: string, answer: unknown, clock: Clock): VaultLogin {
    const { client_token: token, lease_duration: seconds, renewable } = authOf(answer)
    if (typeof token !== 'string' || token === '' || typeof seconds !== 'number')
      throw new StoreProblem('malformed', `${name} answers the log-in without a token`)
    return new VaultLogin(new Secret(token), clock, seconds, renewable === true)
  }

  /** Of a token that we were given: what Vault says of it. @throws StoreProblem malformed */
  static lookedUp(name: string, token: Secret, answer: unknown, clock: Clock): VaultLogin {
    const { ttl, renewable } =
      (answer as { data?: { ttl?: unknown; renewable?: unknown } } | undefined)?.data ?? {}
    if (typeof ttl !== 'number') throw new StoreProblem('malformed', `${name} says nothing of our token`)
    return new VaultLogin(token, clock, ttl, renewable === true)
  }
}

/** What is sent to log in, and where to. A token needs none. */
export async function logInRequest({
  auth,
}: Pick<VaultSettings, 'auth'>): Promise<{ path: string; body: Record<string, string> } | undefined> {
  switch (auth.method) {
    case 'token':
      return undefined
    case 'approle': {
      const secretId = (await auth.secretId()).reveal()
      return { path: `auth/${auth.mount}/login`, body: { role_id: auth.roleId, secret_id: secretId } }
    }
    case 'kubernetes':
    case 'jwt':
      return {
        path: `auth/${auth.mount}/login`,
        body: { role: auth.role, jwt: (await auth.jwt()).reveal() },
      }
  }
}

interface Auth {
  readonly client_token?: unknown
  readonly lease_duration?: unknown
  readonly renewable?: unknown
}

function authOf(answer: unknown): Auth {
  return (answer as { auth?: Auth | null } | undefined)?.auth ?? {}
}

const leastLeftMs = 30_000
const leastGainMs = 1_000
