import { isDelegated, type Decision, type Resource, type Subject } from '@sallyport/core'
import type { DecisionPoint } from '@sallyport/policy'
import type { Readers, SessionRow } from '@sallyport/store'

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
