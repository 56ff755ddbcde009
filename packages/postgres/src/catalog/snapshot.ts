import type { ColumnTag } from '@sallyport/core'

/** `r` table, `p` partitioned table, `v` view, `m` materialized view, `f` foreign table, `S` sequence, `c` composite type… */
export type RelationKind = string

/** A type and its modifier: how long, or how exact; -1 where it has none. @see pg_attribute.atttypmod */
export interface ValueType {
  readonly oid: number
  readonly typmod: number
}

/** A tag, with the redactor that a column has of its own for it. */
export type Mark = Pick<ColumnTag, 'tag' | 'redactor'>

export interface Column {
  /** `pg_attribute.attnum`, from 1. */
  readonly attnum: number
  readonly name: string
  /** A stored generated column: COPY leaves it out. */
  readonly isGenerated: boolean
  readonly type: ValueType
  /** What of it is sensitive: its own tags, and those it inherits or derives from. */
  readonly tags: readonly string[]
  /** The same with redactors: a tag once for each place that it comes from with another one. */
  readonly marks: readonly Mark[]
  /** Holds a tagged value as it is, so that a redactor may keep a part of it. False for what a view computes. */
  readonly isPlain: boolean
}

export interface Relation {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly kind: RelationKind
  /** Live columns in the order of `*`. */
  readonly columns: readonly Column[]
  /** All its columns' tags. */
  readonly tags: readonly string[]
}

/**
 * Any schema that a path may hold: for functions and operators of a name whose path is not known. No schema is called so, since no name
 * has a NUL in it.
 */
export const anySchema = '\0any'

/** What the catalogue of one database held at one moment. Immutable. */
export interface Snapshot {
  /** Equal for equal content. */
  readonly version: number
  relation(schema: string, name: string): Relation | undefined
  relationByOid(oid: number): Relation | undefined
  /** A view's, where definitions are read; else nothing. */
  definitionOf(oid: number | undefined): string
  hasSchema(schema: string): boolean
  /** Relations of that name in whatever schema, temporary ones too. */
  named(name: string): readonly Relation[]
  /** A function outside pg_catalog. */
  hasFunction(schema: string, name: string): boolean
  /** What calling it may do beyond reading, as actions; `call` where its code is not known. */
  conductOf(schema: string, name: string): readonly string[]
  /** By which it shows that a function of that name was made anew since, or anything that it comes to. */
  functionVersion(schema: string, name: string): string
  /** The same of all operators and casts that run somebody's code. */
  runnersVersion(): string
  /** Of all functions that people made. */
  allVersion(): string
  /** What an operator whose function somebody made may do, as {@link Snapshot.conductOf}; `undefined` for any other. */
  operatorConduct(schema: string, name: string): readonly string[] | undefined
  /** The same of casts to a type of that name, where somebody made the function of one. */
  castConduct(typeName: string): readonly string[] | undefined
  /** The same of all casts that run what somebody made. */
  conductOfCasts(): readonly string[] | undefined
  /** The columns of the server's own functions that have several, by this server's word. */
  outputsOf(functionName: string): readonly string[] | undefined
  /** The type whose form a type's values have on the wire: of a domain the one below it, of others themselves. */
  writtenAs(type: ValueType): ValueType
  /** Every tag that any column carries, and every tag configured. */
  readonly allTags: readonly string[]
}
