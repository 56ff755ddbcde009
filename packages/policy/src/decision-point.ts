import {
  actorsOf,
  isDelegated,
  onOwnBehalf,
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
import { PreparedPolicies, PreparedSchema } from './engine.ts'
import { actorRecord, gatewayEntity, labelId, principalEntity, resourceEntity } from './entities.ts'
import { DelegatedStanding, type Link } from './delegated-standing.ts'
import { denial, judge, notByGrant, unwatched, withObligations } from './judgement.ts'
import { readPolicies, type Policy } from './policies.ts'
import { PolicyError, type PolicyText } from './problem.ts'
import { cedarSchema } from './schema.ts'
import { Slice, sliceOf, sliceOfAction } from './slice.ts'
import { Standing, type Rules, type SubjectStanding } from './standing.ts'
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
  /** The same policies as they stand at this time: permits outside of their `@hours` permit nothing. Itself where nothing differs. */
  at(nowMs: number): DecisionPoint
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
 * As they stand while all permits are within their hours: see {@link DecisionPoint.at}.
 * @throws PolicyError with every error, where there is one
 */
export function compilePolicies(input: CompileInput): DecisionPoint {
  const vocabulary = mergeVocabularies(input.vocabulary)
  const { policies, problems } = examine(input.policies, vocabulary)
  const errors = problems.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new PolicyError(errors)

  const all = [...readPolicies(builtInPolicies).policies, ...policies]
  const use = input.use ?? { name: 'decisions', hits: 0, misses: 0 }
  const detectorTags = input.detectorTags ?? {}
  const engine = {
    schema: new PreparedSchema(cedarSchema(vocabulary)),
    prepared: new RecentCache<string, PreparedPolicies>(maxPrepared),
    points: new RecentCache<string, DecisionPoint>(maxPoints),
  }
  return new CedarDecisionPoint(input, { vocabulary, detectorTags, use }, all, engine)
}

/** What is the same at any hour: what is prepared in Cedar's engine, and the points of other hours. */
interface Engine {
  readonly schema: PreparedSchema
  readonly prepared: RecentCache<string, PreparedPolicies>
  /** By what is closed there. */
  readonly points: RecentCache<string, DecisionPoint>
}

type Given = Pick<Rules, 'vocabulary' | 'detectorTags' | 'use'>

class CedarDecisionPoint implements DecisionPoint {
  readonly version: string
  readonly vocabulary: readonly ProtocolVocabulary[]
  readonly #given: Given
  readonly #rules: Rules
  readonly #all: readonly Policy[]
  readonly #engine: Engine
  /** Those that are not good at every hour. */
  readonly #timed: readonly Policy[]
  readonly #closed: string
  readonly #slices = new RecentCache<string, Slice>(maxSlices)
  readonly #standings = new RecentCache<string, SubjectStanding>(maxStandings)
  #count = 0
  readonly #known = new WeakMap<Subject, WeakMap<Resource, SubjectStanding>>()

  constructor(
    { version, vocabulary }: Pick<CompileInput, 'version' | 'vocabulary'>,
    given: Given,
    policies: readonly Policy[],
    engine: Engine,
  ) {
    this.version = version
    this.vocabulary = vocabulary
    this.#given = given
    this.#rules = {
      ...given,
      byId: new Map(policies.map((policy) => [policy.id, policy])),
      judgements: new RecentCache(maxJudgements),
    }
    this.#all = policies
    this.#engine = engine
    this.#timed = policies.filter(({ hours }) => hours !== undefined)
    this.#closed = keyOf(this.#timed.filter(({ isClosed }) => isClosed === true))
    engine.points.set(this.#closed, this)
  }

  at(nowMs: number): DecisionPoint {
    if (this.#timed.length === 0) return this
    const closed = keyOf(this.#timed.filter(({ hours }) => hours?.isOpen(nowMs) === false))
    if (closed === this.#closed) return this
    const known = this.#engine.points.get(closed)
    if (known !== undefined) return known
    const policies = this.#all.map((policy) =>
      policy.hours === undefined ? policy : { ...policy, isClosed: !policy.hours.isOpen(nowMs) },
    )
    return new CedarDecisionPoint(this, this.#given, policies, this.#engine)
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
    const principal = principalEntity(subject.principal)
    const entity = resource ? resourceEntity(resource) : gatewayEntity
    const policies = sliceOf(sliceOfAction(this.#all, action, undefined), principal, entity)
    const answer = this.#prepare(policies).ask({
      principal: principal.uid,
      action,
      resource: entity.uid,
      context: { actor: actorRecord(subject) },
      entities: [principal, entity],
    })
    const judgement = judge(answer, this.#rules.byId, `${action} on ${resource?.name ?? 'the gateway'}`)
    return withObligations(unwatched(notByGrant(judgement)), { maskedTags: nothing })
  }

  #standing(subject: Subject, resource: Resource): SubjectStanding {
    const known = this.#known.get(subject)?.get(resource)
    if (known) return known
    // Sessions bring their own objects for the same person and resource: what those mean is what counts.
    const key = JSON.stringify([meaningOf(subject), meaningOfResource(resource)])
    const standing = this.#standings.get(key) ?? this.#newStanding(subject, resource)
    this.#standings.set(key, standing)
    const ofSubject = this.#known.get(subject) ?? new WeakMap<Resource, SubjectStanding>()
    this.#known.set(subject, ofSubject.set(resource, standing))
    return standing
  }

  #newStanding(subject: Subject, resource: Resource): SubjectStanding {
    if (!isDelegated(subject)) return this.#byPolicy(subject, resource)
    const { scope = [], ...whole } = subject
    const { actor: itself } = onOwnBehalf(subject.principal)
    const links = [...actorsOf(subject.actor), itself].map((actor): Link => {
      const link = { ...whole, actor }
      return { subject: link, standing: this.#byPolicy(link, resource) }
    })
    return new DelegatedStanding(links, scope, resource.name, this.#rules)
  }

  #byPolicy(subject: Subject, resource: Resource): Standing {
    const policies = sliceOf(this.#all, principalEntity(subject.principal), resourceEntity(resource))
    return new Standing(subject, resource, this.#slice(policies), this.#rules, ++this.#count)
  }

  /** Standings with the same policies share them. */
  #slice(policies: readonly Policy[]): Slice {
    const key = keyOf(policies)
    const slice =
      this.#slices.get(key) ??
      new Slice(policies, {
        groupOf: (action) => this.#rules.vocabulary.actions.get(action)?.group,
        prepare: (some) => this.#prepare(some),
      })
    this.#slices.set(key, slice)
    return slice
  }

  #prepare(policies: readonly Policy[]): PreparedPolicies {
    const key = keyOf(policies)
    const { schema, prepared: known } = this.#engine
    const prepared = known.get(key) ?? new PreparedPolicies(schema, policies)
    known.set(key, prepared)
    return prepared
  }
}

function keyOf(policies: readonly Policy[]): string {
  return policies.map(({ id }) => id).join('\n')
}

/** All of a subject that counts. */
function meaningOf({ principal, actor, scope }: Subject): unknown {
  const actors = actorsOf(actor).flatMap(({ kind, id }) => [kind, id])
  return [principal.kind, principal.id, principal.groups.toSorted(), actors, scope]
}

/** All of a resource that policies can see. */
function meaningOfResource({ name, protocol, host, labels, masking }: Resource): unknown {
  const tags = masking.columns.map(({ tag }) => tag).toSorted()
  const labelIds = Object.entries(labels).map(([key, value]) => labelId(key, value))
  return [name, protocol, host, labelIds.toSorted(), tags, masking.detectors.toSorted()]
}

const nothing: ReadonlySet<string> = new Set()
const byOwnHand = withObligations(
  denial(
    gatewayVerdicts.notDelegated,
    'people do this by their own hand, and through nothing that acts for them',
  ),
  { maskedTags: nothing },
)
const maxStandings = 1024
const maxSlices = 128
const maxPrepared = 512
/** As many as hours of a week differ, in most sets. */
const maxPoints = 16
/** Each a few hundred bytes. */
const maxJudgements = 16_384
