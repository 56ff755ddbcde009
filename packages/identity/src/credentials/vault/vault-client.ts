import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '@sallyport/core'
import { isLate, StoreConnections, type StoreAnswer } from '../stores/ask-json.ts'
import { Circuit } from '../stores/circuit.ts'
import { StoreProblem } from '../stores/store-problem.ts'
import { logInRequest, VaultLogin } from './vault-login.ts'
import type { VaultSettings } from './settings.ts'

/** What is asked of Vault. @see https://developer.hashicorp.com/vault/api-docs */
export interface VaultQuestion {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** Below `/v1/`, encoded. */
  readonly path: string
  readonly body?: Readonly<Record<string, string | number | boolean>>
  /** Asked twice it does more than once: it is not asked again where the first may have been heard. */
  readonly isOnce?: boolean
}

export interface VaultReply {
  readonly body: unknown
  /** By which it was asked: what came of it ends with it. */
  readonly login: VaultLogin
}

/**
 * One Vault, as the gateway uses it: logs in when first asked, renews its token at two thirds of its time, logs in anew where that ends
 * or Vault knows it no more. Tries again where Vault is busy, a moment, and not at all while it is dead.
 */
export class VaultClient implements AsyncDisposable {
  readonly #settings: VaultSettings
  readonly #clock: Clock
  readonly #connections: StoreConnections
  readonly #circuit: Circuit
  readonly #ended = new AbortController()
  #login: Promise<VaultLogin> | undefined
  #loggedInMs = -Infinity
  /** Those whose tokens are still renewed, each with what is made by it. */
  readonly #renewals = new Set<NodeJS.Timeout>()
  readonly #ours = new Set<VaultLogin>()

  constructor(settings: VaultSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
    this.#connections = new StoreConnections(this.#words, settings.address, settings.certificateAuthority)
    this.#circuit = new Circuit(this.#words, clock)
  }

