import {
  isDelegated,
  RecentCache,
  type CacheUse,
  type ConnectDecision,
  type Decision,
  type Facts,
  type Resource,
  type Subject,
} from '@sallyport/core'
import { readFileSync } from 'node:fs'
import { gatewayVerdicts } from './annotations.ts'
import { examine } from './check.ts'
import { PreparedSchema } from './engine.ts'
import { actorRecord, gatewayEntity, principalEntity, resourceEntity, sourceValue } from './entities.ts'
import { denial, judgeAsked, notByGrant, unwatched, withObligations } from './judgement.ts'
import { forbidding, keyOf, PoliciesOfHour, type Engine, type Moment } from './policies-of-hour.ts'
import { readPolicies } from './policies.ts'
import { PolicyError, type PolicyText } from './problem.ts'
import { cedarSchema } from './schema.ts'
import { sliceOf, sliceOfAction } from './slice.ts'
import type { SubjectStanding } from './standing.ts'
import { mergeVocabularies, type ProtocolVocabulary } from './vocabulary.ts'

/** Actions on the gateway itself. `review`: may answer reviews at all; being in a group that the review names comes on top. */
export type GatewayAction = 'administer' | 'replay' | 'review'

/**
 * Judges by one version of the policies. Pure: the same question has the same answer for as long as it lives, so it
 * remembers them. Subjects, resources and facts are taken as immutable: pass a new object for a changed one.
 */
export interface DecisionPoint {
  readonly version: string
  readonly vocabulary: readonly ProtocolVocabulary[]
  /**
   * The same policies as they stand at this time: permits outside of their `@hours` permit nothing, and sign-ins are as old as they are
   * then. The same object for the same hours, where nothing depends on the age of sign-ins.
   */
  at(nowMs: number): DecisionPoint
  /** Whether any policy asks how long ago somebody has signed in, so that {@link at} differs from moment to moment. */
  readonly judgesAges: boolean
  /** The same as if everybody had signed in as policies ask: for what is judged of people who are not there. */
  signedInAsAsked(): DecisionPoint
  connect(subject: Subject, resource: Resource, account: string): ConnectDecision
  /** Whose grants let the subject in, where it takes one: see `actorKey`. */
  holders(subject: Subject, resource: Resource, account: string): readonly string[]
  /** One operation: each action on each object of each statement, all told as strict as the strictest. */
  decide(subject: Subject, resource: Resource, account: string, facts: readonly Facts[]): Decision
  /** May this value be seen in clear? */
  unmask(subject: Subject, resource: Resource, tag: string): Decision
  /** Tags of the resource's columns and detectors that the subject may not unmask. The same set while nothing changes. */
  maskedTags(subject: Subject, resource: Resource): ReadonlySet<string>
  /** Of the resource where one is given, of the gateway as a whole otherwise. Never through what acts for somebody. */
  may(subject: Subject, action: GatewayAction, resource?: Resource): Decision
}

export interface CompileInput {
  readonly policies: readonly PolicyText[]
  readonly vocabulary: readonly ProtocolVocabulary[]
  readonly version: string
  /** Tag of what each value detector finds: `email` → `pii.email`. A detector not named here finds its own name. */
  readonly detectorTags?: Readonly<Record<string, string>>
  /** Counts operations that were decided before, and those that were not. */
  readonly use?: CacheUse
}

/** Members may administer the gateway and replay its recordings, unless an agent acts for them. */
export const administratorsGroup = 'administrators'

/** The policies that are always there, before any of the operator's. */
export const builtInPolicies: PolicyText = {
  name: 'built-in.cedar',
  text: readFileSync(new URL('built-in.cedar', import.meta.url), 'utf8'),
}

/**
 * As they stand while all permits are within their hours, and nobody has signed in of late: see {@link DecisionPoint.at}.
 * @throws PolicyError with every error, where there is one
 */
export function compilePolicies(input: CompileInput): DecisionPoint {
  const vocabulary = mergeVocabularies(input.vocabulary)
  const { policies, problems } = examine(input.policies, vocabulary)
  const errors = problems.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new PolicyError(errors)

  const all = [...readPolicies(builtInPolicies).policies, ...policies]
  const use = input.use ?? { name: 'decisions', hits: 0, misses: 0 }
  const given = { vocabulary, detectorTags: input.detectorTags ?? {}, use }
  const engine: SharedEngine = {
    schema: new PreparedSchema(cedarSchema(vocabulary)),
    prepared: new RecentCache(maxPrepared),
    hours: new RecentCache(maxHours),
  }
  return new CedarDecisionPoint(input, engine, new PoliciesOfHour(given, all, engine))
}

