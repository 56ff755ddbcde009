import type { Actor, Subject } from '@sallyport/core'
import type { AccessRequest, Grant } from '@sallyport/store'
import type { AccessQuestion, RequestAnswered } from '../src/access-requests.ts'
import { startWorld, type World } from './world.ts'

/** Developers are let in to `admin` when a DBA approved it, for two hours at most; DBAs by break-glass too. */
export const rules = `
@id("connect")
permit (principal in Group::"developers", action == Action::"connect", resource)
when { context.account == "app" };
@id("admins") @request("dba") @duration("2h") @within("8h") @reason("production is left alone")
permit (principal in Group::"developers", action == Action::"connect", resource)
when { context.account == "admin" };
@id("on-call") @request("dba") @duration("1h") @breakglass("dba")
permit (principal in Group::"dba", action == Action::"connect", resource)
when { context.account == "admin" };
`
export const accounts = [
  { name: 'app', credential: { from: 'none' } },
  { name: 'admin', credential: { from: 'none' } },
] as const
export const hourMs = 3_600_000
export const from = '10.0.0.9'
export const helper: Actor = { kind: 'agent', id: 'agent:helper', name: 'helper' }

export const start = (policy = rules): Promise<World> => startWorld({ policy, resource: { accounts } })

export const question: AccessQuestion = {
  resource: 'orders-db',
  account: 'admin',
  durationMs: hourMs,
  reason: 'a broken import',
  ticket: 'OPS-7',
  isBreakGlass: false,
  from,
}

export async function ask(
  world: World,
  who = 'alice',
  more: Partial<AccessQuestion> = {},
): Promise<AccessRequest> {
  const asked = await world.requests.ask(await world.person(who), { ...question, ...more })
  if (asked.kind !== 'asked') throw new Error(asked.reason)
  return asked.request
}

export async function answer(
  world: World,
  who: string | Subject,
  { id }: { readonly id: string },
  verdict: 'approve' | 'deny' = 'approve',
): Promise<RequestAnswered> {
  const by = typeof who === 'string' ? await world.person(who) : who
  return world.requests.answer(by, verdict, { id, comment: 'seen', from: '10.0.0.2' })
}

export async function grant(world: World, who = 'alice', approver = 'bob'): Promise<Grant> {
  const answered = await answer(world, approver, await ask(world, who))
  if (answered.kind !== 'answered' || answered.grant === undefined) throw new Error('no grant')
  return answered.grant
}
