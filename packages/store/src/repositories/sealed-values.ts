import { sql } from 'kysely'
import type { Change } from '../changes.ts'

/** Every column with something sealed in it, and the column that its row is known by. */
export const sealedColumns = [
  { table: 'credentials', key: 'name', column: 'sealed' },
  { table: 'settings', key: 'key', column: 'value' },
  { table: 'signIns', key: 'id', column: 'refresh' },
  { table: 'leases', key: 'id', column: 'what' },
] as const

export type SealedTable = (typeof sealedColumns)[number]['table']

/** Replaces values as they are sealed, not what they say. */
export class SealedValueWriter {
  readonly #change: Change

  constructor(change: Change) {
    this.#change = change
  }

  /**
   * Goes through all of them.
   * @param anew what is to stand in a value's place; undefined leaves it
   * @returns how many were replaced
   */
  async replace(
    anew: (table: SealedTable, key: string, value: Uint8Array) => Uint8Array | undefined,
  ): Promise<number> {
    let count = 0
    for (const { table, key, column } of sealedColumns) {
      const [keyColumn, valueColumn] = [sql.ref<string>(key), sql.ref<Uint8Array | null>(column)]
      for (let last = ''; ;) {
        const { rows } = await sql<{ key: string; value: Uint8Array | null }>`
          select ${keyColumn} as "key", ${valueColumn} as "value" from ${sql.table(table)}
          where ${keyColumn} > ${last} order by ${keyColumn} limit ${pageRows}
        `.execute(this.#change.db)
        for (const row of rows) {
          const value = row.value === null ? undefined : anew(table, row.key, row.value)
          if (value === undefined) continue
          await sql`update ${sql.table(table)} set ${valueColumn} = ${value} where ${keyColumn} = ${row.key}`.execute(
            this.#change.db,
          )
          count++
        }
        const end = rows.at(-1)
        if (end === undefined) break
        last = end.key
      }
    }
    if (count === 0) return 0
    this.#change.note(`${count} sealed values sealed anew, under another master key`)
    this.#change.about({ kind: 'setting' })
    return count
  }
}

const pageRows = 500
