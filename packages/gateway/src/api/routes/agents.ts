import { randomBytes } from 'node:crypto'
import { timeOrderedId, type Clock } from '@sallyport/core'
import type { AgentRow, JoinTokenRow, Store } from '@sallyport/store'
import { formatJoinToken, newJoinSecret, type AttachedAgent } from '@sallyport/tunnel'
import { joinSecretHash } from '../../edge/agent-directory.ts'
import { notFound } from '../../front/problem.ts'
import type { Plane } from '../../start/plane.ts'
import type { NounRoutes } from '../implementation.ts'
import { time } from '../views.ts'

export function agentRoutes(store: Store, plane: Pick<Plane, 'attached' | 'cut'>): NounRoutes<'agents'> {
  return {
    list: async () => {
      const attached = new Map((await plane.attached()).map((it) => [it.id, it]))
      return { items: (await store.read.agents.list()).map((row) => agentView(row, attached.get(row.id))) }
    },
    revoke: async ({ id }, { caller }) => {
      const isDone = await store.write(caller.subject, 'revoke an agent', (tx) =>
        tx.agents.revoke(id, 'by hand'),
      )
      if (!isDone) throw notFound('agent')
      plane.cut(id)
    },
  }
}

export interface JoinTokenParts {
  readonly store: Store
  readonly clock: Clock
  /** Where agents dial, `host:port`. */
  readonly gateway: () => string
  /** SHA-256 of the authority's certificate, base64url: what a join token pins. */
  readonly authorityFingerprint: string
}

export function joinTokenRoutes({ store, clock, ...parts }: JoinTokenParts): NounRoutes<'joinTokens'> {
  return {
    list: async () => {
      const now = clock.now()
      const rows = await store.read.joinTokens.list()
      return { items: rows.map((row) => joinTokenView(row, now)).filter(({ state }) => state === 'living') }
    },
    create: async ({ pool, ttlSeconds, uses }, { caller }) => {
      const now = clock.now()
      const secret = newJoinSecret()
      const row: Omit<JoinTokenRow, 'createdAt' | 'revokedAt'> = {
        id: timeOrderedId('jtk', now, randomBytes(16)),
        hash: joinSecretHash(secret),
        pool,
        labels: {},
        usesLeft: uses,
        createdBy: caller.subject.principal.id,
        expiresAt: now + ttlSeconds * 1000,
      }
      await store.write(caller.subject, 'make a join token', (tx) => tx.joinTokens.add(row))
      return {
        ...joinTokenView({ ...row, createdAt: now, revokedAt: null }, now),
        token: formatJoinToken({ secret, authorityFingerprint: parts.authorityFingerprint }).reveal(),
        gateway: parts.gateway(),
      }
    },
    revoke: async ({ id }, { caller }) => {
      const isDone = await store.write(caller.subject, 'revoke a join token', (tx) =>
        tx.joinTokens.revoke(id),
      )
      if (!isDone) throw notFound('join token')
    },
  }
}

function agentView(row: AgentRow, attached: AttachedAgent | undefined) {
  return {
    id: row.id,
    pool: row.pool,
    name: row.name,
    state:
      row.revokedAt !== null ? ('revoked' as const) : attached ? ('attached' as const) : ('away' as const),
    enrolledAt: time(row.enrolledAt),
    certificateExpiresAt: time(row.certificateExpiresAt),
    ...(attached === undefined
      ? {}
      : {
          attachment: {
            since: time(attached.attachedAtMs),
            address: attached.address,
            version: attached.version,
            streams: attached.streams,
            ...(attached.rttMs === undefined ? {} : { roundTripMs: attached.rttMs }),
          },
        }),
  }
}

function joinTokenView(row: JoinTokenRow, nowMs: number) {
  const state =
    row.revokedAt !== null
      ? 'revoked'
      : row.usesLeft === 0
        ? 'used'
        : row.expiresAt <= nowMs
          ? 'expired'
          : 'living'
  return {
    id: row.id,
    pool: row.pool,
    usesLeft: row.usesLeft,
    createdAt: time(row.createdAt),
    expiresAt: time(row.expiresAt),
    state: state as 'revoked' | 'used' | 'expired' | 'living',
  }
}
