import { hash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Tables } from './schema.ts'

/** One change of the gateway itself: who, why, and what. Each entry carries the hash of the one before. */
export interface AuditEntry {
  /** 1, 2, 3… without gaps. */
  readonly seq: number
  readonly at: number
  /** Principal id, `ACTOR for PRINCIPAL` where something acts for it, `ACTOR via ACTOR for PRINCIPAL` where one through the other; `scim:TOKEN-ID` for a connector's; `system` for the gateway's own. */
  readonly by: string
  readonly why: string
  readonly changes: readonly string[]
  /** The hash of the entry before; 64 zeros for the first. */
  readonly previous: string
  readonly hash: string
}

/** `head` is the last entry's hash: compare it with one noted elsewhere, since the log's end could have been cut off whole. */
export type AuditVerification =
  | { readonly sound: true; readonly entries: number; readonly head: string }
  | { readonly sound: false; readonly brokenAt: number }

export class AuditReader {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  /** Newest first. */
  async list(limit: number, beforeSeq = Number.MAX_SAFE_INTEGER): Promise<readonly AuditEntry[]> {
    const rows = await this.#db
      .selectFrom('audit')
      .selectAll()
      .where('seq', '<', beforeSeq)
      .orderBy('seq', 'desc')
      .limit(limit)
      .execute()
    return rows.map(parse)
  }

  /** Walks the whole chain from its first entry. */
  async verify(): Promise<AuditVerification> {
    let head = genesis
    let entries = 0
    for (;;) {
      const page = await this.#db
        .selectFrom('audit')
        .selectAll()
        .where('seq', '>', entries)
        .orderBy('seq')
        .limit(pageRows)
        .execute()
      for (const row of page) {
        if (row.seq !== entries + 1 || row.previous !== head || row.hash !== hashOf(row))
          return { sound: false, brokenAt: entries + 1 }
        head = row.hash
        entries = row.seq
      }
      if (page.length < pageRows) return { sound: true, entries, head }
    }
  }
}

/** For {@link Store.write} alone. */
export async function appendAudit(
  db: Kysely<Tables>,
  entry: Pick<AuditEntry, 'at' | 'by' | 'why' | 'changes'>,
): Promise<void> {
  const last = await db
    .selectFrom('audit')
    .select(['seq', 'hash'])
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  const row = {
    ...entry,
    seq: (last?.seq ?? 0) + 1,
    changes: JSON.stringify(entry.changes),
    previous: last?.hash ?? genesis,
  }
  await db
    .insertInto('audit')
    .values({ ...row, hash: hashOf(row) })
    .execute()
}

/** SHA-256, hex, over the UTF-8 of one JSON array without spaces: a mark, then the fields in this order, `changes` as its JSON text. */
function hashOf(row: Omit<Tables['audit'], 'hash'>): string {
  const fields = ['sallyport-audit-1', row.seq, row.at, row.by, row.why, row.changes, row.previous]
  return hash('sha256', JSON.stringify(fields), 'hex')
}

function parse(row: Tables['audit']): AuditEntry {
  return { ...row, changes: JSON.parse(row.changes) as string[] }
}

const genesis = '0'.repeat(64)
const pageRows = 1000
