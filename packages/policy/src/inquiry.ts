import type { ConnectDecision, FactValue, Resource, ReviewNeed, SignInTerms, Subject } from '@sallyport/core'
import { didYouMean } from './closest.ts'
import type { DecisionPoint } from './decision-point.ts'
import { escapeSegment } from './entities.ts'
import { explain } from './explain.ts'
import { factsFor, NotAsked } from './stated-facts.ts'
import type { ProtocolVocabulary } from './vocabulary.ts'

/** What somebody wants to know of somebody: may they do this? */
export interface Inquiry {
  /** Of the gateway (`connect`, `unmask`, `administer`…) or of the resource's protocol. */
  readonly action: string
  /** A tag for `unmask`, an object for a protocol's action: `shop.public.orders`, or `shop/public/orders` where names have dots. */
  readonly target?: string | undefined
  /** The resource's first where absent. */
  readonly account?: string | undefined
  /** What else is known of the statement; what is not named is false, 0 or empty. A list may be written with commas. */
  readonly facts?: Readonly<Record<string, FactValue>> | undefined
}

/** One thing that was asked of the policies. */
export interface Step {
  readonly asked: string
  readonly decision: ConnectDecision
}

export interface Finding {
  /** The strictest of the steps: `step-up` means yes, with another sign-in; `request` and `review`, after somebody else has said so. */
  readonly answer: 'yes' | 'no' | 'step-up' | 'review' | 'request'
  /** What is done on a resource needs a connection first. */
  readonly steps: readonly Step[]
}

/**
 * Asks the policies, as a session would.
 * @param resource on which; only what is done to the gateway as a whole has none
 * @throws NotAsked where the question makes no sense
 */
export function inquire(
  point: DecisionPoint,
  subject: Subject,
  resource: Resource | undefined,
  inquiry: Inquiry,
): Finding {
  const steps = stepsOf(point, subject, resource, inquiry)
  const effects = steps.map(({ decision }) => decision.effect)
  const strictest = (['deny', 'step-up', 'request', 'review'] as const).find((effect) =>
    effects.includes(effect),
  )
  return { answer: strictest === undefined ? 'yes' : strictest === 'deny' ? 'no' : strictest, steps }
}

/** A step as the API and the command line give it. */
export interface ToldStep {
  asked: string
  effect: ConnectDecision['effect']
  policies: string[]
  reason?: string
  /** Who must approve it, where somebody must. */
  needs?: { groups: string[]; approvals: number }[]
  /** What the sign-in must be, where another is needed. */
  signIn?: { acr?: string[]; maxAgeSeconds?: number }
  words: string
}

export function tellStep({ asked, decision }: Step): ToldStep {
  const { effect, policies, reason } = decision
  const needs: readonly ReviewNeed[] = 'terms' in decision ? decision.terms.needs : []
  return {
    asked,
    effect,
    policies: [...policies],
    ...(reason === undefined ? {} : { reason }),
    ...(needs.length === 0
      ? {}
      : { needs: needs.map(({ groups, approvals }) => ({ groups: [...groups], approvals })) }),
    ...(decision.effect === 'step-up' && { signIn: signInOf(decision.signIn) }),
    words: explain(decision),
  }
}

function signInOf({ acr, maxAgeMs }: SignInTerms): NonNullable<ToldStep['signIn']> {
  return {
    ...(acr !== undefined && { acr: [...acr] }),
    ...(maxAgeMs !== undefined && { maxAgeSeconds: maxAgeMs / 1000 }),
  }
}

function stepsOf(
  point: DecisionPoint,
  subject: Subject,
  resource: Resource | undefined,
  { action, target, account: named, facts }: Inquiry,
): Step[] {
  if (action === 'administer' || action === 'replay' || action === 'review') {
    if (target !== undefined) throw new NotAsked(`${action} is asked of a resource, or of the gateway`)
    const asked = `${action} on ${resource?.name ?? 'the gateway'}`
    return [{ asked, decision: point.may(subject, action, resource) }]
  }
  if (resource === undefined) throw new NotAsked(`${action} is asked on a resource: name it`)
  const account = named ?? resource.accounts[0]?.name ?? ''
  if (named !== undefined && !resource.accounts.some(({ name }) => name === named))
    throw new NotAsked(`${resource.name} has no account ${named}`)
  const connect = {
    asked: `connect to ${resource.name} as ${account}`,
    decision: point.connect(subject, resource, account),
  }
  if (action === 'connect') {
    if (target !== undefined) throw new NotAsked('connect is asked of a resource alone')
    return [connect]
  }
  if (action === 'unmask') {
    if (target === undefined) throw new NotAsked('unmask is asked of a tag: unmask pii.email')
    const decision = point.unmask(subject, resource, target)
    return [connect, { asked: `unmask ${target} on ${resource.name}`, decision }]
  }
  const vocabulary = point.vocabulary.find(({ name }) => name === resource.protocol)
  const actions = vocabulary?.actions.map(({ name }) => name) ?? []
  if (vocabulary === undefined || !actions.includes(action))
    throw new NotAsked(
      `there is no action ${action} on ${resource.name}${didYouMean(action, [...ofGateway, ...actions])}`,
    )
  const statement = factsFor(
    {
      actions: [action],
      objects: target === undefined ? [] : [pathOf(target)],
      facts: withLists(facts ?? {}, vocabulary),
      exposes: [],
    },
    vocabulary,
  )
  const asked = `${action} ${target === undefined ? '' : `${target} `}on ${resource.name}`
  return [connect, { asked, decision: point.decide(subject, resource, account, [statement]) }]
}

/** `a,b` where a list is meant. */
function withLists(
  facts: Readonly<Record<string, FactValue>>,
  vocabulary: ProtocolVocabulary,
): Record<string, FactValue> {
  const lists = new Set(vocabulary.facts.flatMap(({ name, type }) => (type === 'strings' ? name : [])))
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [
      name,
      lists.has(name) && typeof value === 'string' ? value.split(',') : value,
    ]),
  )
}

/** As files of cases write it. */
function pathOf(target: string): string {
  return target.includes('/') ? target : target.split('.').map(escapeSegment).join('/')
}

const ofGateway = ['connect', 'unmask', 'administer', 'replay', 'review']
