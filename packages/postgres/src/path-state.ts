import { refusal, type Refusal } from '@sallyport/core'

type Path = readonly string[] | 'unknown'

/** What a savepoint goes back to. */
interface Savepoint {
  readonly name: string
  readonly current: Path
  readonly afterLocal: Path | undefined
}

/** Savepoints of one transaction that are remembered: a rollback to an older one leaves in doubt what it takes back. */
const maxSavepoints = 1000

/** A `search_path` as transactions make it: what it is now, and what their end makes of it. */
export class PathState {
  readonly #account: string
  readonly #default: string
  #current: Path
  /** What a rollback goes back to. */
  #committed: Path
  #afterLocal: Path | undefined
  #isRolledBack = false
  readonly #savepoints: Savepoint[] = []

  /** @param initial as the server shows it at log-in, such as `"$user", public` */
  constructor(account: string, initial: string) {
    this.#account = account
    this.#default = initial
    this.#current = parsePath(initial, account)
    this.#committed = this.#current
  }

  /** A state of its own, to try on it what statements will make of this one. */
  fork(): PathState {
    const fork = new PathState(this.#account, this.#default)
    fork.#current = this.#current
    fork.#committed = this.#committed
    fork.#afterLocal = this.#afterLocal
    fork.#isRolledBack = this.#isRolledBack
    fork.#savepoints.push(...this.#savepoints)
    return fork
  }

  /** Whether the end of a transaction leaves it as it is. */
  get isFirm(): boolean {
    return this.#current === this.#committed && this.#afterLocal === undefined
  }

  current(): readonly string[] | Refusal {
    return this.#current === 'unknown' ? cannotBeTold : this.#current
  }

  /** A change was done. Without `value`: back to the default. */
  applied(value: string | undefined, isLocal: boolean): void {
    this.#apply(parsePath(value ?? this.#default, this.#account), isLocal)
  }

  /** It may have been done, to what cannot be told. */
  doubt(isLocal: boolean): void {
    this.#apply('unknown', isLocal)
  }

  #apply(path: Path, isLocal: boolean): void {
    if (isLocal) this.#afterLocal ??= this.#current
    else if (this.#afterLocal !== undefined) this.#afterLocal = path
    this.#current = path
  }

  rolledBack(): void {
    this.#isRolledBack = true
  }

  savepoint(name: string): void {
    if (this.#savepoints.length >= maxSavepoints) this.#savepoints.shift()
    this.#savepoints.push({ name, current: this.#current, afterLocal: this.#afterLocal })
  }

  /** What was changed behind it stays. */
  released(name: string): void {
    const at = this.#savepoints.findLastIndex((one) => one.name === name)
    this.#savepoints.length = Math.max(at, 0)
  }

  /** The savepoint stays, those behind it go. Where it is not known, what it takes back only the server knows. */
  rolledBackToSavepoint(name: string): void {
    const at = this.#savepoints.findLastIndex((one) => one.name === name)
    this.#savepoints.length = at + 1
    this.#isRolledBack = false
    const known = this.#savepoints[at]
    if (known !== undefined) {
      this.#current = known.current
      this.#afterLocal = known.afterLocal
      return
    }
    if (this.#current !== this.#committed) this.#current = 'unknown'
    if (this.#afterLocal !== undefined) this.#afterLocal = 'unknown'
  }

  transactionEnded(): void {
    if (this.#isRolledBack) this.#current = this.#committed
    else if (this.#afterLocal !== undefined) this.#current = this.#afterLocal
    this.#isRolledBack = false
    this.#afterLocal = undefined
    this.#committed = this.#current
    this.#savepoints.length = 0
  }

  /** The server's own word, which ends all doubt. */
  reported(value: string): void {
    this.#current = parsePath(value, this.#account)
  }
}

const cannotBeTold = refusal(
  'unsupported',
  'the search_path of this session cannot be told any more',
  'Run SET search_path TO … with constant names.',
)

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
