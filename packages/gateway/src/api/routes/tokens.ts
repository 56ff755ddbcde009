import {
  isDelegated,
  isRefusal,
  maxActors,
  type Clock,
  type Refusal,
  type Restriction,
} from '@sallyport/core'
import type { Delegations, MintedToken, Tokens } from '@sallyport/identity'
import type { DecisionPoint } from '@sallyport/policy'
import type { Readers, TokenRow } from '@sallyport/store'
import { notFound, ProblemError, refused } from '../../front/problem.ts'
import type { Authorize } from '../authorize.ts'
import type { Caller, NounRoutes } from '../implementation.ts'
import { actorView, scopeView, time } from '../views.ts'

export interface TokenParts {
  readonly read: Pick<Readers, 'tokens' | 'resources'>
  readonly tokens: Pick<Tokens, 'mint' | 'revoke'>
  readonly delegations: Pick<Delegations, 'mint'>
  readonly policies: { readonly point: DecisionPoint }
  readonly authorize: Pick<Authorize, 'mayAdminister'>
  readonly clock: Clock
}

export function tokenRoutes(parts: TokenParts): NounRoutes<'tokens'> {
  const { read, tokens, delegations, authorize, clock } = parts
  const isOwn = async ({ subject, token }: Caller, row: TokenRow): Promise<boolean> => {
    if (row.principalId !== subject.principal.id) return false
    return !isDelegated(subject) || row.id === token.id || isDelegatedBy(read, row, token.id)
  }
  return {
    list: async ({ all }, { caller }) => {
      if (all && !authorize.mayAdminister(caller.subject)) {
        throw new ProblemError('forbidden', 'only administrators see the tokens of others')
      }
      const rows = await read.tokens.list(all ? undefined : caller.subject.principal.id, maxListed)
      const living = rows.filter((row) => stateOf(row, clock.now()) === 'living')
      const seen: TokenRow[] = []
      for (const row of living) if (all || (await isOwn(caller, row))) seen.push(row)
      return { items: seen.map((row) => tokenView(row, clock.now())) }
    },
    create: async ({ label, ttlSeconds }, { caller: { subject, token } }) => {
      const minted = await tokens.mint(subject, {
        principalId: subject.principal.id,
        label,
        lifetimeMs: ttlSeconds * 1000,
        // A token cannot be made to outlive itself.
        by: token.id,
      })
      return shown(parts, minted)
    },
    delegate: async ({ agent, label = agent, ttlSeconds, restriction: asked }, { caller }) => {
      const restriction = narrowed(asked)
      mustBeActions(parts.policies.point, restriction)
      await mustReach(parts, caller, restriction)
      const lifetimeMs = ttlSeconds * 1000
      return shown(
        parts,
        await delegations.mint({ by: caller, to: { agent }, restriction, lifetimeMs, label }),
      )
    },
    revoke: async ({ id }, { caller }) => {
      const row = await read.tokens.get(id)
      const mayRevoke =
        row !== undefined && ((await isOwn(caller, row)) || authorize.mayAdminister(caller.subject))
      if (!mayRevoke || !(await tokens.revoke(caller.subject, id))) throw notFound('living token')
    },
  }
}

async function isDelegatedBy(
  { tokens }: Pick<Readers, 'tokens'>,
  row: TokenRow,
  by: string,
): Promise<boolean> {
  let { parent } = row
  for (let depth = 0; parent !== null && depth < maxActors; depth++) {
    if (parent === by) return true
    parent = (await tokens.get(parent))?.parent ?? null
  }
  return false
}

/** Without what is not there: an empty restriction narrows nothing. */
function narrowed({ resources, accounts, actions, asksNobody }: Asked): Restriction {
  return {
    ...(resources !== undefined && { resources }),
    ...(accounts !== undefined && { accounts }),
    ...(actions !== undefined && { actions }),
    ...(asksNobody !== undefined && { asksNobody }),
  }
}

type Asked = { readonly [Key in keyof Restriction]: Restriction[Key] | undefined }

/** Whoever mistypes one is told so: the token would be of no use, and nobody would see why. */
function mustBeActions({ vocabulary }: DecisionPoint, { actions = [] }: Restriction): void {
  const known = new Set(vocabulary.flatMap((one) => one.actions.flatMap(({ name, group }) => [name, group])))
  const unknown = actions.find((action) => action !== 'unmask' && !known.has(action))
  if (unknown === undefined) return
  throw new ProblemError('invalid-request', `there is no action ${unknown}`, {
    next: 'name actions or groups as policies do: read, write, session, unmask',
  })
}

async function mustReach(
  { read, policies }: TokenParts,
  { subject }: Caller,
  { resources = [] }: Restriction,
) {
  for (const name of resources) {
    const resource = await read.resources.get(name)
    const isReachable = resource?.accounts.some((account) =>
      ['allow', 'request'].includes(policies.point.connect(subject, resource, account.name).effect),
    )
    if (isReachable !== true) throw notFound(`resource ${name}`)
  }
}

async function shown({ read, clock }: TokenParts, minted: MintedToken | Refusal) {
  if (isRefusal(minted)) {
    if (minted.code !== 'denied') throw refused(minted)
    throw new ProblemError('forbidden', minted.reason, minted.next === undefined ? {} : { next: minted.next })
  }
  const row = await read.tokens.get(minted.id)
  if (row === undefined) throw notFound('living token')
  return { ...tokenView(row, clock.now()), token: minted.token.reveal() }
}

function stateOf({ revokedAt, expiresAt }: TokenRow, nowMs: number): 'revoked' | 'expired' | 'living' {
  if (revokedAt !== null) return 'revoked'
  return expiresAt <= nowMs ? 'expired' : 'living'
}

function tokenView(row: TokenRow, nowMs: number) {
  return {
    id: row.id,
    user: userOf(row.principalId),
    label: row.label,
    createdAt: time(row.createdAt),
    expiresAt: time(row.expiresAt),
    state: stateOf(row, nowMs),
    ...(row.actor !== null && { actor: actorView(row.actor) }),
    ...scopeView(row.scope),
    ...(row.parent !== null && { parent: row.parent }),
  }
}

const userOf = (principal: string): string => principal.replace(/^user:/, '')

const maxListed = 1000
