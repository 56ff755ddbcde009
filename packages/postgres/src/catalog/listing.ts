import type { CatalogLimits } from './limits.ts'
import type { RelationKind, ValueType } from './snapshot.ts'

export type Row = readonly (string | null)[]

export interface ContentRelation {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly kind: RelationKind
  /** By number. */
  readonly columns: readonly ContentColumn[]
}

interface ContentColumn {
  readonly attnum: number
  readonly name: string
  readonly isGenerated: boolean
  readonly type: ValueType
}

export interface FunctionName {
  readonly schema: string
  readonly name: string
}

export interface ContentFunction extends FunctionName {
  /**
   * `calm`: compiled code of an extension that changes nothing. `sql`: its body is SQL. `naming`: it changes nothing itself, but may
   * call what its body names. `opaque`: may do anything, and the body is a hash, by which a change shows.
   */
  readonly conduct: 'calm' | 'sql' | 'naming' | 'opaque'
  readonly body: string
}

/** An operator, and the function that it runs. */
export interface ContentOperator extends FunctionName {
  readonly operator: FunctionName
}

/** A cast to a type, and the function that it runs. */
export interface ContentCast extends FunctionName {
  readonly typeName: string
  /** Without the type's name, or by another of its names. */
  readonly isHidden: boolean
}

/** A list of the catalogue's objects. Immutable; what did not change from one to the next is the same object. */
export interface Listing {
  /** Whatever in the catalogue is not listed yet was written by this transaction or a later one. */
  readonly horizon: bigint
  /** By OID, like relations and functions. */
  readonly schemas: ReadonlyMap<number, string>
  readonly relations: ReadonlyMap<number, ContentRelation>
  /** Child and parent OIDs, partitions included. */
  readonly inheritance: ReadonlyMap<string, readonly [child: number, parent: number]>
  /** Functions that no PostgreSQL release ships, each overload. */
  readonly functions: ReadonlyMap<number, ContentFunction>
  /** Which functions belong to extensions: equal for equal ones. */
  readonly members: string
  /** Those that run functions which people made, those of extensions apart. By all that they say. */
  readonly operators: ReadonlyMap<string, ContentOperator>
  readonly casts: ReadonlyMap<string, ContentCast>
  /** Columns of functions that PostgreSQL ships and that return several, by name. */
  readonly outputs: ReadonlyMap<string, string>
  /** By OID, the types whose values are written as those of another are: domains, and citext. */
  readonly writtenAs: ReadonlyMap<number, ValueType>
}

export const emptyListing: Listing = {
  horizon: 0n,
  schemas: new Map(),
  relations: new Map(),
  inheritance: new Map(),
  functions: new Map(),
  members: '',
  operators: new Map(),
  casts: new Map(),
  outputs: new Map(),
  writtenAs: new Map(),
}

/** From one listing to the next. `tables`: some came or went that are no views, with their columns and types, and nothing else. */
export type Change = 'nothing' | 'tables' | 'more'

export interface Listed {
  readonly listing: Listing
  readonly change: Change
}

/** @param rows all there are. @throws RangeError where they are more than can be held */
export function listAll(rows: readonly Row[], before: Listing, limits: CatalogLimits): Listed {
  const listed = list(rows, before, true, limits)
  if (listed === undefined) throw new TypeError('a listing contradicts itself')
  return listed
}

/**
 * @param rows what was written since `before`, and what there is
 * @returns undefined where something is gone that leaves no trace: all must be listed
 * @throws RangeError where they are more than can be held
 */
export function listChanges(
  rows: readonly Row[],
  before: Listing,
  limits: CatalogLimits,
): Listed | undefined {
  return list(rows, before, false, limits)
}

