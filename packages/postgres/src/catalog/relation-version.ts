import type { Snapshot } from './snapshot.ts'

/** By which it shows that a relation of that name is another than it was, or what its columns are, or its definition. */
export function relationVersion(snapshot: Snapshot, schema: string, name: string): string {
  const known = snapshot.relation(schema, name)
  const columns = known?.columns.map((column) => `${column.attnum} ${column.name}`).join(',') ?? ''
  return `${schema}.${name} ${known?.oid ?? ''} ${columns} ${snapshot.definitionOf(known?.oid)}`
}
