import type { Kysely } from 'kysely'
import type { Actor, GrantId, Principal, SessionId } from '@sallyport/core'
import type { Tables } from '../schema.ts'

/** `writing` while it is live, `sealed` where it was closed in order, `interrupted` where it broke off. */
export type RecordingState = 'writing' | 'sealed' | 'interrupted'

/** What is listed of a session; what happened in it is in its recording. */
export interface SessionRow {
  readonly id: SessionId
  readonly principal: Principal
  readonly actor: Actor
  readonly resource: string
  readonly protocol: string
  readonly account: string
  /** `host:port`. */
  readonly clientAddress: string
  readonly policyVersion: string
  /** Of the gateway's process that holds or held it; 0 where there was one. */
  readonly process: number
  readonly startedAt: number
  readonly endedAt: number | null
  /** `client-left`, `target-left`, `interrupted`, or a refusal's or fault's code; null while it is live. */
  readonly reason: string | null
  readonly operations: number
  readonly bytesUp: number
  readonly bytesDown: number
  readonly recording: RecordingState
  /** The grant that it stands or stood on; null where policy let it in without. */
  readonly grantId: GrantId | null
  /** The access token by which it was opened; null of what an older gateway has written. */
  readonly token: string | null
}

/** When somebody last began a session there. */
export interface LastUse {
  readonly resource: string
  readonly account: string
  readonly at: number
}

export interface SessionFilter {
  readonly principalId?: string
  readonly resource?: string
  readonly live?: boolean
  /** Opened by this access token. */
  readonly token?: string
  readonly process?: number
  /** Started at this time or later. */
  readonly sinceMs?: number
  /** Lived at this time or later. */
  readonly livedSinceMs?: number
  /** Older than this one. */
  readonly beforeId?: SessionId
  readonly limit: number
}

export class SessionReader {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async get(id: string): Promise<SessionRow | undefined> {
    const row = await this.#db.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirst()
    return row && parse(row)
  }

  /** Newest first. */
  async list(filter: SessionFilter): Promise<readonly SessionRow[]> {
    let query = this.#db.selectFrom('sessions').selectAll().orderBy('id', 'desc').limit(filter.limit)
    if (filter.principalId !== undefined) query = query.where('principalId', '=', filter.principalId)
    if (filter.resource !== undefined) query = query.where('resource', '=', filter.resource)
    if (filter.live !== undefined) query = query.where('endedAt', filter.live ? 'is' : 'is not', null)
    if (filter.token !== undefined) query = query.where('token', '=', filter.token)
    if (filter.process !== undefined) query = query.where('process', '=', filter.process)
    if (filter.sinceMs !== undefined) query = query.where('startedAt', '>=', filter.sinceMs)
    const { livedSinceMs, beforeId } = filter
    if (livedSinceMs !== undefined)
      query = query.where((is) => is.or([is('endedAt', 'is', null), is('endedAt', '>=', livedSinceMs)]))
    if (beforeId !== undefined) query = query.where('id', '<', beforeId)
    return (await query.execute()).map(parse)
  }

  /** Each account of each resource that a principal has ever been on. */
  async lastUses(principalId: string): Promise<readonly LastUse[]> {
    const rows = await this.#db
      .selectFrom('sessions')
      .select((select) => ['resource', 'account', select.fn.max('startedAt').as('at')])
      .where('principalId', '=', principalId)
      .groupBy(['resource', 'account'])
      .execute()
    return rows.map((row) => ({ ...row, at: Number(row.at) }))
  }
}

function parse(row: Tables['sessions']): SessionRow {
  const { principalId: _principalId, ...rest } = row
  return {
    ...rest,
    id: row.id as SessionId,
    principal: JSON.parse(row.principal) as Principal,
    actor: JSON.parse(row.actor) as Actor,
    recording: row.recording as RecordingState,
    grantId: row.grantId as GrantId | null,
  }
}
