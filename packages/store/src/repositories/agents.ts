import type { Kysely } from 'kysely'
import type { Change } from '../changes.ts'
import type { Tables } from '../schema.ts'

/** Which of its keys an agent may use; fingerprints are SHA-256 of the public key, base64url. */
export interface AgentKeys {
  /** Counts the keys that came into use; 1 at enrolment. */
  readonly generation: number
  readonly current: string
  /** Certified, but not yet seen. */
  readonly next?: string
}

/** An enrolled agent. */
export interface AgentRow {
  /** UUID. */
  readonly id: string
  readonly pool: string
  /** What people call it. */
  readonly name: string
  readonly keys: AgentKeys
  readonly certificateExpiresAt: number
  /** Its software's version when last seen. */
  readonly version: string | null
  readonly enrolledAt: number
  readonly lastSeenAt: number | null
  readonly revokedAt: number | null
}

export class AgentReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  /** By pool, then in the order of enrolment. */
  async list(): Promise<readonly AgentRow[]> {
    const rows = await this.db
      .selectFrom('agents')
      .selectAll()
      .orderBy('pool')
      .orderBy('enrolledAt')
      .orderBy('id')
      .execute()
    return rows.map(parse)
  }

  async get(id: string): Promise<AgentRow | undefined> {
    const row = await this.db.selectFrom('agents').selectAll().where('id', '=', id).executeTakeFirst()
    return row && parse(row)
  }
}

export class AgentWriter extends AgentReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  async enrol(
    agent: Pick<AgentRow, 'id' | 'pool' | 'name' | 'keys' | 'certificateExpiresAt'>,
  ): Promise<void> {
    const { keys, ...rest } = agent
    await this.db
      .insertInto('agents')
      .values({
        ...rest,
        ...columns(keys),
        version: null,
        enrolledAt: this.#change.nowMs,
        lastSeenAt: null,
        revokedAt: null,
      })
      .execute()
    this.#change.note(`agent ${agent.id} (${agent.name}) enrolled in pool ${agent.pool}`, {
      table: 'agents',
      key: agent.id,
      verb: 'created',
    })
  }

  /**
   * Compare and set. `certificateExpiresAt` where a certificate was issued with it.
   * @returns false where its keys are no longer `from`, or it is revoked
   */
  async advanceKeys(
    id: string,
    from: AgentKeys,
    to: AgentKeys,
    certificateExpiresAt?: number,
  ): Promise<boolean> {
    const was = columns(from)
    const { numUpdatedRows } = await this.db
      .updateTable('agents')
      .set({ ...columns(to), ...(certificateExpiresAt === undefined ? {} : { certificateExpiresAt }) })
      .where('id', '=', id)
      .where('generation', '=', was.generation)
      .where('currentKey', '=', was.currentKey)
      .where('nextKey', was.nextKey === null ? 'is' : '=', was.nextKey)
      .where('revokedAt', 'is', null)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return false
    const what =
      to.next === undefined
        ? `agent ${id} uses key ${to.current}, generation ${to.generation}`
        : `agent ${id} has a certificate for its next key ${to.next}`
    this.#change.note(what, { table: 'agents', key: id, verb: 'changed' })
    return true
  }

  async revoke(id: string, why: string): Promise<boolean> {
    const { numUpdatedRows } = await this.db
      .updateTable('agents')
      .set({ revokedAt: this.#change.nowMs })
      .where('id', '=', id)
      .where('revokedAt', 'is', null)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return false
    this.#change.note(`agent ${id} revoked: ${why}`, { table: 'agents', key: id, verb: 'ended' })
    return true
  }
}

function columns(keys: AgentKeys): Pick<Tables['agents'], 'generation' | 'currentKey' | 'nextKey'> {
  return { generation: keys.generation, currentKey: keys.current, nextKey: keys.next ?? null }
}

function parse({ generation, currentKey, nextKey, ...row }: Tables['agents']): AgentRow {
  const keys = { generation, current: currentKey }
  return { ...row, keys: nextKey === null ? keys : { ...keys, next: nextKey } }
}
