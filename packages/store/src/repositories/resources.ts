import type { Kysely } from 'kysely'
import type { Resource } from '@sallyport/core'
import type { Change } from '../changes.ts'
import type { Tables } from '../schema.ts'

/** A target as declared, and how often its declaration has changed. */
export interface DeclaredResource {
  readonly resource: Resource
  /** 1 when first declared. Starts again where it was deleted in between. */
  readonly version: number
  readonly updatedAt: number
}

/** Targets as declared. The document is the whole resource; its name is the key. */
export class ResourceReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  /** By name. */
  async list(): Promise<readonly Resource[]> {
    const rows = await this.db.selectFrom('resources').select('document').orderBy('name').execute()
    return rows.map((row) => JSON.parse(row.document) as Resource)
  }

  async get(name: string): Promise<Resource | undefined> {
    return (await this.declared(name))?.resource
  }

  async declared(name: string): Promise<DeclaredResource | undefined> {
    const row = await this.db.selectFrom('resources').selectAll().where('name', '=', name).executeTakeFirst()
    if (row === undefined) return undefined
    return {
      resource: JSON.parse(row.document) as Resource,
      version: row.version,
      updatedAt: row.updatedAt,
    }
  }
}

export class ResourceWriter extends ResourceReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  /** Declares it anew or in place of what was there. @returns its version */
  async put(resource: Resource): Promise<number> {
    const { name } = resource
    const version = ((await this.declared(name))?.version ?? 0) + 1
    const row = { version, document: JSON.stringify(resource), updatedAt: this.#change.nowMs }
    await this.db
      .insertInto('resources')
      .values({ name, ...row })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
      .execute()
    this.#change.note(`resource ${name} declared, version ${version}: ${row.document}`, {
      table: 'resources',
      key: name,
      verb: version === 1 ? 'created' : 'changed',
    })
    return version
  }

  async delete(name: string): Promise<boolean> {
    const { numDeletedRows } = await this.db
      .deleteFrom('resources')
      .where('name', '=', name)
      .executeTakeFirst()
    if (numDeletedRows === 0n) return false
    this.#change.note(`resource ${name} deleted`, { table: 'resources', key: name, verb: 'ended' })
    return true
  }
}
