import type { Kysely } from 'kysely'
import type { Tables } from '../schema.ts'

interface Declared {
  readonly masking?: { readonly redactors?: Readonly<Record<string, { readonly kind: string }>> }
}

/** Redactors that keep something say so in their names, and one says how much. */
const renamed: Readonly<Record<string, object>> = {
  'last-four': { kind: 'keep-last', count: 4 },
  domain: { kind: 'keep-domain' },
}

export async function namesOfRedactors(db: Kysely<Tables>): Promise<void> {
  for (const { name, document } of await db.selectFrom('resources').select(['name', 'document']).execute()) {
    const declared = JSON.parse(document) as Declared
    const redactors = Object.entries(declared.masking?.redactors ?? {})
    if (!redactors.some(([, { kind }]) => kind in renamed)) continue
    const masking = {
      ...declared.masking,
      redactors: Object.fromEntries(redactors.map(([tag, it]) => [tag, renamed[it.kind] ?? it])),
    }
    await db
      .updateTable('resources')
      .set({ document: JSON.stringify({ ...declared, masking }) })
      .where('name', '=', name)
      .execute()
  }
}
