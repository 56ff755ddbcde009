import { type } from './mask/types.ts'

/** A function that a client may call by its OID, without a statement. */
export interface Callee {
  readonly name: string
  /** The statement that does the same: it is judged and recorded in place of the call. */
  readonly text: string
  readonly resultTypeId: number
}

/**
 * Functions on large objects: libpq and JDBC call them by message, and look their OIDs up by these names. OIDs below
 * 10000 are the same in every release. All others are called by a statement, of which more can be told.
 * @see PostgreSQL source, pg_proc.dat
 */
const signatures: readonly (readonly [oid: number, name: string, parameters: number, result: number])[] = [
  [715, 'lo_create', 1, type.oid],
  [764, 'lo_import', 1, type.oid],
  [765, 'lo_export', 2, type.int4],
  [767, 'lo_import', 2, type.oid],
  [952, 'lo_open', 2, type.int4],
  [953, 'lo_close', 1, type.int4],
  [954, 'loread', 2, type.bytea],
  [955, 'lowrite', 2, type.int4],
  [956, 'lo_lseek', 3, type.int4],
  [957, 'lo_creat', 1, type.oid],
  [958, 'lo_tell', 1, type.int4],
  [964, 'lo_unlink', 1, type.int4],
  [1004, 'lo_truncate', 2, type.int4],
  [3170, 'lo_lseek64', 3, type.int8],
  [3171, 'lo_tell64', 1, type.int8],
  [3172, 'lo_truncate64', 2, type.int4],
  [3457, 'lo_from_bytea', 2, type.oid],
  [3458, 'lo_get', 1, type.bytea],
  [3459, 'lo_get', 3, type.bytea],
  [3460, 'lo_put', 3, type.void],
]

const callees: ReadonlyMap<number, Callee> = new Map(
  signatures.map(([oid, name, parameters, resultTypeId]) => {
    const places = Array.from({ length: parameters }, (_, i) => `$${i + 1}`)
    return [oid, { name, text: `SELECT pg_catalog.${name}(${places.join(', ')})`, resultTypeId }]
  }),
)

/** Undefined for one that is not offered by message. */
export function calleeOf(oid: number): Callee | undefined {
  return callees.get(oid)
}
