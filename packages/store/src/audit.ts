import type { Kysely } from 'kysely'
import {
  AuditChain,
  auditGenesis,
  auditHash,
  type AuditEntry,
  type AuditKind,
  type AuditVerification,
} from '@sallyport/core'
import type { Tables } from './schema.ts'

export class AuditReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  /** Newest first. */
  async list(limit: number, beforeSeq = Number.MAX_SAFE_INTEGER): Promise<readonly AuditEntry[]> {
    const rows = await this.db
      .selectFrom('audit')
      .selectAll()
      .where('seq', '<', beforeSeq)
      .orderBy('seq', 'desc')
      .limit(limit)
      .execute()
    return rows.map(parse)
  }

  /** What came after an entry, oldest first. */
  async after(seq: number, limit: number): Promise<readonly AuditEntry[]> {
    const rows = await this.db
      .selectFrom('audit')
      .selectAll()
      .where('seq', '>', seq)
      .orderBy('seq')
      .limit(limit)
      .execute()
    return rows.map(parse)
  }

  /** Up to which entry somebody has got the log; 0 for whoever has nothing yet. */
  async taken(receiver: string): Promise<number> {
    const row = await this.db
      .selectFrom('auditReceivers')
      .select('seq')
      .where('name', '=', receiver)
      .executeTakeFirst()
    return row?.seq ?? 0
  }

  /** Walks the whole chain from its first entry. */
  async verify(): Promise<AuditVerification> {
    const chain = new AuditChain()
    for (;;) {
      const page = await this.after(chain.seq, pageRows)
      for (const entry of page) if (!chain.take(entry)) return { sound: false, brokenAt: chain.seq + 1 }
      if (page.length < pageRows) return { sound: true, entries: chain.seq, head: chain.head }
    }
  }
}

/** Entries come by themselves, with what they tell of. */
export class AuditWriter extends AuditReader {
  /** Somebody has got all up to this entry. No change of the gateway: no entry is made of it. */
  async setTaken(receiver: string, seq: number): Promise<void> {
    await this.db
      .insertInto('auditReceivers')
      .values({ name: receiver, seq })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ seq }))
      .execute()
  }
}

/** For {@link Store.write} alone. */
export async function appendAudit(
  db: Kysely<Tables>,
  made: Omit<AuditEntry, 'seq' | 'previous' | 'hash'> & { readonly kind: AuditKind },
): Promise<void> {
  const last = await db
    .selectFrom('audit')
    .select(['seq', 'hash'])
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  const entry = { ...made, seq: (last?.seq ?? 0) + 1, previous: last?.hash ?? auditGenesis }
  await db
    .insertInto('audit')
    .values({ ...entry, changes: JSON.stringify(entry.changes), hash: auditHash(entry) })
    .execute()
}

function parse(row: Tables['audit']): AuditEntry {
  return { ...row, kind: row.kind as AuditKind | null, changes: JSON.parse(row.changes) as string[] }
}

const pageRows = 1000
