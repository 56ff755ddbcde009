import {
  actorsOf,
  isDelegated,
  isSignedInAs,
  onOwnBehalf,
  RecentCache,
  signInLapsesAt,
  type Resource,
  type SignedIn,
  type SignInTerms,
  type Subject,
} from '@sallyport/core'
import { DelegatedStanding, type Link } from './delegated-standing.ts'
import { PreparedPolicies, type PreparedSchema } from './engine.ts'
import { labelId, principalEntity, resourceEntity } from './entities.ts'
import type { Forbidding } from './judgement.ts'
import { contextAttributes } from './literals.ts'
import type { Policy } from './policies.ts'
import { Slice, sliceOf } from './slice.ts'
import { Standing, type Rules, type SubjectStanding } from './standing.ts'

/** What is prepared in Cedar's engine, whatever the hour. */
export interface Engine {
  readonly schema: PreparedSchema
  readonly prepared: RecentCache<string, PreparedPolicies>
}

/** When sign-ins are judged, in milliseconds since 1970; or as if everybody had signed in as policies ask. */
export type Moment = number | 'signed in as asked'

/** How a subject stands to a resource, and until when. */
interface KnownStanding {
  readonly standing: SubjectStanding
  readonly untilMs: number
}

/** All policies, some of them closed at this hour, and what was decided by them. */
export class PoliciesOfHour {
  readonly all: readonly Policy[]
  /** Those that are not good at every hour. */
  readonly timed: readonly Policy[]
  /** What is closed, in words that are the same for the same. */
  readonly closed: string
  readonly rules: Rules
  /** Whether any policy asks how long ago somebody has signed in. */
  readonly judgesAges: boolean
  /** Whether any policy looks at where somebody comes from: else it tells nobody from another. */
  readonly #asksSource: boolean
  /** Those that ask for a sign-in. */
  readonly #forSignIns: readonly (Policy & { readonly stepUp: SignInTerms })[]
  readonly #engine: Engine
  readonly #slices = new RecentCache<string, Slice>(maxSlices)
  readonly #standings = new RecentCache<string, SubjectStanding>(maxStandings)
  readonly #known = new WeakMap<Subject, WeakMap<Resource, KnownStanding>>()
  #count = 0

