import {
  actorKey,
  reaches,
  RecentCache,
  whoById,
  type ConnectDecision,
  type Decision,
  type Facts,
  type Restriction,
  type Subject,
} from '@sallyport/core'
import { gatewayVerdicts } from './annotations.ts'
import {
  allRequests,
  denial,
  strictest,
  withObligations,
  type ConnectJudgement,
  type Judgement,
} from './judgement.ts'
import { questionsOf } from './questions.ts'
import { exposure, maxAccounts, type Rules, type Standing, type SubjectStanding } from './standing.ts'

/** One of those who act, and how they would stand if nothing but policy counted. The principal, by their own hand, is the last. */
export interface Link {
  readonly subject: Subject
  readonly standing: Standing
}

/**
 * How somebody stands for whom something acts. Nobody has more than whom they act for: what is asked is asked of each actor in
 * turn and of the principal, and the strictest answer counts, whatever policies say of any one of them. What was not delegated is denied first.
 */
export class DelegatedStanding implements SubjectStanding {
  readonly #links: readonly Link[]
  readonly #scope: readonly Restriction[]
  readonly #resource: string
  readonly #rules: Pick<Rules, 'vocabulary' | 'use'>
  readonly #decided = new RecentCache<string, WeakMap<Facts, Decision>>(maxAccounts)
  #masked: ReadonlySet<string> | undefined

  constructor(
    links: readonly Link[],
    scope: readonly Restriction[],
    resource: string,
    rules: Pick<Rules, 'vocabulary' | 'use'>,
  ) {
    this.#links = links
    this.#scope = scope
    this.#resource = resource
    this.#rules = rules
  }

  get maskedTags(): ReadonlySet<string> {
    this.#masked ??= this.#maskedTags()
    return this.#masked
  }

  connect(account: string): ConnectDecision {
    if (!reaches(this.#scope, this.#resource, account))
      return withObligations(notDelegated(`${account} on ${this.#resource}`), { maskedTags: nothing })
    const decisions = this.#links.map((link) => this.#told(link, link.standing.connect(account)))
    const requests = decisions.filter((decision) => decision.effect === 'request')
    const others = decisions.filter((decision) => decision.effect !== 'request')
    const refused = others.find(({ effect }) => effect !== 'allow')
    const judgement =
      requests.length === 0 || refused !== undefined ? strictest(others) : allRequests(requests)
    return withObligations(judgement, { maskedTags: judgement.effect === 'deny' ? nothing : this.maskedTags })
  }

  /** Its own; and that of whom it acts for, as long as policy asks for none of its own. */
  holders(account: string): readonly string[] {
    const keys: string[] = []
    for (const { subject, standing } of this.#links) {
      keys.push(actorKey(subject.actor))
      if (standing.connect(account).effect !== 'allow') break
    }
    return keys
  }

  unmask(tag: string): Decision {
    const judgement = this.#isDelegated('unmask')
      ? this.#strictest(({ standing }) => standing.unmask(tag))
      : notDelegated('unmask')
    return withObligations(judgement, { maskedTags: nothing })
  }

  // hot path: a statement seen before costs a look-up by its facts' identity
  decide(account: string, facts: readonly Facts[]): Decision {
    const [first] = facts
    if (first === undefined || facts.length > 1) return this.#judge(account, facts)
    let decided = this.#decided.get(account)
    if (decided === undefined) this.#decided.set(account, (decided = new WeakMap()))
    const before = decided.get(first)
    if (before !== undefined) {
      this.#rules.use.hits++
      return before
    }
    const decision = this.#judge(account, facts)
    decided.set(first, decision)
    return decision
  }

  #maskedTags(): ReadonlySet<string> {
    const isUnmasked = this.#isDelegated('unmask')
    return new Set(
      this.#links.flatMap(({ standing }) => [...(isUnmasked ? standing.maskedTags : standing.tags)]),
    )
  }

  #judge(account: string, facts: readonly Facts[]): Decision {
    const judgement = this.#beyondScope(account, facts) ?? this.#asked(account, facts)
    return withObligations(judgement, { maskedTags: this.maskedTags })
  }

  #beyondScope(account: string, facts: readonly Facts[]): Judgement | undefined {
    if (this.#scope.length === 0) return undefined
    if (!reaches(this.#scope, this.#resource, account)) return notDelegated(`${account} on ${this.#resource}`)
    for (const each of facts) {
      const beyond = questionsOf(each).find(({ action }) => !this.#isDelegated(action))
      if (beyond !== undefined) return notDelegated(beyond.action)
      if (each.exposes.length > 0 && !this.#isDelegated('unmask'))
        return denial(gatewayVerdicts.maskedColumn, exposure(each.exposes))
    }
    return undefined
  }

  #asked(account: string, facts: readonly Facts[]): Judgement {
    const judgement = this.#strictest(({ standing }) => standing.decide(account, facts))
    if (judgement.effect !== 'review' || !this.#scope.some(({ asksNobody }) => asksNobody)) return judgement
    const reason = 'somebody would have to approve it, and the token is one that asks nobody'
    return denial(gatewayVerdicts.notDelegated, reason, judgement.policies)
  }

  #strictest(ask: (link: Link) => Decision): Judgement {
    return strictest(this.#links.map((link) => this.#told(link, ask(link))))
  }

  /** Whose denial it is, where it is not that of who acts now. */
  #told(link: Link, decision: Decision): Judgement
  #told(link: Link, decision: ConnectDecision): ConnectJudgement
  #told(link: Link, { obligations, ...decision }: ConnectDecision): ConnectJudgement {
    const { watchers } = obligations
    const told = watchers === undefined ? decision : { ...decision, watchers }
    if (link === this.#links[0] || decision.effect !== 'deny') return told
    return {
      ...told,
      reason: `${whoById(link.subject)} may not do it either: ${decision.reason ?? 'policy denies it'}`,
    }
  }

  #isDelegated(action: string): boolean {
    const group = this.#rules.vocabulary.actions.get(action)?.group
    return this.#scope.every(
      ({ actions }) =>
        actions === undefined || actions.includes(action) || (group !== undefined && actions.includes(group)),
    )
  }
}

function notDelegated(what: string): Judgement {
  return denial(gatewayVerdicts.notDelegated, `the token is not for this: ${what}`)
}

const nothing: ReadonlySet<string> = new Set()
