import { refusal, type Refusal } from '@sallyport/core'

type Path = readonly string[] | 'unknown'

/**
 * The session's `search_path`, as far as statements and reports tell. Names are resolved by it, so it is never guessed:
 * while a change is on its way judgement waits, and where it cannot be told judgement is refused.
 *
 * PostgreSQL 18 reports it (before each ReadyForQuery). For older servers it is followed through SET, set_config,
 * commit and rollback.
 */
export class SearchPath {
  readonly #account: string
  readonly #default: string
  #current: Path
  /** What a rollback goes back to. */
  #committed: Path
  #afterLocal: Path | undefined
  #isRolledBack = false
  #inFlight = 0
  #waiting: (() => void)[] = []

  /** @param initial as the server shows it at log-in, such as `"$user", public` */
  constructor(account: string, initial: string) {
    this.#account = account
    this.#default = initial
    this.#current = parsePath(initial, account)
    this.#committed = this.#current
  }

  get isSettled(): boolean {
    return this.#inFlight === 0
  }

  current(): readonly string[] | Refusal {
    if (this.#current !== 'unknown') return this.#current
    return refusal(
      'unsupported',
      'the search_path of this session cannot be told any more',
      'Run SET search_path TO … with constant names.',
    )
  }

  /** Resolves when no change is on its way. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      if (this.isSettled) resolve()
      else this.#waiting.push(resolve)
    })
  }

  /** A statement that changes it is sent. */
  sent(): void {
    this.#inFlight++
  }

  /** It was done. Without `value`: back to the default. */
  applied(value: string | undefined, isLocal: boolean): void {
    const path = parsePath(value ?? this.#default, this.#account)
    if (isLocal) this.#afterLocal ??= this.#current
    else if (this.#afterLocal !== undefined) this.#afterLocal = path
    this.#current = path
    this.#landed()
  }

  /** It was not done: refused, failed, or skipped. */
  undone(): void {
    this.#landed()
  }

  rolledBack(): void {
    this.#isRolledBack = true
  }

  /** A savepoint's rollback may take back a change: which, only the server knows. */
  rolledBackToSavepoint(): void {
    if (this.#current !== this.#committed) this.#current = 'unknown'
    this.#isRolledBack = false
  }

  transactionEnded(): void {
    if (this.#isRolledBack) this.#current = this.#committed
    else if (this.#afterLocal !== undefined) this.#current = this.#afterLocal
    this.#isRolledBack = false
    this.#afterLocal = undefined
    this.#committed = this.#current
  }

  /** The server's own word, which ends all doubt. */
  reported(value: string): void {
    this.#current = parsePath(value, this.#account)
  }

  #landed(): void {
    if (this.#inFlight > 0) this.#inFlight--
    if (this.#inFlight > 0) return
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

/**
 * Splits `"$user", public` as the server does: quoted names as they stand, others folded to lower case.
 * @see PostgreSQL source, SplitIdentifierString
 */
export function parsePath(text: string, account: string): Path {
  const names: string[] = []
  const word = /\s*(?:"((?:[^"]|"")*)"|([^\s",]+))\s*(,|$)/y
  if (text.trim() === '') return []
  for (;;) {
    const match = word.exec(text)
    if (match === null) return 'unknown'
    // The server folds ASCII only; other letters stay as they are.
    const name =
      match[1]?.replaceAll('""', '"') ?? match[2]!.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    if (name === '$user') names.push(account)
    else if (name !== '') names.push(name)
    if (match[3] === '') return names
  }
}
