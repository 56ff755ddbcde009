import type { Kysely } from 'kysely'
import type { Actor, Principal, SessionId } from '@sallyport/core'
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
}

export interface SessionFilter {
  readonly principalId?: string
  readonly resource?: string
  readonly live?: boolean
  readonly process?: number
  /** Started at this time or later. */
  readonly sinceMs?: number
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
    if (filter.process !== undefined) query = query.where('process', '=', filter.process)
    if (filter.sinceMs !== undefined) query = query.where('startedAt', '>=', filter.sinceMs)
    return (await query.execute()).map(parse)
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
  }
}
