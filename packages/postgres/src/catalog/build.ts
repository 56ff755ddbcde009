import type { Masking } from '@sallyport/core'
import { Conducts } from './conducts.ts'
import type { Content } from './content.ts'
import type { ContentRelation, Listing } from './listing.ts'
import { quotingColumns } from './quoting.ts'
import type { Column, Mark, Relation, Snapshot, ValueType } from './snapshot.ts'
import type { TagMemory } from './tag-memory.ts'
import { Turns } from './turns.ts'
import type { ViewTracer } from './view-tracer.ts'

/** Before anything was read: nothing is known. */
export const emptySnapshot: Snapshot = {
  version: 0,
  relation: () => undefined,
  relationByOid: () => undefined,
  definitionOf: () => '',
  hasSchema: () => false,
  named: () => [],
  hasFunction: () => false,
  conductOf: () => [],
  functionVersion: () => '',
  runnersVersion: () => '',
  allVersion: () => '',
  operatorConduct: () => undefined,
  castConduct: () => undefined,
  conductOfCasts: () => undefined,
  outputsOf: () => undefined,
  writtenAs: (type) => type,
  allTags: [],
}

/** Views over views over views: deeper than this, a view is taken to carry every tag. */
const maxViewDepth = 32

/** Works out which column carries which tags, and freezes the whole. What did not change since the last time is not made again. */
export class SnapshotBuilder {
  readonly #masking: Masking
  readonly #memory: TagMemory
  readonly #tracer: ViewTracer
  /** Of tables without tags. */
  #untagged: ReadonlyMap<ContentRelation, Relation> = new Map()
  #trees: ReadonlyMap<number, { readonly definition: string; readonly tree: unknown }> = new Map()
  #conducts: Conducts | undefined

  constructor(masking: Masking, memory: TagMemory, tracer: ViewTracer) {
    this.#masking = masking
    this.#memory = memory
    this.#tracer = tracer
  }