function list(
  rows: readonly Row[],
  before: Listing,
  isWhole: boolean,
  limits: CatalogLimits,
): Listed | undefined {
  const found = sort(rows)
  const { counts, members, horizon } = found
  // Another server, which has taken over, and counts its transactions by itself.
  if (!isWhole && horizon < before.horizon) return undefined
  if (!isWhole && members !== before.members) return undefined
  const relations = relationsOf(found, before.relations, isWhole, limits)
  const schemas = merge(before.schemas, found.schemas, isWhole, Object.is)
  const functions = merge(before.functions, found.functions, isWhole, isSameFunction)
  if (relations === undefined) return undefined
  const { all } = relations
  const living = only(before.inheritance, ([child]) => all.has(child))
  const inheritance = merge(living, found.inheritance, isWhole, () => true)
  // What was listed and what was written since is at least what there is: as many are the same.
  const areCounted =
    schemas.size === counts.get('schema') &&
    inheritance.size === counts.get('inherits') &&
    functions.size === counts.get('function')
  if (!isWhole && !areCounted) return undefined
  const operators = merge(before.operators, found.operators, true, () => true)
  const casts = merge(before.casts, found.casts, true, () => true)
  const outputs = merge(before.outputs, found.outputs, true, Object.is)
  const writtenAs = merge(before.writtenAs, found.writtenAs, true, isSameType)
  const isMore =
    found.hasRules ||
    members !== before.members ||
    schemas !== before.schemas ||
    functions !== before.functions ||
    operators !== before.operators ||
    casts !== before.casts ||
    outputs !== before.outputs
  const isOther =
    all !== before.relations || inheritance !== before.inheritance || writtenAs !== before.writtenAs
  return {
    listing: {
      horizon,
      schemas,
      relations: all,
      inheritance,
      functions,
      members,
      operators,
      casts,
      outputs,
      writtenAs,
    },
    change: isMore || relations.areOthers ? 'more' : isOther ? 'tables' : 'nothing',
  }
}

/** Rows, sorted by what they are about. */
interface Found {
  horizon: bigint
  members: string
  hasRules: boolean
  readonly heads: Map<number, { readonly schema: string; readonly name: string; readonly kind: string }>
  /** Those without a name are gone. */
  readonly columns: Map<number, (Omit<ContentColumn, 'name'> & { readonly name: string | null })[]>
  readonly schemas: Map<number, string>
  readonly inheritance: Map<string, readonly [child: number, parent: number]>
  readonly functions: Map<number, ContentFunction>
  readonly operators: Map<string, ContentOperator>
  readonly casts: Map<string, ContentCast>
  readonly outputs: Map<string, string>
  readonly writtenAs: Map<number, ValueType>
  /** OIDs of the relations there are. */
  readonly present: Set<number>
  readonly counts: Map<string, number>
}

function sort(rows: readonly Row[]): Found {
  const found: Found = {
    horizon: 0n,
    members: '',
    hasRules: false,
    heads: new Map(),
    columns: new Map(),
    schemas: new Map(),
    inheritance: new Map(),
    functions: new Map(),
    operators: new Map(),
    casts: new Map(),
    outputs: new Map(),
    writtenAs: new Map(),
    present: new Set(),
    counts: new Map(),
  }
  for (const [what, a, b, c, d, e] of rows) {
    switch (what) {
      case 'relation':
        found.heads.set(Number(a), { schema: text(b), name: text(c), kind: text(d) })
        break
      case 'column': {
        const [oid, typmod] = text(e).split(' ', 2)
        const type = { oid: Number(oid), typmod: Number(typmod) }
        const column = { attnum: Number(b), name: c ?? null, isGenerated: d === 'true', type }
        const columns = found.columns.get(Number(a))
        if (columns === undefined) found.columns.set(Number(a), [column])
        else columns.push(column)
        break
      }
      case 'schema':
        found.schemas.set(Number(a), text(b))
        break
      case 'inherits':
        found.inheritance.set(`${a} ${b}`, [Number(a), Number(b)])
        break
      case 'function': {
        const conduct = d === 'calm' || d === 'sql' || d === 'naming' ? d : 'opaque'
        found.functions.set(Number(a), { schema: text(b), name: text(c), conduct, body: e ?? '' })
        break
      }
      case 'operator':
        found.operators.set(JSON.stringify([a, b, c, d]), {
          schema: text(c),
          name: text(d),
          operator: { schema: text(a), name: text(b) },
        })
        break
      case 'cast':
        found.casts.set(JSON.stringify([a, b, c, d]), {
          schema: text(b),
          name: text(c),
          typeName: text(a),
          isHidden: d !== 'false',
        })
        break
      case 'outputs':
        found.outputs.set(text(a), text(b))
        break
      case 'type':
        found.writtenAs.set(Number(a), { oid: Number(b), typmod: Number(c) })
        break
      case 'horizon':
        found.horizon = BigInt(text(a))
        break
      case 'members':
        found.members = a ?? ''
        break
      case 'rule':
        found.hasRules = true
        break
      case 'present':
        for (const oid of (a ?? '').split(' ')) if (oid !== '') found.present.add(Number(oid))
        break
      case 'count':
        found.counts.set(text(a), Number(b))
        break
      default:
        throw new TypeError('unexpected row in the catalogue')
    }
  }
  return found
}

