import { hash, randomInt } from 'node:crypto'
import { isRefusal, refusal, Secret, type Clock, type Refusal, type Subject } from '@sallyport/core'
import { mintOpaque } from './opaque-token.ts'
import { sourceOf, Throttle } from './throttle.ts'
import type { MintedToken, Tokens } from './tokens.ts'

/** Who asks to be signed in by somebody in a browser. */
export interface AskingDevice {
  readonly userCode: string
  /** What it says it is: `sallyport login`, `ssh`. */
  readonly program: string
  /** Where it asks from. */
  readonly address: string
  readonly askedAtMs: number
}

/** What a device shows, and what it waits with. */
export interface BegunDevice {
  /** Where the person goes. */
  readonly url: string
  /** Typed or compared by a person. */
  readonly userCode: string
  /** By which the device asks for its token; nobody else sees it. */
  readonly deviceCode: Secret
  readonly expiresAtMs: number
}

/** Who lets a device in: a living token of theirs, which they have shown. */
export interface Approver {
  readonly subject: Subject
  readonly token: { readonly id: string }
}

interface Pending extends AskingDevice {
  readonly expiresAtMs: number
  readonly source: string
  /** Wakes whoever waits. */
  readonly answered: PromiseWithResolvers<void>
  by: Approver | 'denied' | undefined
}

/**
 * Sign-ins that one program begins and a person completes in a browser, as RFC 8628 has it. They are kept in memory: they live
 * {@link deviceMs}, and a gateway that starts anew has forgotten them.
 */
export class DeviceSignIns {
  readonly #tokens: Pick<Tokens, 'mint'>
  readonly #clock: Clock
  readonly #byUserCode = new Map<string, Pending>()
  readonly #byDevice = new Map<string, Pending>()
  readonly #wrong: Throttle
  /** The page where people complete them. Nobody can begin before that is known. */
  pageUrl: string | undefined

  constructor(tokens: Pick<Tokens, 'mint'>, clock: Clock) {
    this.#tokens = tokens
    this.#clock = clock
    this.#wrong = new Throttle(clock, { perSource: wrongTries, perName: wrongTries, maxRemembered: 10_000 })
  }

