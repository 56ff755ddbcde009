import { isDeepStrictEqual } from 'node:util'
import {
  factsOf,
  type ConnectDecision,
  type Decision,
  type Facts,
  type FactsInput,
  type Resource,
  type Subject,
  type Watchers,
} from '@sallyport/core'
import { gatewayVerdicts } from './annotations.ts'
import type { DecisionPoint } from './decision-point.ts'

/** A session that was recorded, as who it was, on its resource as that is now. */
export interface RecordedSession {
  readonly session: string
  readonly subject: Subject
  readonly resource: Resource
  readonly account: string
}

/** One operation that was recorded in it. */
export interface RecordedOperation {
  readonly id: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly text: string
  readonly facts: readonly FactsInput[]
}

type Effect = ConnectDecision['effect']

export interface Example {
  readonly session: string
  /** Absent for the connection itself. */
  readonly operation?: number
  readonly principal: string
  readonly at: number
  /** On one line, cut where it is long. */
  readonly text: string
}

/** Operations that the one set decides otherwise than the other, all in the same way. */
export interface ChangeGroup {
  readonly from: Effect
  readonly to: Effect
  /** `connect`, or what they do: `read, update`. */
  readonly actions: string
  readonly resource: string
  /** Those that determine it from now on; those that did, where none does any more. */
  readonly policies: readonly string[]
  readonly reason?: string
  /** Tags of columns that they read, and whose values they would see masked from now on. */
  readonly masked: readonly string[]
  /** The same, in clear from now on. */
  readonly unmasked: readonly string[]
  /** Who must watch it from now on, where others had to, or nobody; empty where nobody must any more. Absent where nothing changes. */
  readonly watchers?: Watchers
  readonly count: number
  /** Some of those whose operations these are. */
  readonly principals: readonly string[]
  readonly examples: readonly Example[]
}

export interface SimulationReport {
  readonly sessions: number
  readonly operations: number
  /** Operations that were refused before policies were asked, or whose recorded facts this version has no words for. */
  readonly notJudged: number
  /** The greatest first. */
  readonly changes: readonly ChangeGroup[]
  /** Changes that are in no group, since there are too many groups. */
  readonly otherChanges: number
}

type OpenGroup = Omit<ChangeGroup, 'count' | 'principals' | 'examples'> & {
  count: number
  readonly principals: string[]
  readonly examples: Example[]
}

/**
 * What another set of policies would have decided of recorded operations, at the time of each. Both sets judge the same facts of the same subjects: so
 * every difference comes from the policies, and none from who has joined or left a group since.
 */
export class Simulation {
  readonly #before: InTheirMinute
  readonly #after: InTheirMinute
  readonly #groups = new Map<string, OpenGroup>()
  #sessions = 0
  #operations = 0
  #notJudged = 0
  #otherChanges = 0

  constructor(before: DecisionPoint, after: DecisionPoint) {
    this.#before = new InTheirMinute(before)
    this.#after = new InTheirMinute(after)
  }