  /** @throws StoreProblem */
  async ask(question: VaultQuestion, until: AbortSignal): Promise<VaultReply> {
    const signal = AbortSignal.any([until, AbortSignal.timeout(askMs)])
    return this.#circuit.run(async () => {
      try {
        return await this.#ask(question, signal)
      } catch (thrown) {
        // That somebody left is no failure of Vault's.
        until.throwIfAborted()
        throw thrown
      }
    })
  }

  /** Whether it can be used: for `doctor`. @throws StoreProblem that says what is wrong */
  async check(signal: AbortSignal): Promise<{ readonly tokenLastsMs: number }> {
    const { status } = await this.#send({ method: 'GET', path: 'sys/health' }, undefined, signal)
    if (status === 501) throw new StoreProblem('unavailable', `${this.#words} is not initialized`)
    if (status === 503) throw new StoreProblem('unavailable', `${this.#words} is sealed`)
    const { login } = await this.ask({ method: 'GET', path: 'auth/token/lookup-self' }, signal)
    return { tokenLastsMs: login.leftMs }
  }

  /** Tokens that were made for this gateway are given back, and with them all that may be left of what was made by them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort()
    for (const timer of this.#renewals) clearTimeout(timer)
    const limit = AbortSignal.timeout(farewellMs)
    await Promise.allSettled(
      Array.from(this.#ours, (login) =>
        this.#send({ method: 'POST', path: 'auth/token/revoke-self' }, login, limit),
      ),
    )
    this.#connections[Symbol.dispose]()
  }

  get #words(): string {
    return `Vault ${this.#settings.name}`
  }

  async #ask(question: VaultQuestion, signal: AbortSignal): Promise<VaultReply> {
    const login = await this.#loggedIn(signal)
    const answer = await this.#try(question, login, signal)
    // Vault says the same of a token that it has forgotten and of one that may not do this.
    if (answer.status !== 403 || this.#clock.elapsed() - this.#loggedInMs < betweenLogInsMs)
      return { body: this.#good(answer, question), login }
    this.#login = undefined
    const anew = await this.#loggedIn(signal)
    return { body: this.#good(await this.#try(question, anew, signal), question), login: anew }
  }

  async #loggedIn(signal: AbortSignal): Promise<VaultLogin> {
    const known = await this.#login?.catch(() => undefined)
    if (known !== undefined && !known.isEnding) return known
    if (known !== undefined) this.#login = undefined
    // One for all who wait: none of them may take it from the others by leaving.
    this.#login ??= this.#logIn().catch((thrown: unknown) => {
      this.#login = undefined
      throw thrown
    })
    signal.throwIfAborted()
    return this.#login
  }

  async #logIn(): Promise<VaultLogin> {
    const request = await logInRequest(this.#settings)
    const { auth } = this.#settings
    if (request === undefined && auth.method === 'token') {
      const token = await auth.token()
      const asked = { method: 'GET', path: 'auth/token/lookup-self' } as const
      const answer = await this.#try(asked, { token }, this.#ended.signal)
      return this.#begin(VaultLogin.lookedUp(this.#words, token, this.#good(answer, asked), this.#clock))
    }
    const asked = { method: 'POST', ...request! } as const
    const answer = await this.#try(asked, undefined, this.#ended.signal)
    if (answer.status === 400 || answer.status === 403)
      throw new StoreProblem(
        'refused',
        `${this.#words} refuses our log-in by ${auth.method} (${answer.status})`,
      )
    const login = VaultLogin.answered(this.#words, this.#good(answer, asked), this.#clock)
    this.#ours.add(login)
    return this.#begin(login)
  }

  #begin(login: VaultLogin): VaultLogin {
    this.#loggedInMs = this.#clock.elapsed()
    this.#renewLater(login, (login.leftMs * 2) / 3)
    return login
  }

  #renewLater(login: VaultLogin, inMs: number): void {
    if (!login.isRenewable || this.#ended.signal.aborted) {
      if (!login.isRenewable && login.leftMs <= 0) this.#ours.delete(login)
      return
    }
    const timer = setTimeout(
      () => {
        this.#renewals.delete(timer)
        void this.#renew(login)
      },
      Math.min(Math.max(inMs, leastRenewalMs), farthestMs),
    ).unref()
    this.#renewals.add(timer)
  }

  async #renew(login: VaultLogin): Promise<void> {
    try {
      const asked = { method: 'POST', path: 'auth/token/renew-self' } as const
      const answer = await this.#try(asked, login, this.#ended.signal)
      if (answer.status === 403) return void this.#ours.delete(login)
      login.renewed(this.#good(answer, asked))
      this.#renewLater(login, (login.leftMs * 2) / 3)
    } catch {
      // Whoever needs it next hears why, if it is still so.
      if (login.leftMs > 0) this.#renewLater(login, login.leftMs / 10)
    }
  }

  /** Where Vault is busy or cannot be reached for a moment, again. @throws StoreProblem unavailable */
  async #try(
    question: VaultQuestion,
    login: Pick<VaultLogin, 'token'> | undefined,
    signal: AbortSignal,
  ): Promise<StoreAnswer> {
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt === mostAttempts
      let askedMs = 0
      try {
        const answer = await this.#send(question, login, signal)
        if (!busy.has(answer.status) || isLast) return answer
        if (question.isOnce === true && !unheard.has(answer.status)) return answer
        askedMs = answer.retryAfterMs ?? 0
        if (askedMs > longestWaitMs) return answer
      } catch (thrown) {
        if (isLast || question.isOnce === true || signal.aborted || isLate(thrown)) throw thrown
      }
      await wait(Math.max(askedMs, firstWaitMs * 2 ** (attempt - 1)), undefined, { signal }).catch(() => {
        throw new StoreProblem('unavailable', `${this.#words} does not answer in time`)
      })
    }
  }

  #send(
    { method, path, body }: VaultQuestion,
    login: Pick<VaultLogin, 'token'> | undefined,
    signal: AbortSignal,
  ): Promise<StoreAnswer> {
    const { address, namespace } = this.#settings
    return this.#connections.ask({
      method,
      url: new URL(`/v1/${path}`, address),
      headers: {
        // Asked for by listeners with `require_request_header`.
        'x-vault-request': 'true',
        ...(login !== undefined && { 'x-vault-token': login.token.reveal() }),
        ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal,
    })
  }

  /** @throws StoreProblem in our own words: Vault's may quote what it was asked, or what a database said */
  #good({ status, body }: StoreAnswer, { path }: VaultQuestion): unknown {
    if (status >= 200 && status < 300) return body
    const where = `${this.#words}, ${path.replace(/\?.*/, '')}`
    if (status >= 300 && status < 400)
      throw new StoreProblem(
        'unavailable',
        `${where}: a redirect, which is not followed: name the active server's address, or let standbys forward`,
      )
    switch (status) {
      case 400:
        throw new StoreProblem('refused', `${where}: it takes this for no good request (400)`)
      case 403:
        throw new StoreProblem(
          'refused',
          `${where}: permission denied (403): see the policies of the gateway's token`,
        )
      case 404:
        throw new StoreProblem('missing', `${where}: there is nothing (404)`)
      case 429:
        throw new StoreProblem('unavailable', `${where}: too many requests (429)`)
      case 503:
        throw new StoreProblem('unavailable', `${where}: it is sealed, or under maintenance (503)`)
      default:
        throw new StoreProblem(
          status >= 500 || busy.has(status) ? 'unavailable' : 'malformed',
          `${where}: it failed (${status})`,
        )
    }
  }
}

/** 412: a replica that is not up to date. 472, 473: standbys of replication. */
const busy: ReadonlySet<number> = new Set([412, 429, 472, 473, 502, 503, 504])
/** Those that say that nothing was done. */
const unheard: ReadonlySet<number> = new Set([412, 429, 472, 473, 503])
/** With all attempts, and a log-in where one is needed: less than a client's log-in may take. */
const askMs = 12_000
const mostAttempts = 3
const firstWaitMs = 250
const longestWaitMs = 2_000
/** A log-in that Vault has just answered is not doubted. */
const betweenLogInsMs = 5_000
const leastRenewalMs = 1_000
const farthestMs = 86_400_000
const farewellMs = 2_000