/** @returns undefined where there are some that nobody listed */
function relationsOf(
  { heads, columns, present }: Found,
  before: Listing['relations'],
  isWhole: boolean,
  limits: CatalogLimits,
): { readonly all: Listing['relations']; readonly areOthers: boolean } | undefined {
  const written = new Map<number, ContentRelation>()
  let areOthers = false
  // A relation whose own row was written is told with all its columns.
  for (const [oid, head] of heads)
    written.set(oid, { oid, ...head, columns: withColumns([], columns.get(oid) ?? []) })
  for (const [oid, some] of columns) {
    const known = before.get(oid)
    if (heads.has(oid)) continue
    if (known === undefined) return undefined
    written.set(oid, { ...known, columns: withColumns(known.columns, some) })
  }
  for (const [oid, now] of written) {
    const known = before.get(oid)
    if (known === undefined ? isView(now) : !isSameRelation(known, now)) areOthers = true
  }
  let all = merge(before, written, isWhole, isSameRelation)
  if (!isWhole) {
    const stays = ({ oid }: ContentRelation): boolean => present.has(oid)
    areOthers ||= [...before.values()].some((relation) => isView(relation) && !stays(relation))
    all = only(all, stays)
    if (all.size !== present.size) return undefined
  }
  if (all.size > limits.maxRelations) throw new RangeError('too many relations to hold')
  let size = 0
  for (const relation of all.values()) size += relation.columns.length
  if (size > limits.maxColumns) throw new RangeError('too many columns to hold')
  return { all, areOthers }
}

function withColumns(
  before: readonly ContentColumn[],
  written: readonly (Omit<ContentColumn, 'name'> & { readonly name: string | null })[],
): readonly ContentColumn[] {
  const columns = new Map(before.map((column) => [column.attnum, column]))
  for (const { attnum, name, isGenerated, type } of written)
    if (name === null) columns.delete(attnum)
    else columns.set(attnum, { attnum, name, isGenerated, type })
  return [...columns.values()].toSorted((one, other) => one.attnum - other.attnum)
}

/** Held entries stay the objects that they are; where all do, so does the map. @param isWhole what is not found is gone */
function merge<K, V>(
  held: ReadonlyMap<K, V>,
  found: ReadonlyMap<K, V>,
  isWhole: boolean,
  isSame: (one: V, other: V) => boolean,
): ReadonlyMap<K, V> {
  if (!isWhole && found.size === 0) return held
  const merged = new Map(isWhole ? [] : held)
  let isChanged = isWhole && held.size !== found.size
  for (const [key, value] of found) {
    const known = held.get(key)
    const isKnown = known !== undefined && isSame(known, value)
    merged.set(key, isKnown ? known : value)
    isChanged ||= !isKnown
  }
  return isChanged ? merged : held
}

/** Those of which it is true; the same map where it is of all. */
function only<K, V>(all: ReadonlyMap<K, V>, isTrue: (value: V) => boolean): ReadonlyMap<K, V> {
  const rest = [...all].filter(([, value]) => isTrue(value))
  return rest.length === all.size ? all : new Map(rest)
}

const isView = ({ kind }: ContentRelation): boolean => kind === 'v' || kind === 'm'

function isSameRelation(one: ContentRelation, other: ContentRelation): boolean {
  return (
    one.schema === other.schema &&
    one.name === other.name &&
    one.kind === other.kind &&
    one.columns.length === other.columns.length &&
    one.columns.every((column, at) => isSameColumn(column, other.columns[at]!))
  )
}

function isSameColumn(one: ContentColumn, other: ContentColumn): boolean {
  return (
    one.attnum === other.attnum &&
    one.name === other.name &&
    one.isGenerated === other.isGenerated &&
    isSameType(one.type, other.type)
  )
}

function isSameType(one: ValueType, other: ValueType): boolean {
  return one.oid === other.oid && one.typmod === other.typmod
}

function isSameFunction(one: ContentFunction, other: ContentFunction): boolean {
  return (
    one.schema === other.schema &&
    one.name === other.name &&
    one.conduct === other.conduct &&
    one.body === other.body
  )
}

function text(value: string | null | undefined): string {
  if (value === null || value === undefined) throw new TypeError('a name in the catalogue is null')
  return value
}