  async build(content: Content, version: number): Promise<Snapshot> {
    const { made, shipped, definitions } = content
    const memory = this.#memory
    const tracer = this.#tracer
    const allTags = [...new Set(this.#masking.columns.map((column) => column.tag))].toSorted()
    rememberNamed(made, this.#masking, memory)
    rememberNamed(shipped, this.#masking, memory)
    rememberInherited(made, memory)

    const trees = await this.#parseViews(definitions)
    const untagged = new Map<ContentRelation, Relation>()

    const done = new Map<number, Relation>()
    const byName = new Map<string, ContentRelation>()
    const byBareName = new Map<string, ContentRelation[]>()
    for (const { relations } of [made, shipped])
      for (const relation of relations.values()) {
        byName.set(key(relation.schema, relation.name), relation)
        const sameName = byBareName.get(relation.name)
        if (sameName === undefined) byBareName.set(relation.name, [relation])
        else sameName.push(relation)
      }
    const schemas = new Set(made.schemas.values())
    const conducts = await Conducts.of(made, tracer, this.#conducts)
    let depth = 0

    const finish = (raw: ContentRelation): Relation => {
      const known = done.get(raw.oid)
      if (known !== undefined) return known
      const before = memory.hasTags(raw.oid) ? undefined : this.#untagged.get(raw)
      const relation = before ?? withTags(raw, tracedColumns(raw), (type) => baseOf(made, type))
      done.set(raw.oid, relation)
      return relation
    }
    const tracedColumns = (raw: ContentRelation): ((column: RawColumn, position: number) => Traced) => {
      const own = (column: RawColumn) => memory.marksOf(raw.oid, column.attnum)
      const any = { marks: allTags.map(unredacted), isPlain: false }
      const quoting = raw.schema === 'pg_catalog' ? quotingColumns.get(raw.name) : undefined
      if (quoting !== undefined)
        return (column) => (quoting.has(column.name) ? any : { marks: own(column), isPlain: false })
      if (!definitions.has(raw.oid)) return (column) => ({ marks: own(column), isPlain: true })
      const tree = trees.get(raw.oid)?.tree
      const isTraceable = tree !== undefined && depth < maxViewDepth
      depth++
      const traced = isTraceable ? tracer.trace(tree, snapshot) : 'unknown'
      depth--
      return (column, position) => {
        const flow = traced === 'unknown' ? undefined : traced[position]
        if (flow === undefined) return any
        const marks = flow.column?.marks ?? flow.tags.map(unredacted)
        return { marks: [...marks, ...own(column)], isPlain: flow.column !== undefined }
      }
    }
    const find = (raw: ContentRelation | undefined) => (raw === undefined ? undefined : finish(raw))
    const snapshot: Snapshot = {
      version,
      relation: (schema, name) => find(byName.get(key(schema, name))),
      relationByOid: (oid) => find(made.relations.get(oid) ?? shipped.relations.get(oid)),
      definitionOf: (oid) => (oid === undefined ? '' : (definitions.get(oid) ?? '')),
      hasSchema: (schema) => schemas.has(schema),
      named: (name) => (byBareName.get(name) ?? []).map(finish),
      hasFunction: (schema, name) => conducts.has({ schema, name }),
      conductOf: (schema, name) => conducts.of({ schema, name }, snapshot),
      functionVersion: (schema, name) => conducts.versionOf({ schema, name }, snapshot),
      runnersVersion: () => conducts.versionOfRunners(snapshot),
      allVersion: () => conducts.versionOfAll(),
      operatorConduct: (schema, name) => conducts.ofOperator({ schema, name }, snapshot),
      castConduct: (name) => conducts.ofCast(name, snapshot),
      conductOfCasts: () => conducts.ofCasts(snapshot),
      outputsOf: (name) => shipped.outputs.get(name)?.split(','),
      writtenAs: (type) => baseOf(made, type),
      allTags,
    }
    for (const { relations } of [made, shipped])
      for (const raw of relations.values()) {
        const relation = finish(raw)
        const isDerived = definitions.has(raw.oid) || raw.schema === 'pg_catalog'
        if (!isDerived && !memory.hasTags(raw.oid)) untagged.set(raw, relation)
      }
    this.#untagged = untagged
    this.#trees = trees
    this.#conducts = conducts
    return snapshot
  }

  async #parseViews(
    definitions: Content['definitions'],
  ): Promise<Map<number, { readonly definition: string; readonly tree: unknown }>> {
    const trees = new Map<number, { readonly definition: string; readonly tree: unknown }>()
    const turns = new Turns()
    for (const [oid, definition] of definitions) {
      if (definition === null) continue
      const known = this.#trees.get(oid)
      if (known !== undefined && known.definition === definition) {
        trees.set(oid, known)
        continue
      }
      trees.set(oid, { definition, tree: await this.#tracer.parse(definition) })
      await turns.parsed(definition)
    }
    return trees
  }
}

type RawColumn = ContentRelation['columns'][number]

type Traced = Pick<Column, 'marks' | 'isPlain'>

function withTags(
  raw: ContentRelation,
  trace: (column: RawColumn, position: number) => Traced,
  written: (type: ValueType) => ValueType,
): Relation {
  const columns: Column[] = raw.columns.map((column, position) => {
    const traced = trace(column, position)
    const tags = sorted(new Set(traced.marks.map(({ tag }) => tag)))
    return { ...column, ...traced, tags, type: written(column.type) }
  })
  return {
    oid: raw.oid,
    schema: raw.schema,
    name: raw.name,
    kind: raw.kind,
    columns,
    tags: sorted(new Set(columns.flatMap((column) => column.tags))),
  }
}

/** Configured names that exist now are remembered by number. */
function rememberNamed({ relations }: Listing, masking: Masking, memory: TagMemory): void {
  if (masking.columns.length === 0) return
  const byName = Map.groupBy(masking.columns, ({ column }) => column)
  const prefixes = new Set<string>()
  for (const column of byName.keys()) {
    // Where the name of its relation ends cannot be told where names have dots.
    for (let dot = column.indexOf('.'); dot !== -1; dot = column.indexOf('.', dot + 1))
      prefixes.add(column.slice(0, dot))
  }
  for (const relation of relations.values()) {
    const prefix = `${relation.schema}.${relation.name}`
    if (!prefixes.has(prefix)) continue
    for (const column of relation.columns)
      for (const { tag, redactor } of byName.get(`${prefix}.${column.name}`) ?? [])
        memory.add(relation.oid, column.attnum, redactor === undefined ? { tag } : { tag, redactor })
  }
}

/**
 * A child's rows are read through its parent, and a parent's column means the same in its children: a column has the
 * tags of its namesakes up and down the tree. Children number their columns by themselves, hence names.
 */
function rememberInherited({ relations, inheritance }: Listing, memory: TagMemory): void {
  for (let isChanged = true; isChanged;) {
    isChanged = false
    for (const [child, parent] of inheritance.values()) {
      if (!memory.hasTags(child) && !memory.hasTags(parent)) continue
      const [below, above] = [relations.get(child), relations.get(parent)]
      if (below === undefined || above === undefined) continue
      for (const one of above.columns) {
        const other = below.columns.find((column) => column.name === one.name)
        if (other === undefined) continue
        if (spread(memory, parent, one.attnum, child, other.attnum)) isChanged = true
        if (spread(memory, child, other.attnum, parent, one.attnum)) isChanged = true
      }
    }
  }
}

function spread(memory: TagMemory, fromOid: number, from: number, toOid: number, to: number): boolean {
  let isChanged = false
  for (const mark of memory.marksOf(fromOid, from)) if (memory.add(toOid, to, mark)) isChanged = true
  return isChanged
}

/** Domains over domains: the server allows any number, and nobody makes so many. */
const maxDomainDepth = 32

function baseOf({ writtenAs }: Listing, type: ValueType): ValueType {
  let here = type
  for (let depth = 0; depth < maxDomainDepth; depth++) {
    const below = writtenAs.get(here.oid)
    if (below === undefined) break
    here = { oid: below.oid, typmod: here.typmod === -1 ? below.typmod : here.typmod }
  }
  return here
}

const unredacted = (tag: string): Mark => ({ tag })
const sorted = (tags: ReadonlySet<string>) => [...tags].toSorted()
const key = (schema: string, name: string) => `${schema}\0${name}`
