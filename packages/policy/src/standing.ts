import {
  actorKey,
  RecentCache,
  type CacheUse,
  type ConnectDecision,
  type Decision,
  type Facts,
  type Resource,
  type Subject,
} from '@sallyport/core'
import { gatewayVerdicts } from './annotations.ts'
import type { PreparedPolicies } from './engine.ts'
import {
  actorRecord,
  type ActorRecord,
  objectEntity,
  principalEntity,
  resourceEntity,
  sourceValue,
  tagEntity,
  type Entity,
} from './entities.ts'
import {
  denial,
  judgeAsked,
  notByGrant,
  strictest,
  unwatched,
  withObligations,
  type ConnectJudgement,
  type Forbidding,
  type Judgement,
} from './judgement.ts'
import type { Policy } from './policies.ts'
import { contextFor, costOf, questionsOf, type Question } from './questions.ts'
import type { Slice } from './slice.ts'
import type { Vocabulary } from './vocabulary.ts'

/** What all standings of one decision point share. */
export interface Rules {
  readonly vocabulary: Vocabulary
  readonly detectorTags: Readonly<Record<string, string>>
  readonly byId: ReadonlyMap<string, Policy>
  readonly judgements: RecentCache<string, ConnectJudgement>
  readonly use: CacheUse
}

/** The policies that matter to a standing. */
export interface Relevant {
  readonly slices: Readonly<Record<Forbidding, Slice>>
  /** Ids of those that ask for another sign-in than there is. */
  readonly lacking: ReadonlySet<string>
}

/** How one subject stands to one resource. */
export interface SubjectStanding {
  readonly maskedTags: ReadonlySet<string>
  connect(account: string): ConnectDecision
  /** Whose grants let it in, where it takes one: see `actorKey`. */
  holders(account: string): readonly string[]
  unmask(tag: string): Decision
  decide(account: string, facts: readonly Facts[]): Decision
}

/** What stays the same from question to question, and what was decided before. Nothing but policy counts. */
export class Standing implements SubjectStanding {
  /** All that are declared or detected there. */
  readonly tags: ReadonlySet<string>
  readonly #principal: Entity
  readonly #resource: Entity
  /** Who it is, and from where, as every question has it. */
  readonly #who: { readonly actor: ActorRecord; readonly source: ReturnType<typeof sourceValue> }
  readonly #key: string
  readonly #protocol: string
  readonly #relevant: Relevant
  readonly #rules: Rules
  /** Tells this standing's judgements from others'. */
  readonly #number: number
  readonly #decided = new RecentCache<string, WeakMap<Facts, Decision>>(maxAccounts)
  #masked: ReadonlySet<string> | undefined

  constructor(subject: Subject, resource: Resource, relevant: Relevant, rules: Rules, number: number) {
    this.#principal = principalEntity(subject.principal)
    this.#resource = resourceEntity(resource)
    this.#who = { actor: actorRecord(subject), source: sourceValue(subject.source) }
    this.#key = actorKey(subject.actor)
    this.#protocol = resource.protocol
    const detected = resource.masking.detectors.map((name) => rules.detectorTags[name] ?? name)
    this.tags = new Set([...resource.masking.columns.map(({ tag }) => tag), ...detected])
    this.#relevant = relevant
    this.#rules = rules
    this.#number = number
  }

  get maskedTags(): ReadonlySet<string> {
    this.#masked ??= new Set([...this.tags].filter((tag) => this.unmask(tag).effect !== 'allow'))
    return this.#masked
  }