  constructor(
    given: Pick<Rules, 'vocabulary' | 'detectorTags' | 'use'>,
    policies: readonly Policy[],
    engine: Engine,
  ) {
    this.all = policies
    this.timed = policies.filter(({ hours }) => hours !== undefined)
    this.closed = keyOf(this.timed.filter(({ isClosed }) => isClosed === true))
    this.rules = {
      ...given,
      byId: new Map(policies.map((policy) => [policy.id, policy])),
      judgements: new RecentCache(maxJudgements),
    }
    this.#forSignIns = policies.flatMap((policy) =>
      policy.stepUp === undefined ? [] : [{ ...policy, stepUp: policy.stepUp }],
    )
    this.judgesAges = this.#forSignIns.some(({ stepUp }) => stepUp.maxAgeMs !== undefined)
    this.#asksSource = policies.some(({ json }) => contextAttributes(json)?.has('source') ?? true)
    this.#engine = engine
  }

  /** hot path: two look-ups. What was found at another moment is good for as long as no sign-in lapses. */
  standing(subject: Subject, resource: Resource, moment: Moment): SubjectStanding {
    if (typeof moment !== 'number') return this.#find(subject, resource, nothing)
    const known = this.#known.get(subject)?.get(resource)
    if (known !== undefined && moment < known.untilMs) return known.standing
    const standing = this.#find(subject, resource, this.lacking(subject, moment))
    const ofSubject = this.#known.get(subject) ?? new WeakMap<Resource, KnownStanding>()
    const untilMs = this.#lapsesAt(subject.signedIn, moment)
    this.#known.set(subject, ofSubject.set(resource, { standing, untilMs }))
    return standing
  }

  /** Ids of the policies that ask for another sign-in than the subject's. */
  lacking({ signedIn }: Subject, moment: Moment): ReadonlySet<string> {
    if (typeof moment !== 'number' || this.#forSignIns.length === 0) return nothing
    const lacking = this.#forSignIns.filter(({ stepUp }) => !isSignedInAs(stepUp, signedIn, moment))
    return new Set(lacking.map(({ id }) => id))
  }

  get asksForSignIns(): boolean {
    return this.#forSignIns.length > 0
  }

  /** The same policies prepared once. */
  prepare(policies: readonly Policy[]): PreparedPolicies {
    const key = keyOf(policies)
    const { schema, prepared: known } = this.#engine
    const prepared = known.get(key) ?? new PreparedPolicies(schema, policies)
    known.set(key, prepared)
    return prepared
  }

  #lapsesAt(signedIn: SignedIn | undefined, nowMs: number): number {
    if (signedIn === undefined) return Number.POSITIVE_INFINITY
    return Math.min(...this.#forSignIns.map(({ stepUp }) => signInLapsesAt(stepUp, signedIn, nowMs)))
  }

  #find(subject: Subject, resource: Resource, lacking: ReadonlySet<string>): SubjectStanding {
    // Sessions bring their own objects for the same person and resource: what those mean is what counts.
    const seen = this.#asksSource ? subject : withoutSource(subject)
    const key = JSON.stringify([meaningOf(seen), meaningOfResource(resource), ...lacking])
    const standing = this.#standings.get(key) ?? this.#newStanding(seen, resource, lacking)
    this.#standings.set(key, standing)
    return standing
  }

  #newStanding(subject: Subject, resource: Resource, lacking: ReadonlySet<string>): SubjectStanding {
    if (!isDelegated(subject)) return this.#byPolicy(subject, resource, lacking)
    const { scope = [], ...whole } = subject
    const { actor: itself } = onOwnBehalf(subject.principal)
    const links = [...actorsOf(subject.actor), itself].map((actor): Link => {
      const link = { ...whole, actor }
      return { subject: link, standing: this.#byPolicy(link, resource, lacking) }
    })
    return new DelegatedStanding(links, scope, resource.name, this.rules)
  }

  #byPolicy(subject: Subject, resource: Resource, lacking: ReadonlySet<string>): Standing {
    const policies = sliceOf(this.all, principalEntity(subject.principal), resourceEntity(resource))
    const relevant = {
      slices: {
        'as signed in': this.#slice(forbidding('as signed in', policies, lacking)),
        'whatever the sign-in': this.#slice(policies),
        'signed in as asked': this.#slice(forbidding('signed in as asked', policies, lacking)),
      },
      lacking,
    }
    return new Standing(subject, resource, relevant, this.rules, ++this.#count)
  }

  /** Standings with the same policies share them. */
  #slice(policies: readonly Policy[]): Slice {
    const key = keyOf(policies)
    const slice =
      this.#slices.get(key) ??
      new Slice(policies, {
        groupOf: (action) => this.rules.vocabulary.actions.get(action)?.group,
        prepare: (some) => this.prepare(some),
      })
    this.#slices.set(key, slice)
    return slice
  }
}

/** All but those that would forbid for want of a sign-in, and do not. */
export function forbidding(
  which: Forbidding,
  policies: readonly Policy[],
  lacking: ReadonlySet<string>,
): readonly Policy[] {
  if (which === 'whatever the sign-in') return policies
  return policies.filter(
    ({ id, json, stepUp }) =>
      json.effect === 'permit' || stepUp === undefined || (which === 'as signed in' && lacking.has(id)),
  )
}

export function keyOf(policies: readonly Policy[]): string {
  return policies.map(({ id }) => id).join('\n')
}

function withoutSource({ source: _source, ...rest }: Subject): Subject {
  return rest
}

/** All of a subject that counts, but for its sign-in. */
function meaningOf({ principal, actor, scope, source }: Subject): unknown {
  const actors = actorsOf(actor).flatMap(({ kind, id }) => [kind, id])
  return [principal.kind, principal.id, principal.groups.toSorted(), actors, scope, source]
}

/** All of a resource that policies can see. */
function meaningOfResource({ name, protocol, host, labels, masking }: Resource): unknown {
  const tags = masking.columns.map(({ tag }) => tag).toSorted()
  const labelIds = Object.entries(labels).map(([key, value]) => labelId(key, value))
  return [name, protocol, host, labelIds.toSorted(), tags, masking.detectors.toSorted()]
}

const nothing: ReadonlySet<string> = new Set()
const maxStandings = 1024
const maxSlices = 128
/** Each a few hundred bytes. */
const maxJudgements = 16_384
