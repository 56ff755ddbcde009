import type { Kysely } from 'kysely'
import {
  actorKey,
  whoById,
  type AccessRequestId,
  type Actor,
  type GrantId,
  type Principal,
  type WebhookNews,
} from '@sallyport/core'
import type { Change } from '../changes.ts'
import { shortenedOrNull, tellNoMore, tellWebhooks, told, toldActor } from '../outbox.ts'
import type { Tables } from '../schema.ts'

/** Access for a time: to one account of one resource, for who asked and through what they asked, and nobody else. */
export interface Grant {
  readonly id: GrantId
  /** Each request makes one grant at most. */
  readonly request: AccessRequestId
  readonly principal: Principal
  readonly actor: Actor
  readonly resource: string
  readonly account: string
  /** Principal ids; nobody where it was taken by break-glass. */
  readonly approvers: readonly string[]
  /** The groups that could approve it, and may revoke it. */
  readonly reviewers: readonly string[]
  readonly startsAt: number
  /** It ends by itself: no longer good from this moment on. */
  readonly endsAt: number
  readonly revokedAt: number | null
  /** Principal id, or `system`. */
  readonly revokedBy: string | null
  readonly revokedWhy: string | null
}

/** Whom and what a session must be to stand on a grant. */
export interface GrantPlace {
  readonly principalId: string
  /** Whose, of any of them: see {@link actorKey}. */
  readonly actorKeys: readonly string[]
  readonly resource: string
  readonly account: string
}

export interface GrantFilter {
  readonly principalId?: string
  /** Only those that are good at this moment. */
  readonly goodAtMs?: number
  readonly limit: number
}

export class GrantReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  async get(id: string): Promise<Grant | undefined> {
    const row = await this.db.selectFrom('grants').selectAll().where('id', '=', id).executeTakeFirst()
    return row && parse(row)
  }

  /** The one that is good at this moment; of several the one that ends last. */
  async goodFor(place: GrantPlace, nowMs: number): Promise<Grant | undefined> {
    const row = await this.db
      .selectFrom('grants')
      .selectAll()
      .where('principalId', '=', place.principalId)
      .where('actorId', 'in', place.actorKeys)
      .where('resource', '=', place.resource)
      .where('account', '=', place.account)
      .where('startsAt', '<=', nowMs)
      .where('endsAt', '>', nowMs)
      .where('revokedAt', 'is', null)
      .orderBy('endsAt', 'desc')
      .limit(1)
      .executeTakeFirst()
    return row && parse(row)
  }

  /** Of resources that have any. */
  async countGood(nowMs: number): Promise<readonly { readonly resource: string; readonly count: number }[]> {
    const rows = await this.db
      .selectFrom('grants')
      .select('resource')
      .select((select) => select.fn.countAll<number | bigint>().as('count'))
      .where('startsAt', '<=', nowMs)
      .where('endsAt', '>', nowMs)
      .where('revokedAt', 'is', null)
      .groupBy('resource')
      .execute()
    return rows.map(({ resource, count }) => ({ resource, count: Number(count) }))
  }

  /** Newest first. */
  async list({ principalId, goodAtMs, limit }: GrantFilter): Promise<readonly Grant[]> {
    let query = this.db.selectFrom('grants').selectAll().orderBy('id', 'desc').limit(limit)
    if (principalId !== undefined) query = query.where('principalId', '=', principalId)
    if (goodAtMs !== undefined)
      query = query
        .where('startsAt', '<=', goodAtMs)
        .where('endsAt', '>', goodAtMs)
        .where('revokedAt', 'is', null)
    return (await query.execute()).map(parse)
  }
}

export class GrantWriter extends GrantReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  async give(grant: Omit<Grant, 'startsAt' | 'revokedAt' | 'revokedBy' | 'revokedWhy'>): Promise<void> {
    const { id, principal, actor, approvers, reviewers, resource, account, endsAt, request } = grant
    await this.db
      .insertInto('grants')
      .values({
        id,
        request,
        resource,
        account,
        endsAt,
        principal: JSON.stringify(principal),
        principalId: principal.id,
        actor: JSON.stringify(actor),
        actorId: actorKey(actor),
        approvers: JSON.stringify(approvers),
        reviewers: JSON.stringify(reviewers),
        startsAt: this.#change.nowMs,
        revokedAt: null,
        revokedBy: null,
        revokedWhy: null,
      })
      .execute()
    const whose = whoById({ principal, actor })
    const until = new Date(endsAt).toISOString()
    this.#change.note(`grant ${id} of ${request}: ${whose} on ${resource} as ${account} until ${until}`, {
      table: 'grants',
      key: id,
      verb: 'created',
    })
    await this.#tellOfEnd(id, endsAt)
  }

  /**
   * Ends those that are still to end, now and for good.
   * @param by a principal's id, or `system`
   * @returns the ids of those that ended by this
   */
  async revoke(which: Which, by: string, why: string | null): Promise<readonly string[]> {
    const [column, value] = columnOf(which)
    const { nowMs } = this.#change
    const rows = await this.db
      .updateTable('grants')
      .set({ revokedAt: nowMs, revokedBy: by, revokedWhy: why })
      .where(column, '=', value)
      .where('revokedAt', 'is', null)
      .where('endsAt', '>', nowMs)
      .returning('id')
      .execute()
    const words = why === null ? '' : `: ${why}`
    for (const { id } of rows) {
      this.#change.note(`grant ${id} revoked${words}`, { table: 'grants', key: id, verb: 'ended' })
      await tellNoMore(this.#change, 'grant-ended', id)
      await this.#tellOfEnd(id)
    }
    return rows.map(({ id }) => id)
  }

  /** @param dueAt when it ends by itself, unless it is revoked before; now where absent */
  #tellOfEnd(id: string, dueAt?: number): Promise<void> {
    const news = async (): Promise<WebhookNews> => newsOf((await this.get(id))!)
    return tellWebhooks(this.#change, {
      event: 'grant-ended',
      subject: id,
      news,
      ...(dueAt !== undefined && { dueAt }),
    })
  }
}

function newsOf(grant: Grant): WebhookNews {
  const { id, request, principal, actor, resource, account, endsAt, revokedBy, revokedWhy } = grant
  return {
    about: 'grant',
    grant: {
      id,
      request,
      requester: told(principal),
      actor: toldActor(actor),
      resource,
      account,
      endsAt,
      revokedBy,
      revokedWhy: shortenedOrNull(revokedWhy),
    },
  }
}

/** One grant, or all of a principal, or all to a resource. */
type Which = { readonly id: string } | { readonly principalId: string } | { readonly resource: string }

function columnOf(which: Which): readonly ['id' | 'principalId' | 'resource', string] {
  if ('id' in which) return ['id', which.id]
  return 'resource' in which ? ['resource', which.resource] : ['principalId', which.principalId]
}

function parse(row: Tables['grants']): Grant {
  const { principalId: _principalId, actorId: _actorId, ...rest } = row
  return {
    ...rest,
    id: row.id as GrantId,
    request: row.request as AccessRequestId,
    principal: JSON.parse(row.principal) as Principal,
    actor: JSON.parse(row.actor) as Actor,
    approvers: JSON.parse(row.approvers) as string[],
    reviewers: JSON.parse(row.reviewers) as string[],
  }
}