/** What is the same at any hour; and the points of other hours, by what is closed there. */
interface SharedEngine extends Engine {
  readonly hours: RecentCache<string, CedarDecisionPoint>
}

class CedarDecisionPoint implements DecisionPoint {
  readonly version: string
  readonly vocabulary: readonly ProtocolVocabulary[]
  readonly #engine: SharedEngine
  readonly #policies: PoliciesOfHour
  readonly #moment: Moment
  #asAsked: DecisionPoint | undefined

  constructor(
    { version, vocabulary }: Pick<CompileInput, 'version' | 'vocabulary'>,
    engine: SharedEngine,
    policies: PoliciesOfHour,
    moment: Moment = 0,
  ) {
    this.version = version
    this.vocabulary = vocabulary
    this.#engine = engine
    this.#policies = policies
    this.#moment = moment
    engine.hours.set(policies.closed, this)
  }

  get judgesAges(): boolean {
    return this.#policies.judgesAges
  }

  at(nowMs: number): DecisionPoint {
    const { timed, closed: closedHere } = this.#policies
    if (timed.length === 0 && !this.judgesAges) return this
    const closed = keyOf(timed.filter(({ hours }) => hours?.isOpen(nowMs) === false))
    const known = closed === closedHere ? this : this.#engine.hours.get(closed)
    if (known !== undefined && !this.judgesAges) return known
    const policies = known === undefined ? this.#ofHour(nowMs) : known.#policies
    return new CedarDecisionPoint(this, this.#engine, policies, nowMs)
  }

  signedInAsAsked(): DecisionPoint {
    if (!this.#policies.asksForSignIns) return this
    const engine = { ...this.#engine, hours: new RecentCache<string, CedarDecisionPoint>(maxHours) }
    return (this.#asAsked ??= new CedarDecisionPoint(this, engine, this.#policies, 'signed in as asked'))
  }

  connect(subject: Subject, resource: Resource, account: string): ConnectDecision {
    return this.#standing(subject, resource).connect(account)
  }

  holders(subject: Subject, resource: Resource, account: string): readonly string[] {
    return this.#standing(subject, resource).holders(account)
  }

  // hot path: two look-ups to the standing, two more to a decision that was made before
  decide(subject: Subject, resource: Resource, account: string, facts: readonly Facts[]): Decision {
    return this.#standing(subject, resource).decide(account, facts)
  }

  unmask(subject: Subject, resource: Resource, tag: string): Decision {
    return this.#standing(subject, resource).unmask(tag)
  }

  maskedTags(subject: Subject, resource: Resource): ReadonlySet<string> {
    return this.#standing(subject, resource).maskedTags
  }

  may(subject: Subject, action: GatewayAction, resource?: Resource): Decision {
    if (isDelegated(subject)) return byOwnHand
    const { all, rules } = this.#policies
    const principal = principalEntity(subject.principal)
    const entity = resource ? resourceEntity(resource) : gatewayEntity
    const policies = sliceOf(sliceOfAction(all, action, undefined), principal, entity)
    const question = {
      principal: principal.uid,
      action,
      resource: entity.uid,
      context: { actor: actorRecord(subject), source: sourceValue(subject.source) },
      entities: [principal, entity],
    }
    const lacking = this.#policies.lacking(subject, this.#moment)
    const judgement = judgeAsked({
      ask: (which) => this.#policies.prepare(forbidding(which, policies, lacking)).ask(question),
      policies: rules.byId,
      lacking,
      words: `${action} on ${resource?.name ?? 'the gateway'}`,
    })
    return withObligations(unwatched(notByGrant(judgement)), { maskedTags: nothing })
  }

  #standing(subject: Subject, resource: Resource): SubjectStanding {
    return this.#policies.standing(subject, resource, this.#moment)
  }

  #ofHour(nowMs: number): PoliciesOfHour {
    const { all, rules } = this.#policies
    const policies = all.map((policy) =>
      policy.hours === undefined ? policy : { ...policy, isClosed: !policy.hours.isOpen(nowMs) },
    )
    return new PoliciesOfHour(rules, policies, this.#engine)
  }
}

const nothing: ReadonlySet<string> = new Set()
const byOwnHand = withObligations(
  denial(
    gatewayVerdicts.notDelegated,
    'people do this by their own hand, and through nothing that acts for them',
  ),
  { maskedTags: nothing },
)
const maxPrepared = 512
/** As many as hours of a week differ, in most sets. */
const maxHours = 16
