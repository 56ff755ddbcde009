import type { Kysely } from 'kysely'
import {
  actorKey,
  approvalsIn,
  groupsIn,
  needsInWords,
  requestMayBecome,
  type AccessRequestId,
  type AccessRequestState,
  type Actor,
  type Principal,
  type ReviewNeed,
  type WebhookEvent,
  type WebhookNews,
} from '@sallyport/core'
import type { Change } from '../changes.ts'
import { answerTold, shortenedOrNull, shortenedWords, tellWebhooks, told, toldActor } from '../outbox.ts'
import type { Tables } from '../schema.ts'

/** One reviewer's answer; each has one. `close` ends the review after a break-glass. */
export interface AccessAnswer {
  /** Principal id. */
  readonly byId: string
  readonly byName: string
  readonly verdict: 'approve' | 'deny' | 'close'
  readonly comment: string | null
  /** The reviewer's network address. */
  readonly answeredFrom: string
  readonly at: number
}

/** Somebody asks to be let in for a time, or has let themselves in and is reviewed for it. */
export interface AccessRequest {
  readonly id: AccessRequestId
  readonly requester: Principal
  readonly actor: Actor
  readonly resource: string
  readonly account: string
  /** How long the grant is to last. */
  readonly durationMs: number
  /** The requester's words. */
  readonly reason: string
  readonly ticket: string | null
  /** The requester's network address. */
  readonly askedFrom: string
  readonly policies: readonly string[]
  /** The policy's words. */
  readonly policyReason: string | null
  readonly needs: readonly ReviewNeed[]
  readonly askedAt: number
  /** Until when it may be approved. */
  readonly expiresAt: number
  readonly state: AccessRequestState
  readonly answers: readonly AccessAnswer[]
}

export class AccessRequestReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  async get(id: string): Promise<AccessRequest | undefined> {
    const row = await this.db.selectFrom('accessRequests').selectAll().where('id', '=', id).executeTakeFirst()
    return row && parse(row, await this.#answers([id]))
  }

  /** Newest first. */
  async list(
    states: readonly AccessRequestState[] | 'any',
    limit: number,
  ): Promise<readonly AccessRequest[]> {
    let query = this.db.selectFrom('accessRequests').selectAll().orderBy('id', 'desc').limit(limit)
    if (states !== 'any') query = query.where('state', 'in', states)
    const rows = await query.execute()
    const answers = await this.#answers(rows.map(({ id }) => id))
    return rows.map((row) => parse(row, answers))
  }

  /** How many wait for people. */
  async waiting(): Promise<Readonly<Record<'open' | 'unreviewed', number>>> {
    const count = async (state: 'open' | 'unreviewed'): Promise<number> => {
      const row = await this.db
        .selectFrom('accessRequests')
        .select((select) => select.fn.countAll<number | bigint>().as('count'))
        .where('state', '=', state)
        .executeTakeFirstOrThrow()
      return Number(row.count)
    }
    return { open: await count('open'), unreviewed: await count('unreviewed') }
  }

  /** Ids of those that are still open at their end. */
  async overdue(nowMs: number, limit: number): Promise<readonly AccessRequestId[]> {
    const rows = await this.db
      .selectFrom('accessRequests')
      .select('id')
      .where('state', '=', 'open')
      .where('expiresAt', '<=', nowMs)
      .limit(limit)
      .execute()
    return rows.map(({ id }) => id as AccessRequestId)
  }

  async #answers(requests: readonly string[]): Promise<readonly Tables['accessAnswers'][]> {
    if (requests.length === 0) return []
    return this.db
      .selectFrom('accessAnswers')
      .selectAll()
      .where('request', 'in', requests)
      .orderBy('at')
      .orderBy('byId')
      .execute()
  }
}

