import { setImmediate as otherWork } from 'node:timers/promises'
import type { Finding as FindingView } from '@sallyport/api'
import {
  actorCalled,
  onOwnBehalf,
  principalId,
  type Actor,
  type PrincipalId,
  type Resource,
  type Subject,
} from '@sallyport/core'
import { currentPrincipal, principalOf } from '@sallyport/identity'
import { inquire, NotAsked, tellStep, type DecisionPoint, type Inquiry } from '@sallyport/policy'
import type { Readers } from '@sallyport/store'
import { actorView, person } from '../api/views.ts'
import { notFound, ProblemError } from '../front/problem.ts'

export interface InquiryParts {
  readonly read: Pick<Readers, 'users' | 'issuers' | 'resources'>
  readonly policies: { readonly point: DecisionPoint }
  readonly mayAdminister: (subject: Subject) => boolean
}

type Asked = Inquiry & { readonly resource?: string | undefined }

type About = Asked & {
  /** `alice`, `user:alice` or `workload:ci-shop`. */
  readonly principal: string
  readonly actor?: Pick<Actor, 'kind' | 'id'> | undefined
}

/** What people want to know of the policies in force. */
export class Inquiries {
  readonly #parts: InquiryParts

  constructor(parts: InquiryParts) {
    this.#parts = parts
  }

  /** @throws ProblemError forbidden, not-found, invalid-request */
  async can(by: Subject, { principal, actor, resource, ...inquiry }: About): Promise<FindingView> {
    const id = principal.includes(':') ? principal : principalId('user', principal)
    const mayAdminister = this.#parts.mayAdminister(by)
    if (
      !mayAdminister &&
      (id !== by.principal.id ||
        (actor !== undefined && actorCalled(actor.kind, actor.id).id !== by.actor.id))
    )
      throw new ProblemError('forbidden', 'only administrators may ask about others')
    const subject = mayAdminister ? await this.#subject(id, actor) : by
    const on = await this.#resource(resource)
    const finding = this.#inquire(subject, on, inquiry)
    // Whoever may not connect is not to learn that it is there.
    if (!mayAdminister && on !== undefined && !this.#maySee(by, on)) throw notFound('resource')
    return finding
  }

  /** In the order of their names. @throws ProblemError not-found, invalid-request */
  async whoCan({ resource, ...inquiry }: Asked): Promise<FindingView[]> {
    const on = await this.#resource(resource)
    const found: FindingView[] = []
    for (const user of await this.#parts.read.users.list()) {
      if (user.disabledAt !== null) continue
      const finding = this.#inquire(onOwnBehalf(principalOf(user)), on, inquiry)
      if (finding.answer !== 'no') found.push(finding)
      await otherWork()
    }
    return found
  }

  async #subject(id: string, actor: About['actor']): Promise<Subject> {
    const principal = await currentPrincipal(this.#parts.read, id as PrincipalId)
    if (principal === undefined) throw notFound('person')
    return actor === undefined
      ? onOwnBehalf(principal)
      : { principal, actor: actorCalled(actor.kind, actor.id) }
  }

  async #resource(name: string | undefined): Promise<Resource | undefined> {
    if (name === undefined) return undefined
    const resource = await this.#parts.read.resources.get(name)
    if (resource === undefined) throw notFound('resource')
    return resource
  }

  #maySee(subject: Subject, resource: Resource): boolean {
    const { point } = this.#parts.policies
    return resource.accounts.some(({ name }) => point.connect(subject, resource, name).effect !== 'deny')
  }

  #inquire(subject: Subject, resource: Resource | undefined, inquiry: Inquiry): FindingView {
    try {
      const { answer, steps } = inquire(this.#parts.policies.point, subject, resource, inquiry)
      return {
        principal: { ...person(subject.principal), groups: [...subject.principal.groups] },
        actor: actorView(subject.actor),
        answer,
        steps: steps.map(tellStep),
      }
    } catch (error) {
      throw error instanceof NotAsked ? new ProblemError('invalid-request', error.message) : error
    }
  }
}