  get progress(): { readonly sessions: number; readonly operations: number } {
    return { sessions: this.#sessions, operations: this.#operations }
  }

  connect(one: RecordedSession, at: number): void {
    this.#sessions++
    const { subject, resource, account } = one
    const from = this.#before.at(at).connect(subject, resource, account)
    const to = this.#after.at(at).connect(subject, resource, account)
    if (from.effect !== to.effect)
      this.#changed(one, 'connect', from, to, none, { at, text: `as ${account}` })
  }

  operation(one: RecordedSession, { id, at, text, facts: recorded }: RecordedOperation): void {
    this.#operations++
    if (recorded.length === 0) return void this.#notJudged++
    const facts = recorded.map(factsOf)
    const { subject, resource, account } = one
    const from = this.#before.at(at).decide(subject, resource, account, facts)
    const to = this.#after.at(at).decide(subject, resource, account, facts)
    if (isUnjudged(from) && isUnjudged(to)) return void this.#notJudged++
    const masks = from.effect === 'deny' || to.effect === 'deny' ? none : masksOf(resource, facts, from, to)
    const watched = from.effect === 'deny' || to.effect === 'deny' ? {} : watchedOf(from, to)
    const isAsBefore = masks.masked.length + masks.unmasked.length === 0 && watched.watchers === undefined
    if (from.effect === to.effect && isAsBefore) return
    const actions = [...new Set(facts.flatMap((each) => each.actions))].sort().join(', ')
    this.#changed(one, actions, from, to, { ...masks, ...watched }, { operation: id, at, text })
  }

  report(): SimulationReport {
    const changes = [...this.#groups.values()].sort((a, b) => b.count - a.count)
    return {
      ...this.progress,
      notJudged: this.#notJudged,
      changes,
      otherChanges: this.#otherChanges,
    }
  }

  #changed(
    { session, subject, resource }: RecordedSession,
    actions: string,
    from: ConnectDecision,
    to: ConnectDecision,
    obligations: Changed,
    what: Pick<Example, 'operation' | 'at' | 'text'>,
  ): void {
    const policies = to.policies.length > 0 ? to.policies : from.policies
    const key = JSON.stringify([from.effect, to.effect, actions, resource.name, policies, obligations])
    let group = this.#groups.get(key)
    if (group === undefined) {
      if (this.#groups.size >= maxGroups) return void this.#otherChanges++
      group = {
        from: from.effect,
        to: to.effect,
        actions,
        resource: resource.name,
        policies,
        ...(to.reason === undefined ? {} : { reason: to.reason }),
        ...obligations,
        count: 0,
        principals: [],
        examples: [],
      }
      this.#groups.set(key, group)
    }
    group.count++
    const { id } = subject.principal
    if (group.principals.length < maxPrincipals && !group.principals.includes(id)) group.principals.push(id)
    if (group.examples.length < maxExamples)
      group.examples.push({ session, principal: id, ...what, text: oneLine(what.text) })
  }
}

/** The policies as they stood when something was done: hours begin and end with a minute. */
class InTheirMinute {
  readonly #point: DecisionPoint
  #minute = Number.NaN
  #then: DecisionPoint

  constructor(point: DecisionPoint) {
    this.#point = point
    this.#then = point
  }

  at(ms: number): DecisionPoint {
    const minute = Math.floor(ms / 60_000)
    if (minute === this.#minute) return this.#then
    this.#minute = minute
    return (this.#then = this.#point.at(ms))
  }
}

type Masks = Pick<ChangeGroup, 'masked' | 'unmasked'>
type Watched = Pick<ChangeGroup, 'watchers'>
type Changed = Masks & Watched

const none: Masks = { masked: [], unmasked: [] }

/** Who must watch, where that is not who had to. */
function watchedOf({ obligations: before }: Decision, { obligations: after }: Decision): Watched {
  if (before.watchers === after.watchers) return {}
  const [were, are] = [before.watchers ?? [], after.watchers ?? []]
  return isDeepStrictEqual(were, are) ? {} : { watchers: are }
}

/** Tags that only one of them masks, of columns that the statements name. */
function masksOf(resource: Resource, facts: readonly Facts[], from: Decision, to: Decision): Masks {
  const [before, after] = [from.obligations.maskedTags, to.obligations.maskedTags]
  if (before.size === after.size && [...before].every((tag) => after.has(tag))) return none
  const columns = new Set(
    facts.flatMap(({ context }) => {
      const { columns: read } = context
      return Array.isArray(read) ? (read as readonly string[]) : []
    }),
  )
  const read = new Set(
    resource.masking.columns.flatMap(({ column, tag }) => (columns.has(column) ? tag : [])),
  )
  return {
    masked: [...read].filter((tag) => after.has(tag) && !before.has(tag)).sort(),
    unmasked: [...read].filter((tag) => before.has(tag) && !after.has(tag)).sort(),
  }
}

function isUnjudged({ policies }: Decision): boolean {
  return policies.includes(gatewayVerdicts.evaluationError)
}

function oneLine(text: string): string {
  const line = text
    .slice(0, 4 * maxTextLength)
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
  return line.length <= maxTextLength ? line : `${line.slice(0, maxTextLength - 1)}…`
}

const maxGroups = 1000
const maxPrincipals = 10
const maxExamples = 3
const maxTextLength = 200