  begin(program: string, address: string): BegunDevice | Refusal {
    this.#forgetOver()
    const { pageUrl: url } = this
    if (url === undefined) return notSetUp
    const source = sourceOf(address) ?? address
    const mine = [...this.#byDevice.values()].filter((one) => one.source === source)
    if (mine.length >= maxPendingOfSource || this.#byDevice.size >= maxPending)
      return refusal(
        'throttled',
        'too many sign-ins are waiting',
        'complete or let lapse those that are, and try again',
      )
    let userCode = newUserCode()
    while (this.#byUserCode.has(userCode)) userCode = newUserCode()
    const { token: deviceCode, hash: key } = mintOpaque('spd')
    const askedAtMs = this.#clock.now()
    const expiresAtMs = askedAtMs + deviceMs
    const answered = Promise.withResolvers<void>()
    const pending: Pending = {
      program: plain(program),
      address,
      askedAtMs,
      userCode,
      expiresAtMs,
      source,
      answered,
      by: undefined,
    }
    this.#byUserCode.set(userCode, pending)
    this.#byDevice.set(key, pending)
    return { url, userCode, deviceCode, expiresAtMs }
  }

  /** Who asks by a code that a person has typed, at an address that has not guessed too often. */
  look(code: string, address: string): AskingDevice | Refusal {
    return this.#find(code, address)
  }

  /** A person, signed in at `address`, lets the device in as themselves, or sends it away. Each code once. */
  answer(code: string, address: string, by: Approver | 'denied'): AskingDevice | Refusal {
    const pending = this.#find(code, address)
    if (isRefusal(pending)) return pending
    this.#byUserCode.delete(pending.userCode)
    pending.by = by
    pending.answered.resolve()
    return pending
  }

  /**
   * The device's token, once a person has let it in, and then never again.
   * @param signal ends the wait for that
   */
  async take(deviceCode: Secret, signal: AbortSignal): Promise<MintedToken | Refusal | 'pending'> {
    const key = keyOf(deviceCode)
    const pending = this.#living(key)
    if (pending === undefined) return over
    await Promise.race([pending.answered.promise, aborted(signal)])
    const { by } = pending
    if (by === undefined) return this.#living(key) === undefined ? over : 'pending'
    if (!this.#byDevice.delete(key)) return over
    if (by === 'denied') return denied
    const minted = await this.#tokens.mint(by.subject, {
      principalId: by.subject.principal.id,
      label: pending.program,
      signedInBy: by.token.id,
    })
    return isRefusal(minted) ? over : minted
  }

  /** {@link take}, until there is an answer, or `signal` gives it up. */
  async wait(deviceCode: Secret, signal: AbortSignal): Promise<MintedToken | Refusal> {
    for (;;) {
      const turn = AbortSignal.any([signal, AbortSignal.timeout(turnMs)])
      const taken = await this.take(deviceCode, turn)
      if (taken !== 'pending') return taken
      if (!signal.aborted) continue
      this.forget(deviceCode)
      return over
    }
  }

  /** The device has left. */
  forget(deviceCode: Secret): void {
    const key = keyOf(deviceCode)
    const pending = this.#byDevice.get(key)
    if (pending !== undefined) this.#drop(key, pending)
  }

  #find(code: string, address: string): Pending | Refusal {
    const throttled = this.#wrong.check(address)
    if (throttled !== undefined) return refusal('throttled', 'too many wrong codes', throttled.next)
    this.#forgetOver()
    const pending = this.#byUserCode.get(asShown(code))
    if (pending !== undefined) return pending
    this.#wrong.failed(address)
    return unknownCode
  }

  #living(key: string): Pending | undefined {
    this.#forgetOver()
    return this.#byDevice.get(key)
  }

  /** They all live equally long, so that the first are over first. */
  #forgetOver(): void {
    for (const [key, pending] of this.#byDevice) {
      if (pending.expiresAtMs > this.#clock.now()) return
      this.#drop(key, pending)
    }
  }

  #drop(key: string, pending: Pending): void {
    this.#byDevice.delete(key)
    this.#byUserCode.delete(pending.userCode)
    pending.answered.resolve()
  }
}

/** However it was typed: `bcdf ghjk` is `BCDF-GHJK`. */
function asShown(code: string): string {
  const letters = code.toUpperCase().replaceAll(/[^A-Z]/g, '')
  return `${letters.slice(0, 4)}-${letters.slice(4)}`
}

function newUserCode(): string {
  return asShown(Array.from({ length: codeLetters }, () => alphabet[randomInt(alphabet.length)]).join(''))
}

function keyOf(deviceCode: Secret): string {
  return hash('sha256', deviceCode.reveal(), 'hex')
}

/** What a program calls itself is shown to the person who is to trust it. */
function plain(program: string): string {
  return program.replaceAll(/[^\x20-\x7e]/g, '').slice(0, 40) || 'a program'
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

const notSetUp = refusal('unsupported', 'nobody can sign in just now', 'try again in a minute')
const unknownCode = refusal(
  'invalid-credential',
  'there is no such code, or its time is over',
  'compare it with what is shown, or begin anew',
)
const over = refusal('invalid-credential', 'the sign-in was not completed in time', 'begin anew')
const denied = refusal('denied', 'the sign-in was sent away')
/** No vowels, so that no code is a word, and nothing that looks like something else. RFC 8628 section 6.1 */
const alphabet = 'BCDFGHJKLMNPQRSTVWXZ'
const codeLetters = 8
/** Its end is looked for so often. */
const turnMs = 5_000
const deviceMs = 600_000
/** Five, and one more every 12 seconds. */
const wrongTries = { failures: 5, forgetOneMs: 12_000 }
export const maxPendingOfSource = 20
const maxPending = 1000