  connect(account: string): ConnectDecision {
    const context = { ...this.#who, account }
    const judgement = this.#judge('connect', this.#resource, context, `connect to ${this.#resource.uid.id}`)
    return withObligations(judgement, { maskedTags: judgement.effect === 'deny' ? nothing : this.maskedTags })
  }

  holders(): readonly string[] {
    return [this.#key]
  }

  unmask(tag: string): Decision {
    return withObligations(this.#judgeUnmask(tag), { maskedTags: nothing })
  }

  #judgeUnmask(tag: string): Judgement {
    const context = { ...this.#who, on: { __entity: this.#resource.uid } }
    const words = `unmask of ${shown(tag)} on ${this.#resource.uid.id}`
    return unwatched(notByGrant(this.#judge('unmask', tagEntity(tag), context, words, [this.#resource])))
  }

  // hot path: a statement seen before costs a look-up by its facts' identity
  decide(account: string, facts: readonly Facts[]): Decision {
    let decided = this.#decided.get(account)
    if (decided === undefined) this.#decided.set(account, (decided = new WeakMap()))
    const [first] = facts
    if (first === undefined)
      return this.#oblige(denial(gatewayVerdicts.evaluationError, 'there is nothing to judge'))
    if (facts.length === 1) return this.#statement(account, first, decided)
    if (facts.reduce((sum, each) => sum + costOf(each), 0) > maxCost) return this.#oblige(tooComplex)
    const known = decided
    return this.#oblige(strictest(facts.map((each) => this.#statement(account, each, known))))
  }

  #statement(account: string, facts: Facts, decided: WeakMap<Facts, Decision>): Decision {
    const before = decided.get(facts)
    if (before) {
      this.#rules.use.hits++
      return before
    }
    this.#rules.use.misses++
    const decision = this.#oblige(costOf(facts) > maxCost ? tooComplex : this.#judgeStatement(account, facts))
    decided.set(facts, decision)
    return decision
  }

  #judgeStatement(account: string, facts: Facts): Judgement {
    const judgements: Judgement[] = []
    for (const question of questionsOf(facts)) {
      const judgement = this.#judgeQuestion(account, facts, question)
      if (judgement.effect === 'deny') return judgement
      judgements.push(judgement)
    }
    const exposed = facts.exposes.filter((tag) => this.#isMasked(tag))
    const unmasked = exposed.map((tag) => this.#judgeUnmask(tag))
    if (unmasked.some(({ effect }) => effect !== 'step-up'))
      return denial(gatewayVerdicts.maskedColumn, exposure(exposed))
    return strictest([...judgements, ...unmasked])
  }

  #judgeQuestion(account: string, facts: Facts, { action, path }: Question): Judgement {
    const { vocabulary } = this.#rules
    const context = contextFor(
      action,
      facts,
      this.#protocol,
      this.#relevant.slices['whatever the sign-in'].asked,
      vocabulary,
    )
    if (context === undefined) return undeclared
    const on = path ? objectEntity(this.#resource, path) : this.#resource
    const words = `${action} on ${shown(path?.join('.') ?? this.#resource.uid.id)}`
    return notByGrant(this.#judge(action, on, { ...context, ...this.#who, account }, words))
  }

  #judge(
    action: string,
    on: Entity,
    context: Parameters<PreparedPolicies['ask']>[0]['context'],
    words: string,
    others: Entity[] = [],
  ): ConnectJudgement {
    const { judgements, byId } = this.#rules
    const key = JSON.stringify([this.#number, action, on.uid, context])
    const before = judgements.get(key)
    if (before) return before
    const question = {
      principal: this.#principal.uid,
      action,
      resource: on.uid,
      context,
      entities: [this.#principal, on, ...others],
    }
    const { slices, lacking } = this.#relevant
    const judgement = judgeAsked({
      ask: (forbidding) => slices[forbidding].for(action, on).ask(question),
      policies: byId,
      lacking,
      words,
    })
    if (key.length <= maxKeyLength) judgements.set(key, judgement)
    return judgement
  }

  /** A tag that the resource does not declare is masked unless policy says otherwise, as any tag is. */
  #isMasked(tag: string): boolean {
    return this.tags.has(tag) ? this.maskedTags.has(tag) : this.unmask(tag).effect !== 'allow'
  }

  #oblige(judgement: Judgement): Decision {
    return withObligations(judgement, { maskedTags: this.maskedTags })
  }
}

export function exposure(tags: readonly string[]): string {
  return `it uses the clear value of ${tags.map(shown).join(', ')}, which you may only see masked`
}

/** A name from a statement, on one line and not too long. */
function shown(name: string): string {
  const line = name.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?')
  return line.length <= maxShownLength ? line : `${line.slice(0, maxShownLength)}…`
}

const nothing: ReadonlySet<string> = new Set()
export const maxAccounts = 64
/** In questions to Cedar, of some 150 µs each: what one operation may cost the event loop. */
const maxCost = 2000
/** A longer question is asked again rather than remembered. */
const maxKeyLength = 4096
const maxShownLength = 200
const tooComplex = denial(
  gatewayVerdicts.tooComplex,
  'it touches more objects than can be judged at once; send it in smaller parts',
)
const undeclared = denial(
  gatewayVerdicts.evaluationError,
  'its protocol says something of it that policies cannot be asked about',
)
