import type { Node, RangeVar } from '@pgsql/types'
import type { Relation, Snapshot } from '../catalog/snapshot.ts'
import { serverTypes } from './builtins.ts'
import { effectOf, isBuiltin, isOfInformationSchema, type Effect } from './functions.ts'

/** What a name may stand for. */
export interface Located {
  /** `[database, schema, name]`; schema `?` where no schema is known to hold it. */
  readonly path: readonly string[]
  /** `undefined` where the catalogue does not know it. */
  readonly relation: Relation | undefined
  /** Others that it may stand for instead, such as a temporary table whose session is not known. Only tagged ones. */
  readonly rivals: readonly Relation[]
}

/** A table of pieces of large values, of any column of another table. */
export function isToast({ path }: Located): boolean {
  return path.slice(-2).some((name) => name.startsWith('pg_toast'))
}

export interface LocatedFunction {
  /** `?` where it is not known. Several where the path has functions of that name in several: which one fits the arguments is not known. */
  readonly schemas: readonly string[]
  readonly bareName: string
  /** The server's own, without doubt: nothing in the search path could be meant instead. */
  readonly isBuiltin: boolean
  /** The catalogue knows that people made it. */
  readonly isMade: boolean
  readonly effect: Effect | undefined
}

/**
 * Resolves names as the server does, as far as the catalogue shows: temporary tables first, then pg_catalog, then
 * the search path.
 * @see https://www.postgresql.org/docs/18/ddl-schemas.html#DDL-SCHEMAS-PATH
 */
export class Names {
  readonly snapshot: Snapshot
  readonly #database: string
  readonly #searchPath: readonly string[]

  constructor(snapshot: Snapshot, database: string, searchPath: readonly string[]) {
    this.snapshot = snapshot
    this.#database = database
    this.#searchPath = searchPath.includes('pg_catalog') ? searchPath : ['pg_catalog', ...searchPath]
  }

  get databasePath(): readonly string[] {
    return [this.#database]
  }

  relation(name: RangeVar): Located {
    return this.relationNamed(name.schemaname, name.relname ?? '')
  }

  relationNamed(schema: string | undefined, name: string): Located {
    const everywhere = this.snapshot.named(name)
    const temporary = everywhere.filter((relation) => relation.schema.startsWith('pg_temp_'))
    if (schema === 'pg_temp') return this.#temporary(temporary, name)
    if (schema !== undefined) {
      const relation = this.snapshot.relation(schema, name)
      return {
        path: [this.#database, schema, name],
        relation,
        rivals: relation ? [] : everywhere.filter(isTagged),
      }
    }
    for (const candidate of this.#searchPath) {
      const relation = this.snapshot.relation(candidate, name)
      if (relation === undefined) continue
      const rivals = temporary.filter((rival) => isTagged(rival))
      return { path: [this.#database, relation.schema, name], relation, rivals }
    }
    if (temporary.length > 0) return this.#temporary(temporary, name)
    return { path: [this.#database, '?', name], relation: undefined, rivals: everywhere.filter(isTagged) }
  }

  /** Where a relation of that name would be made. */
  creation(name: RangeVar): readonly string[] {
    const relname = name.relname ?? ''
    if (name.relpersistence === 't' || name.schemaname === 'pg_temp')
      return [this.#database, 'pg_temp', relname]
    if (name.schemaname !== undefined) return [this.#database, name.schemaname, relname]
    const schema = this.#searchPath.find((one) => one !== 'pg_catalog' && this.snapshot.hasSchema(one))
    return [this.#database, schema ?? '?', relname]
  }

  /** An overload in the search path may match better than the server's own, so it counts before it. */
  function(name: readonly string[]): LocatedFunction {
    const bareName = name.at(-1) ?? ''
    const schema = name.length > 1 ? name.at(-2) : undefined
    const effect = effectOf(bareName)
    const searched = schema === undefined ? this.#searchPath : [schema]
    const schemas = searched.filter((one) => this.snapshot.hasFunction(one, bareName))
    if (schemas.length > 0) return { schemas, bareName, isBuiltin: false, isMade: true, effect }
    if ((schema === undefined || schema === 'pg_catalog') && isBuiltin(bareName))
      return { schemas: ['pg_catalog'], bareName, isBuiltin: true, isMade: false, effect }
    if (schema === 'information_schema' && isOfInformationSchema(bareName))
      return { schemas: [schema], bareName, isBuiltin: true, isMade: false, effect }
    return { schemas: [schema ?? '?'], bareName, isBuiltin: false, isMade: false, effect }
  }

  /** What calling it may do beyond reading, as actions. A cast is also called by its type's name. */
  conductOf({ schemas, bareName, isBuiltin, isMade }: LocatedFunction): readonly string[] {
    if (isBuiltin) return []
    const ofCast = isMade ? this.snapshot.castConduct(bareName) : this.castConduct([bareName])
    return [...schemas.flatMap((schema) => this.snapshot.conductOf(schema, bareName)), ...(ofCast ?? [])]
  }

  /**
   * What a cast to that type may do, as actions, where it may run somebody's code; else `undefined`. A type that people made may be an
   * array, a domain or a row of one that a function casts to.
   */
  castConduct(type: readonly string[]): readonly string[] | undefined {
    const bareName = type.at(-1) ?? ''
    const isOfServer =
      type.length > 1
        ? type.at(-2) === 'pg_catalog'
        : this.#searchPath[0] === 'pg_catalog' && serverTypes.has(bareName.replace(/^_/, ''))
    return this.snapshot.castConduct(bareName) ?? (isOfServer ? undefined : this.snapshot.conductOfCasts())
  }

  /** What this operator may do, as actions, where it runs somebody's code; else `undefined`. */
  operatorConduct(name: readonly string[]): readonly string[] | undefined {
    const bareName = name.at(-1) ?? ''
    const schemas = name.length > 1 ? [name.at(-2) ?? ''] : this.#searchPath
    const conducts = schemas.map((schema) => this.snapshot.operatorConduct(schema, bareName))
    return conducts.some((conduct) => conduct !== undefined)
      ? conducts.flatMap((conduct) => conduct ?? [])
      : undefined
  }

  #temporary(candidates: readonly Relation[], name: string): Located {
    return {
      path: [this.#database, 'pg_temp', name],
      relation: candidates.length === 1 ? candidates[0] : undefined,
      rivals: candidates.filter(isTagged),
    }
  }
}

/** `pg_catalog.lower`, `app.f`, `?.f`. */
export function namesOf({ schemas, bareName }: LocatedFunction): readonly string[] {
  return schemas.map((schema) => `${schema}.${bareName}`)
}

const isTagged = (relation: Relation) => relation.tags.length > 0

/** The words of a dotted name; a `*` in it is left out. */
export function words(nodes: readonly Node[] | undefined): string[] {
  return (nodes ?? []).flatMap((node) => ('String' in node ? (node.String.sval ?? '') : []))
}
