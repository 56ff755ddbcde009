import { needsStepUp, type StepUpDoor } from '@sallyport/access'
import { isDelegated, type Decision, type Resource, type Subject } from '@sallyport/core'
import type { DecisionPoint, GatewayAction } from '@sallyport/policy'
import type { Readers, SessionRow } from '@sallyport/store'
import { refused } from '../front/problem.ts'
import type { Caller } from './implementation.ts'

/** Who may do what on the gateway itself: asked of policy, as everything else is. */
export class Authorize {
  readonly #read: Pick<Readers, 'resources' | 'sessions'>
  readonly #policies: { readonly point: DecisionPoint }

  readonly #stepUp: StepUpDoor

  constructor(
    read: Pick<Readers, 'resources' | 'sessions'>,
    policies: { readonly point: DecisionPoint },
    stepUp: StepUpDoor,
  ) {
    this.#read = read
    this.#policies = policies
    this.#stepUp = stepUp
  }

  /** For who may not: where nothing is missing but another sign-in, they are told so. @throws ProblemError */
  tellStepUp({ subject, token }: Caller, action: GatewayAction): void {
    const decision = this.#policies.point.may(subject, action)
    if (decision.effect !== 'step-up') return
    throw refused(needsStepUp(decision, { subject, token, door: this.#stepUp }, 'run it again'))
  }

  mayAdminister(subject: Subject): boolean {
    return isAllowed(this.#policies.point.may(subject, 'administer'))
  }

  /** May the subject see sessions of others: on this resource, or on every one? */
  async mayReplayOn(subject: Subject, resource: string | undefined): Promise<boolean> {
    const declared = resource === undefined ? undefined : await this.#read.resources.get(resource)
    return this.#mayReplay(subject, declared)
  }

  /** One's own session; or one of others where policy says so. False, too, where there is none. */
  async mayReplay(caller: WhoseToken, session: string): Promise<boolean> {
    const row = await this.#read.sessions.get(session)
    if (row === undefined) return false
    const { subject } = caller
    if (isOwnSession(caller, row)) return true
    return this.#mayReplay(subject, await this.#read.resources.get(row.resource))
  }

  #mayReplay(subject: Subject, resource: Resource | undefined): boolean {
    return isAllowed(this.#policies.point.may(subject, 'replay', resource))
  }
}

/** Whoever calls, by which token. */
export interface WhoseToken {
  readonly subject: Subject
  readonly token: { readonly id: string }
}

/** People's own are all that are theirs; what acts for them has those that were opened by its own token. */
export function isOwnSession({ subject, token }: WhoseToken, session: SessionRow): boolean {
  const isTheirs = session.principal.id === subject.principal.id
  return isTheirs && (!isDelegated(subject) || session.token === token.id)
}

/** A review is for operations: nobody waits for one at the API. */
function isAllowed({ effect }: Decision): boolean {
  return effect === 'allow'
}
