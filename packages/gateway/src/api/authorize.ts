import type { Decision, Resource, Subject } from '@sallyport/core'
import type { DecisionPoint } from '@sallyport/policy'
import type { Readers } from '@sallyport/store'

/** Who may do what on the gateway itself: asked of policy, as everything else is. */
export class Authorize {
  readonly #read: Pick<Readers, 'resources' | 'sessions'>
  readonly #policies: { readonly point: DecisionPoint }

  constructor(read: Pick<Readers, 'resources' | 'sessions'>, policies: { readonly point: DecisionPoint }) {
    this.#read = read
    this.#policies = policies
  }

  mayAdminister(subject: Subject): boolean {
    return isAllowed(this.#policies.point.may(subject, 'administer'))
  }

  /** May the subject see sessions of others: on this resource, or on every one? */
  async mayReplayOn(subject: Subject, resource: string | undefined): Promise<boolean> {
    const declared = resource === undefined ? undefined : await this.#read.resources.get(resource)
    return this.#mayReplay(subject, declared)
  }

  /** One's own session, as who one was in it; or one of others where policy says so. False, too, where there is none. */
  async mayReplay(subject: Subject, session: string): Promise<boolean> {
    const row = await this.#read.sessions.get(session)
    if (row === undefined) return false
    const isOwn = row.principal.id === subject.principal.id
    const isOwnHand = subject.actor.id === subject.principal.id || subject.actor.id === row.actor.id
    if (isOwn && isOwnHand) return true
    return this.#mayReplay(subject, await this.#read.resources.get(row.resource))
  }

  #mayReplay(subject: Subject, resource: Resource | undefined): boolean {
    return isAllowed(this.#policies.point.may(subject, 'replay', resource))
  }
}

/** A review is for operations: nobody waits for one at the API. */
function isAllowed({ effect }: Decision): boolean {
  return effect === 'allow'
}
