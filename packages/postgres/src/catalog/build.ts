import type { Masking } from '@sallyport/core'
import { Conducts } from './conducts.ts'
import type { Content, ContentRelation } from './content.ts'
import { quotingColumns } from './quoting.ts'
import type { Column, Relation, Snapshot } from './snapshot.ts'
import type { TagMemory } from './tag-memory.ts'
import type { TracedColumn, ViewTracer } from './view-tracer.ts'

/** Before anything was read: nothing is known. */
export const emptySnapshot: Snapshot = {
  version: 0,
  relation: () => undefined,
  relationByOid: () => undefined,
  definitionOf: () => '',
  hasSchema: () => false,
  named: () => [],
  schemas: [],
  hasFunction: () => false,
  conductOf: () => [],
  functionVersion: () => '',
  operatorConduct: () => undefined,
  castConduct: () => undefined,
  outputsOf: () => undefined,
  allTags: [],
}

/** Views over views over views: deeper than this, a view is taken to carry every tag. */
const maxViewDepth = 32

/** Works out which column carries which tags, and freezes the whole. */
export async function buildSnapshot(input: {
  readonly content: Content
  readonly masking: Masking
  readonly memory: TagMemory
  readonly tracer: ViewTracer
  readonly version: number
}): Promise<Snapshot> {
  const { content, masking, memory, tracer } = input
  const allTags = [...new Set(masking.columns.map((column) => column.tag))].toSorted()
  rememberNamed(content, masking, memory)
  rememberInherited(content, memory)

  const trees = new Map<number, unknown>()
  for (const [oid, definition] of content.definitions)
    if (definition !== null) trees.set(oid, await tracer.parse(definition))

  const done = new Map<number, Relation>()
  const byName = new Map<string, ContentRelation>()
  const byOid = new Map<number, ContentRelation>()
  const byBareName = new Map<string, ContentRelation[]>()
  for (const relation of content.relations) {
    byOid.set(relation.oid, relation)
    byName.set(key(relation.schema, relation.name), relation)
    const sameName = byBareName.get(relation.name)
    if (sameName === undefined) byBareName.set(relation.name, [relation])
    else sameName.push(relation)
  }
  const schemas = new Set(content.schemas)
  const conducts = await Conducts.of(content, tracer)
  let depth = 0

  const finish = (raw: ContentRelation): Relation => {
    const known = done.get(raw.oid)
    if (known !== undefined) return known
    const relation = withTags(raw, tracedColumns(raw))
    done.set(raw.oid, relation)
    return relation
  }
  const tracedColumns = (raw: ContentRelation): ((column: RawColumn, position: number) => TracedColumn) => {
    const own = (column: RawColumn) => sorted(memory.tagsOf(raw.oid, column.attnum) ?? none)
    const quoting = raw.schema === 'pg_catalog' ? quotingColumns.get(raw.name) : undefined
    if (quoting !== undefined)
      return (column) => ({ tags: quoting.has(column.name) ? allTags : own(column), isPlain: false })
    if (!content.definitions.has(raw.oid)) return (column) => ({ tags: own(column), isPlain: true })
    const tree = trees.get(raw.oid)
    const isTraceable = tree !== undefined && depth < maxViewDepth
    depth++
    const traced = isTraceable ? tracer.trace(tree, snapshot) : 'unknown'
    depth--
    return (column, position) => {
      const flow = traced === 'unknown' ? undefined : traced[position]
      if (flow === undefined) return { tags: allTags, isPlain: false }
      return { tags: sorted(new Set([...flow.tags, ...own(column)])), isPlain: flow.isPlain }
    }
  }
  const find = (raw: ContentRelation | undefined) => (raw === undefined ? undefined : finish(raw))
  const snapshot: Snapshot = {
    version: input.version,
    relation: (schema, name) => find(byName.get(key(schema, name))),
    relationByOid: (oid) => find(byOid.get(oid)),
    definitionOf: (oid) => (oid === undefined ? '' : (content.definitions.get(oid) ?? '')),
    hasSchema: (schema) => schemas.has(schema),
    named: (name) => (byBareName.get(name) ?? []).map(finish),
    schemas: content.schemas,
    hasFunction: (schema, name) => conducts.has({ schema, name }),
    conductOf: (schema, name) => conducts.of({ schema, name }, snapshot),
    functionVersion: (schema, name) => conducts.versionOf({ schema, name }),
    operatorConduct: (schema, name) => conducts.ofOperator({ schema, name }, snapshot),
    castConduct: (name) => conducts.ofCast(name, snapshot),
    outputsOf: (name) => content.outputs.get(name),
    allTags,
  }
  for (const relation of content.relations) finish(relation)
  return snapshot
}

type RawColumn = ContentRelation['columns'][number]

function withTags(
  raw: ContentRelation,
  trace: (column: RawColumn, position: number) => TracedColumn,
): Relation {
  const columns: Column[] = raw.columns.map((column, position) => ({
    ...column,
    ...trace(column, position),
  }))
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
function rememberNamed(content: Content, masking: Masking, memory: TagMemory): void {
  if (masking.columns.length === 0) return
  const byName = new Map<string, string[]>()
  for (const { column, tag } of masking.columns) {
    const tags = byName.get(column)
    if (tags === undefined) byName.set(column, [tag])
    else tags.push(tag)
  }
  for (const relation of content.relations)
    for (const column of relation.columns)
      for (const tag of byName.get(`${relation.schema}.${relation.name}.${column.name}`) ?? [])
        memory.add(relation.oid, column.attnum, tag)
}

/**
 * A child's rows are read through its parent, and a parent's column means the same in its children: a column has the
 * tags of its namesakes up and down the tree. Children number their columns by themselves, hence names.
 */
function rememberInherited(content: Content, memory: TagMemory): void {
  const byOid = new Map(content.relations.map((relation) => [relation.oid, relation]))
  for (let isChanged = true; isChanged;) {
    isChanged = false
    for (const [child, parent] of content.inheritance) {
      const [below, above] = [byOid.get(child), byOid.get(parent)]
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
  for (const tag of memory.tagsOf(fromOid, from) ?? none) {
    if (memory.tagsOf(toOid, to)?.has(tag) === true) continue
    memory.add(toOid, to, tag)
    isChanged = true
  }
  return isChanged
}

const none: ReadonlySet<string> = new Set()
const sorted = (tags: ReadonlySet<string>) => [...tags].toSorted()
const key = (schema: string, name: string) => `${schema}\0${name}`
