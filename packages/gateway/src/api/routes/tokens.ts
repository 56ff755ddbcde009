import { isRefusal, type Clock } from '@sallyport/core'
import type { Tokens } from '@sallyport/identity'
import type { Readers, TokenRow } from '@sallyport/store'
import { notFound, ProblemError, refused } from '../../front/problem.ts'
import type { Authorize } from '../authorize.ts'
import type { NounRoutes } from '../implementation.ts'
import { time } from '../views.ts'

export interface TokenParts {
  readonly read: Pick<Readers, 'tokens'>
  readonly tokens: Pick<Tokens, 'mint' | 'revoke'>
  readonly authorize: Pick<Authorize, 'mayAdminister'>
  readonly clock: Clock
}

export function tokenRoutes({ read, tokens, authorize, clock }: TokenParts): NounRoutes<'tokens'> {
  return {
    list: async ({ all }, { caller }) => {
      if (all && !authorize.mayAdminister(caller.subject)) {
        throw new ProblemError('forbidden', 'only administrators see the tokens of others')
      }
      const rows = await read.tokens.list(all ? undefined : caller.subject.principal.id, maxListed)
      const items = rows.map((row) => tokenView(row, clock.now()))
      return { items: items.filter(({ state }) => state === 'living') }
    },
    create: async ({ label, ttlSeconds }, { caller }) => {
      const { subject, token } = caller
      if (subject.actor.id !== subject.principal.id) {
        throw new ProblemError('forbidden', 'what acts for somebody may not mint tokens in their name')
      }
      const minted = await tokens.mint(subject, {
        principalId: subject.principal.id,
        label,
        lifetimeMs: ttlSeconds * 1000,
        // A token cannot be made to outlive itself.
        by: token.id,
      })
      if (isRefusal(minted)) throw refused(minted)
      return {
        id: minted.id,
        user: userOf(minted.principalId),
        label: minted.label,
        createdAt: time(minted.createdAtMs),
        expiresAt: time(minted.expiresAtMs),
        state: 'living',
        token: minted.token.reveal(),
      }
    },
    revoke: async ({ id }, { caller }) => {
      const row = await read.tokens.get(id)
      const isOwn = row?.principalId === caller.subject.principal.id
      const mayRevoke = row !== undefined && (isOwn || authorize.mayAdminister(caller.subject))
      if (!mayRevoke || !(await tokens.revoke(caller.subject, id))) throw notFound('living token')
    },
  }
}

function tokenView(row: TokenRow, nowMs: number) {
  const state = row.revokedAt !== null ? 'revoked' : row.expiresAt <= nowMs ? 'expired' : 'living'
  return {
    id: row.id,
    user: userOf(row.principalId),
    label: row.label,
    createdAt: time(row.createdAt),
    expiresAt: time(row.expiresAt),
    state: state as 'revoked' | 'expired' | 'living',
  }
}

const userOf = (principal: string): string => principal.replace(/^user:/, '')

const maxListed = 1000
