import { setImmediate } from 'node:timers/promises'
import type { AccessLine } from '@sallyport/api'
import { mayBreakGlass } from '@sallyport/access'
import { onOwnBehalf, principalId, type Clock, type Resource, type Subject } from '@sallyport/core'
import { principalOf } from '@sallyport/identity'
import type { DecisionPoint } from '@sallyport/policy'
import type { Grant, LastUse, Store, User } from '@sallyport/store'
import type { Authorize } from '../authorize.ts'
import type { NounRoutes } from '../implementation.ts'
import { actorView, person, time } from '../views.ts'

export interface AccessRouteParts {
  readonly store: Store
  readonly policies: { readonly point: DecisionPoint }
  readonly authorize: Pick<Authorize, 'mayReplayOn'>
  readonly clock: Clock
}

export function accessRoutes(parts: AccessRouteParts): NounRoutes<'access'> {
  const { store, authorize } = parts
  return {
    report: async function* ({ resource, user }, { caller: { subject } }) {
      const resources: Resource[] = []
      for (const one of await store.read.resources.list())
        if ((resource ?? one.name) === one.name && (await authorize.mayReplayOn(subject, one.name)))
          resources.push(one)
      await store.write(subject, 'access report', (tx) => {
        tx.note(`access to ${resources.map(({ name }) => name).join(', ') || 'nothing'} reported`, {
          kind: 'report',
        })
        return Promise.resolve()
      })
      for (const one of await store.read.users.list())
        if (one.disabledAt === null && (user === undefined || isCalled(one, user)))
          yield* linesOf(parts, one, resources)
    },
  }
}

function isCalled({ name }: User, wanted: string): boolean {
  return wanted === name || wanted === principalId('user', name)
}

/** What there is to know of one person, beside the policies. */
interface Standing {
  readonly own: Subject
  readonly grants: readonly Grant[]
  readonly uses: readonly LastUse[]
}

async function* linesOf(
  { store: { read }, policies, clock }: AccessRouteParts,
  user: User,
  resources: readonly Resource[],
): AsyncGenerator<AccessLine> {
  const own = onOwnBehalf(principalOf(user))
  const { id } = own.principal
  const grants = await read.grants.list({ principalId: id, goodAtMs: clock.now(), limit: maxGrants })
  const reasons = new Map<string, string>()
  for (const { request } of grants)
    reasons.set(request, (await read.accessRequests.get(request))?.reason ?? '')
  const standing = { own, grants, uses: await read.sessions.lastUses(id) }
  for (const resource of resources) {
    // Decisions take a fraction of a millisecond each, and there may be very many.
    await setImmediate()
    for (const { name } of resource.accounts)
      yield* waysIn(policies.point.signedInAsAsked(), standing, resource, name, reasons)
  }
}

function* waysIn(
  point: DecisionPoint,
  { own, grants, uses }: Standing,
  resource: Resource,
  account: string,
  reasons: ReadonlyMap<string, string>,
): Generator<AccessLine> {
  const here = ({ resource: on, account: as }: { readonly resource: string; readonly account: string }) =>
    on === resource.name && as === account
  const lastUse = uses.find(here)
  const line = (
    { principal, actor }: Subject,
    how: AccessLine['how'],
    policies: readonly string[],
    grant?: Grant,
  ): AccessLine => ({
    principal: person(principal),
    actor: actorView(actor),
    resource: resource.name,
    account,
    how,
    policies: [...policies],
    ...(grant === undefined
      ? {}
      : {
          grant: {
            id: grant.id,
            endsAt: time(grant.endsAt),
            reason: reasons.get(grant.request) ?? '',
            approvers: [...grant.approvers],
          },
        }),
    ...(lastUse === undefined ? {} : { lastUsedAt: time(lastUse.at) }),
  })

  for (const grant of grants.filter(here)) {
    const subject = grant.actor.id === own.actor.id ? own : { principal: own.principal, actor: grant.actor }
    const { effect, policies } = point.connect(subject, resource, account)
    if (effect === 'request') yield line(subject, 'grant', policies, grant)
  }
  const decision = point.connect(own, resource, account)
  if (decision.effect === 'allow') yield line(own, 'policy', decision.policies)
  if (decision.effect === 'request')
    yield line(own, mayBreakGlass(own, decision.terms) ? 'break-glass' : 'request', decision.policies)
}

/** Of one person at one time. */
const maxGrants = 1000
