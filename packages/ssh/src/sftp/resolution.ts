import { Fault } from '@sallyport/core'
import { joinPath, splitPath, unfitPath } from '../transfer/path.ts'
import { type } from './codec/packets.ts'
import type { Response } from './codec/responses.ts'
import type { PathQuestion } from './ledger.ts'

/**
 * How a request finds a path's file. `followed`: a symbolic link at its end too. `itself`: not one at its end, which it acts on.
 * `held`: it is written into a link, and there need be nothing there.
 */
export type Reach = 'followed' | 'itself' | 'held'

export interface PathStep {
  readonly kind: PathQuestion
  readonly path: Buffer
}

/**
 * Finds out of the target what a path names, symbolic links followed, by REALPATH. Servers differ on a last name that does not
 * exist: where the whole is refused, it is the name in its directory, unless it is a link that leads nowhere.
 */
export class Resolution {
  readonly #path: Buffer
  readonly #reach: Reach
  readonly #split: ReturnType<typeof splitPath>
  #parent: Buffer | undefined
  #step: PathStep | undefined
  #resolved: Buffer | undefined
  #failure: number | undefined
  #isDangling = false

  constructor(path: Buffer, reach: Reach) {
    this.#path = path
    this.#reach = reach
    this.#split = splitPath(path)
    this.#step =
      this.#split !== undefined && reach === 'itself' ? this.#ofParent() : { kind: type.realpath, path }
  }

  /** What the target is to be asked next. Absent: it is done. */
  get step(): PathStep | undefined {
    return this.#step
  }

  get resolved(): Buffer | undefined {
    return this.#resolved
  }

  /** The target's status where it cannot tell, so that the request would fail as well. */
  get failure(): number | undefined {
    return this.#failure
  }

  /** It is a symbolic link to what does not exist: what a request would make there cannot be told beforehand. */
  get isDangling(): boolean {
    return this.#isDangling
  }

  answered(response: Response): void {
    const step = this.#step
    if (step === undefined) throw new TypeError('nothing was asked')
    this.#step = undefined
    if (response.is === 'status') return this.#refused(step, response.code)
    if (step.kind === type.readlink) {
      this.#isDangling = true
      return
    }
    const name = realPathOf(response)
    if (step.path === this.#path) this.#resolved = name
    else if (this.#reach === 'itself') this.#resolved = joinPath(name, this.#split!.name)
    else {
      this.#parent = name
      this.#step = { kind: type.readlink, path: this.#path }
    }
  }

  #refused(step: PathStep, code: number): void {
    if (step.kind === type.readlink) this.#resolved = joinPath(this.#parent!, this.#split!.name)
    else if (this.#reach === 'held') return
    else if (step.path === this.#path && this.#split !== undefined) this.#step = this.#ofParent()
    else this.#failure = code
  }

  #ofParent(): PathStep {
    return { kind: type.realpath, path: this.#split!.parent }
  }
}

/** What REALPATH said. @throws Fault target/malformed */
export function realPathOf(response: Response): Buffer {
  const name = response.is === 'name' && response.names.length === 1 ? response.names[0]! : undefined
  if (name === undefined || unfitPath(name, undefined) !== undefined) {
    throw new Fault('target/malformed', 'the target did not say what a path is')
  }
  return name
}
