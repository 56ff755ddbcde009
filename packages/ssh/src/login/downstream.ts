import {
  Fault,
  isRefusal,
  refusal,
  Secret,
  type Gate,
  type LoginCredential,
  type Refusal,
  type Session,
} from '@sallyport/core'
import { readLoginName } from '@sallyport/wire'
import { SshConnection } from '../connection/connection.ts'
import { maxLogInAttempts, maxLogInRequests } from '../limits.ts'
import type { SshOptions } from '../options.ts'
import {
  Transport,
  type AuthRequest,
  type KeyboardRequest,
  type PasswordRequest,
  type PublicKeyRequest,
} from '../ssh2/index.ts'
import type { Arrived } from './meeting.ts'
import { offeredKey, provenKey } from './public-key.ts'

/** Who is logged in, or knows by now that they may not be: their credential was good. */
export interface LoggedIn {
  readonly opened: Session<SshOptions> | Refusal
  readonly ssh: SshConnection
}

/** Thrown: no further attempt is of use. */
export class TurnedAway extends Error {
  readonly refusal: Refusal

  constructor(refused: Refusal) {
    super(refused.code)
    this.refusal = refused
  }
}

type Method = 'publickey' | 'keyboard-interactive' | 'password'

const methods: Method[] = ['publickey', 'keyboard-interactive', 'password']

/** The whole log-in of one client: it may try several credentials, one after the other. */
export class LogIn {
  readonly #arrived: Arrived
  readonly #gate: Gate<SshOptions>
  readonly #address: string
  readonly #signal: AbortSignal
  readonly #end = Promise.withResolvers<LoggedIn>()
  /** Ends what waits for somebody who is not there any more. */
  readonly #gone = new AbortController()
  #attempts = 0
  #requests = 0

  constructor(arrived: Arrived, gate: Gate<SshOptions>, address: string, signal: AbortSignal) {
    this.#arrived = arrived
    this.#gate = gate
    this.#address = address
    this.#signal = signal
  }

  /** @throws TurnedAway, Fault, or the signal's reason */
  async run(): Promise<LoggedIn> {
    const { connection } = this.#arrived
    const onAbort = (): void => this.#fail(this.#signal.reason)
    const onClose = (): void => this.#fail(gone())
    connection.on('authentication', this.#onAttempt)
    connection.on('close', onClose)
    this.#signal.addEventListener('abort', onAbort, { once: true })
    if (this.#signal.aborted) onAbort()
    try {
      return await this.#end.promise
    } finally {
      this.#gone.abort()
      connection.removeListener('close', onClose)
      this.#signal.removeEventListener('abort', onAbort)
    }
  }

  readonly #onAttempt = (attempt: AuthRequest): void => {
    this.#answer(attempt).catch((thrown: unknown) => this.#fail(thrown))
  }

  async #answer(attempt: AuthRequest): Promise<void> {
    if (++this.#requests > maxLogInRequests) return this.#fail(new TurnedAway(tooManyAttempts))
    switch (attempt.method) {
      case 'none':
        // Clients ask once by it what they may try.
        return this.#requests === 1 ? attempt.reject([...methods]) : this.#reject(attempt)
      case 'password':
        return this.#password(attempt)
      case 'publickey':
        return this.#publicKey(attempt)
      case 'keyboard-interactive':
        return this.#keyboard(attempt)
      default:
        return this.#reject(attempt)
    }
  }

  async #password(attempt: PasswordRequest): Promise<void> {
    // Nobody changes a token by the way.
    if (typeof attempt.password !== 'string') return this.#reject(attempt)
    await this.#open(attempt, new Secret(attempt.password))
  }

  async #publicKey(attempt: PublicKeyRequest): Promise<void> {
    if (attempt.rawSignature === undefined) {
      const key = offeredKey(attempt)
      if (key !== undefined && (await this.#gate.accepts(key, this.#address))) attempt.accept()
      else this.#reject(attempt)
      return
    }
    const key = provenKey(attempt)
    if (key === undefined) this.#reject(attempt)
    else await this.#open(attempt, key)
  }

  async #keyboard(attempt: KeyboardRequest): Promise<void> {
    const signIn = await this.#gate.signIn(this.#address)
    if (isRefusal(signIn)) {
      // The words that tools which answer for a person wait for end so.
      const answers = await asked(attempt, [{ prompt: 'Access token as password: ', echo: false }])
      return answers === undefined ? this.#reject(attempt) : this.#open(attempt, new Secret(answers[0] ?? ''))
    }
    const left = new AbortController()
    attempt.once('abort', () => left.abort())
    const words = `To sign in, open ${signIn.url}\nand see that it shows the code ${signIn.code}. This waits for you.`
    // At once, and not when it answers: who never does leaves no sign-in behind that takes others' room.
    const [token, answers] = await Promise.all([
      signIn.wait(AbortSignal.any([left.signal, this.#gone.signal, this.#signal])),
      asked(attempt, [], words),
    ])
    if (isRefusal(token) || answers === undefined) this.#reject(attempt)
    else await this.#open(attempt, token)
  }

  async #open(attempt: AuthRequest, credential: LoginCredential): Promise<void> {
    const name = readLoginName(attempt.username)
    const opened = await this.#gate.open({
      ...name,
      credential,
      clientAddress: this.#address,
      clientApplication: this.#arrived.hello.software.slice(0, 63),
    })
    if (!isRefusal(opened)) return this.#enter(attempt, opened)
    if (opened.code === 'invalid-credential') return this.#reject(attempt)
    // Who has proven nothing is not let in to be told why.
    if (opened.code === 'throttled') throw new TurnedAway(opened)
    return this.#enter(attempt, opened)
  }

  async #enter(attempt: AuthRequest, opened: Session<SshOptions> | Refusal): Promise<void> {
    const { connection } = this.#arrived
    let isIn = false
    const onReady = (): void => {
      isIn = true
      // The very next message may be one for us.
      const ssh: SshConnection = new SshConnection(new Transport(connection, () => ssh))
      connection.on('close', () => ssh.over())
      this.#end.resolve({ opened, ssh })
    }
    connection.once('ready', onReady)
    if (!this.#gone.signal.aborted) attempt.accept()
    // Who is let in by another attempt later is not in by this one as well.
    connection.removeListener('ready', onReady)
    // It left, or has begun another attempt meanwhile.
    if (!isIn && !isRefusal(opened)) await opened[Symbol.asyncDispose]()
  }

  /** At once: what is decided in the same moment lets nobody in any more. */
  #fail(thrown: unknown): void {
    this.#gone.abort()
    this.#end.reject(thrown)
  }

  #reject(attempt: AuthRequest): void {
    if (++this.#attempts >= maxLogInAttempts) this.#fail(new TurnedAway(tooManyAttempts))
    else attempt.reject([...methods])
  }
}

const tooManyAttempts = refusal(
  'throttled',
  `more than ${maxLogInAttempts} attempts to log in on one connection`,
)

function gone(): Fault {
  return new Fault('client/gone', 'the client left before it was logged in')
}

/** Asks the person there. What they answer, in the order of the prompts; undefined where another attempt takes this one's place. */
function asked(
  attempt: KeyboardRequest,
  prompts: { prompt: string; echo: boolean }[],
  words = '',
): Promise<readonly string[] | undefined> {
  return new Promise((resolve) => {
    attempt.prompt(prompts, '', words, (answers: readonly string[] | Error) =>
      resolve(answers instanceof Error ? undefined : answers),
    )
  })
}
