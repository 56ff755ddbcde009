import { isRefusal, type Clock } from '@sallyport/core'
import { isLiving, type ScimTokens } from '@sallyport/identity'
import type { Readers, ScimTokenRow } from '@sallyport/store'
import { notFound, ProblemError } from '../../front/problem.ts'
import type { NounRoutes } from '../implementation.ts'
import { time } from '../views.ts'

export interface ScimTokenParts {
  readonly read: Pick<Readers, 'scimTokens'>
  /** Absent where the configuration has no SCIM. */
  readonly scimTokens: Pick<ScimTokens, 'create' | 'revoke'> | undefined
  readonly clock: Clock
}

export function scimTokenRoutes({ read, scimTokens, clock }: ScimTokenParts): NounRoutes<'scimTokens'> {
  return {
    list: async () => ({
      items: (await read.scimTokens.list()).map((row) => view(row, clock.now())),
    }),
    create: async ({ label, ttlDays }, { caller: { subject } }) => {
      if (scimTokens === undefined)
        throw new ProblemError('conflict', 'this gateway has no SCIM endpoint', {
          next: 'set `scim` in its configuration',
        })
      // It would outlive what it was delegated for.
      if (subject.actor.id !== subject.principal.id)
        throw new ProblemError('forbidden', 'what acts for somebody may not make SCIM tokens in their name')
      const made = await scimTokens.create(subject, { label, lifetimeMs: ttlDays * dayMs })
      if (isRefusal(made)) throw new ProblemError('conflict', made.reason, { next: made.next })
      return { ...view(made.row, clock.now()), token: made.token.reveal() }
    },
    revoke: async ({ id }, { caller }) => {
      if (scimTokens === undefined || !(await scimTokens.revoke(caller.subject, id)))
        throw notFound('living SCIM token')
    },
  }
}

function view(row: ScimTokenRow, nowMs: number) {
  const { id, label, createdBy, lastUsedFrom } = row
  const state = isLiving(row, nowMs) ? 'living' : row.revokedAt !== null ? 'revoked' : 'expired'
  return {
    id,
    label,
    createdBy,
    createdAt: time(row.createdAt),
    expiresAt: time(row.expiresAt),
    state: state as 'living' | 'expired' | 'revoked',
    ...(row.lastUsedAt !== null && { lastUsedAt: time(row.lastUsedAt) }),
    ...(lastUsedFrom !== null && { lastUsedFrom }),
  }
}

const dayMs = 86_400_000
