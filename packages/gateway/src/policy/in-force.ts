import { setImmediate } from 'node:timers/promises'
import { CurrentPolicy } from '@sallyport/access'
import type { CacheUse, Clock, StreamProtocol } from '@sallyport/core'
import {
  checkPolicies,
  checkPoliciesInTurns,
  compilePolicies,
  PolicyError,
  type DecisionPoint,
  type PolicyProblem,
  type PolicyText,
} from '@sallyport/policy'
import type { Store } from '@sallyport/store'
import { CannotStart } from '../cannot-start.ts'

/** What policies may speak of, fixed for the life of the process. */
export interface PolicyWords {
  readonly protocols: readonly StreamProtocol[]
  /** Tag of what each value detector finds. */
  readonly detectorTags: Readonly<Record<string, string>>
}

/** The policy set that judges just now. Replaced whole, never changed. */
export class PolicyInForce implements Disposable {
  readonly words: PolicyWords
  /** Of all sets that were in force, one after the other. */
  readonly decisions: CacheUse
  /** What live sessions are judged by. */
  readonly current: CurrentPolicy

  private constructor(words: PolicyWords, point: DecisionPoint, decisions: CacheUse, clock: Clock) {
    this.words = words
    this.decisions = decisions
    this.current = new CurrentPolicy(point, clock)
  }

  [Symbol.dispose](): void {
    this.current[Symbol.dispose]()
  }

  /** @throws CannotStart where the stored set no longer stands: nothing is judged by half a set */
  static async load(store: Store, words: PolicyWords, clock: Clock): Promise<PolicyInForce> {
    const set = await store.read.policies.current()
    const decisions = { name: 'decisions', hits: 0, misses: 0 }
    try {
      return new PolicyInForce(
        words,
        compile(words, decisions, set?.texts ?? [], set?.version ?? 0),
        decisions,
        clock,
      )
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      throw new CannotStart(
        4,
        `the stored policies, version ${set?.version ?? 0}, do not stand: ${error.problems.map(inWords).join('; ')}`,
        'start the version of the gateway that applied them, and mend them there',
        { cause: error },
      )
    }
  }

  /** Judges by the set that the store holds now: another process applied it. @throws PolicyError where it does not stand here */
  async reload(store: Pick<Store, 'read'>): Promise<void> {
    const set = await store.read.policies.current()
    if (set !== undefined && set.version > Number(this.point.version))
      this.use(this.compile(set.texts, set.version))
  }

  get point(): DecisionPoint {
    return this.current.point
  }

  check(texts: readonly PolicyText[]): PolicyProblem[] {
    return checkPolicies(texts, this.words.protocols)
  }

  /** For whoever asks: what it takes, it takes in turns with the traffic. */
  checkInTurns(texts: readonly PolicyText[]): Promise<PolicyProblem[]> {
    return checkPoliciesInTurns(texts, this.words.protocols, setImmediate)
  }

  /** As it stands within all its hours. @throws PolicyError */
  compile(texts: readonly PolicyText[], version: number): DecisionPoint {
    return compile(this.words, this.decisions, texts, version)
  }

  /** Live sessions are judged anew at once. */
  use(point: DecisionPoint): void {
    this.current.replace(point)
  }
}

function inWords({ file, line, column, message }: PolicyProblem): string {
  return `${file}:${line}:${column}: ${message}`
}

function compile(
  words: PolicyWords,
  use: CacheUse,
  policies: readonly PolicyText[],
  version: number,
): DecisionPoint {
  return compilePolicies({
    policies,
    vocabulary: words.protocols,
    version: String(version),
    detectorTags: words.detectorTags,
    use,
  })
}