export class AccessRequestWriter extends AccessRequestReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  /** How many of a principal's wait for an answer, or for the review after a break-glass. */
  async waitingOf(requesterId: string): Promise<number> {
    const { count } = await this.db
      .selectFrom('accessRequests')
      .select((select) => select.fn.countAll<number | bigint>().as('count'))
      .where('requesterId', '=', requesterId)
      .where('state', 'in', ['open', 'unreviewed'])
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  /** @returns false where the same is asked for already, and waits */
  async ask(
    request: Omit<AccessRequest, 'state' | 'answers' | 'askedAt'>,
    state: 'open' | 'unreviewed',
  ): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await this.db
      .insertInto('accessRequests')
      .values({
        ...request,
        requester: JSON.stringify(request.requester),
        requesterId: request.requester.id,
        actor: JSON.stringify(request.actor),
        actorId: actorKey(request.actor),
        policies: JSON.stringify(request.policies),
        needs: JSON.stringify(request.needs),
        askedAt: this.#change.nowMs,
        state,
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    if (numInsertedOrUpdatedRows !== 1n) return false
    const { id, requester, resource, account, durationMs, askedFrom, ticket } = request
    const what = `access to ${resource} as ${account} for ${durationMs / 1000} s`
    const how = state === 'open' ? 'asked for' : 'taken at once, to be reviewed,'
    const why = `${request.reason}${ticket === null ? '' : ` (${ticket})`}`
    this.#change.note(`request ${id}: ${what} ${how} by ${requester.id} from ${askedFrom}: ${why}`, {
      table: 'accessRequests',
      key: id,
      verb: 'created',
    })
    await this.#tell(state === 'open' ? 'access-requested' : 'break-glass', id)
    return true
  }

  /**
   * Takes an answer to a request that stands in `state`. Whether this reviewer may answer is the caller's to judge, and so is whose
   * approval is still needed then.
   * @returns false where it does not stand there, or this reviewer has answered before
   */
  async answer(
    id: string,
    state: 'open' | 'unreviewed',
    answer: Omit<AccessAnswer, 'at'>,
    stillNeeded: readonly ReviewNeed[],
  ): Promise<boolean> {
    const standing = await this.db
      .selectFrom('accessRequests')
      .select('id')
      .where('id', '=', id)
      .where('state', '=', state)
      .executeTakeFirst()
    if (standing === undefined) return false
    const { byId, byName, verdict, comment, answeredFrom } = answer
    const { numInsertedOrUpdatedRows } = await this.db
      .insertInto('accessAnswers')
      .values({ request: id, byId, byName, verdict, comment, answeredFrom, at: this.#change.nowMs })
      .onConflict((conflict) => conflict.columns(['request', 'byId']).doNothing())
      .executeTakeFirst()
    if (numInsertedOrUpdatedRows !== 1n) return false
    const words = comment === null ? '' : `: ${comment}`
    this.#change.note(`request ${id}: ${verdict} by ${byId} from ${answeredFrom}${words}`, {
      table: 'accessRequests',
      key: id,
      verb: 'changed',
    })
    // What it comes to is told otherwise.
    if (stillNeeded.length > 0) await this.#tell('access-answered', id, stillNeeded)
    return true
  }

  /**
   * Compare and set.
   * @returns false where it does not stand in `from` any more
   * @throws TypeError where no request may ever go from `from` to `to`
   */
  async become(id: string, from: AccessRequestState, to: AccessRequestState): Promise<boolean> {
    if (!requestMayBecome(from, to)) throw new TypeError(`a request cannot go from ${from} to ${to}`)
    const { numUpdatedRows } = await this.db
      .updateTable('accessRequests')
      .set({ state: to })
      .where('id', '=', id)
      .where('state', '=', from)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return false
    this.#change.note(`request ${id} ${to}`, { table: 'accessRequests', key: id, verb: 'ended' })
    await this.#tell(endings[to] ?? 'access-request-ended', id)
    return true
  }

  /** Who is to approve it is another by now. @returns false where it is not open any more */
  async askOthers(id: string, needs: readonly ReviewNeed[]): Promise<boolean> {
    const { numUpdatedRows } = await this.db
      .updateTable('accessRequests')
      .set({ needs: JSON.stringify(needs) })
      .where('id', '=', id)
      .where('state', '=', 'open')
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return false
    this.#change.note(`request ${id} now waits for ${needsInWords(needs)}`, {
      table: 'accessRequests',
      key: id,
      verb: 'changed',
    })
    await this.#tell('access-requested', id)
    return true
  }

  #tell(event: WebhookEvent, id: string, stillNeeded?: readonly ReviewNeed[]): Promise<void> {
    const news = async (): Promise<WebhookNews> => newsOf((await this.get(id))!, stillNeeded)
    return tellWebhooks(this.#change, { event, subject: id, news })
  }
}

const endings: Readonly<Partial<Record<AccessRequestState, WebhookEvent>>> = {
  approved: 'access-granted',
  denied: 'access-denied',
  reviewed: 'break-glass-reviewed',
}

function newsOf(request: AccessRequest, stillNeeded?: readonly ReviewNeed[]): WebhookNews {
  const { id, state, resource, account, durationMs, needs, expiresAt } = request
  const last = request.answers.at(-1)
  return {
    about: 'request',
    request: {
      id,
      state,
      requester: told(request.requester),
      actor: toldActor(request.actor),
      resource,
      account,
      durationMs,
      reason: shortenedWords(request.reason),
      ticket: shortenedOrNull(request.ticket),
      reviewers: groupsIn(needs),
      approvalsNeeded: approvalsIn(needs),
      needs,
      stillNeeded: stillNeeded ?? (state === 'open' ? needs : []),
      expiresAt,
    },
    answer: last === undefined ? null : answerTold(last),
  }
}

function parse(row: Tables['accessRequests'], answers: readonly Tables['accessAnswers'][]): AccessRequest {
  const { requesterId: _requesterId, actorId: _actorId, ...rest } = row
  return {
    ...rest,
    id: row.id as AccessRequestId,
    state: row.state as AccessRequestState,
    requester: JSON.parse(row.requester) as Principal,
    actor: JSON.parse(row.actor) as Actor,
    policies: JSON.parse(row.policies) as string[],
    needs: JSON.parse(row.needs) as ReviewNeed[],
    answers: answers
      .filter(({ request }) => request === row.id)
      .map(({ request: _request, verdict, ...answer }) => ({
        ...answer,
        verdict: verdict as AccessAnswer['verdict'],
      })),
  }
}
