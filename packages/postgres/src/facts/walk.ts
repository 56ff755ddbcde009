import type {
  CommonTableExpr,
  CopyStmt,
  FuncCall,
  MergeStmt,
  Node,
  RangeVar,
  SelectStmt,
  TransactionStmt,
  TypeName,
  VariableSetStmt,
  WithClause,
} from '@pgsql/types'
import { maxTreeDepth, TooDeep } from './depth.ts'
import type { Draft } from './draft.ts'
import type { Effect } from './functions.ts'
import { namesOf, words, type Located, type Names } from './names.ts'
import { eachChild, kindOf } from './nodes.ts'
import { operatorsOf } from './operators.ts'
import { constantText, noteModes, noteSetConfig, noteSetStatement, noteSetting } from './settings.ts'
import { statementTable } from './statements.ts'
import { isUnfiltered } from './unfiltered.ts'

/** Nodes that cast to the type that they name. */
const casting = new Set(['TypeCast', 'XmlSerialize', 'JsonOutput', 'JsonTableColumn'])

interface Place {
  /** What naming a relation here means. */
  readonly use: readonly string[]
  /** Names that a WITH clause gave: not tables. */
  readonly ctes: ReadonlySet<string>
  readonly depth: number
  /** What `name` is where rows of pg_settings of one name are selected, as pg_dump does for set_config. */
  readonly settingName?: string | undefined
  /** An output of a statement that has nothing else: a function here is called once, for sure. */
  readonly isCalledOnce?: boolean
}

/**
 * Visits every node of a statement and notes what it does: actions, objects, functions, settings. Every type of node is
 * known by name; one that is not makes the statement `unparsed`.
 */
export class Walk {
  readonly #draft: Draft
  readonly #names: Names
  /** EXPLAIN without ANALYZE: nothing is changed. */
  readonly #isPlanOnly: boolean

  constructor(draft: Draft, names: Names, isPlanOnly: boolean) {
    this.#draft = draft
    this.#names = names
    this.#isPlanOnly = isPlanOnly
  }

  statement(type: string, fields: object): void {
    this.#node(type, fields, '', { use: ['read'], ctes: new Set(), depth: 0 })
  }

  #node(type: string, fields: object, field: string, place: Place): void {
    if (place.depth > maxTreeDepth) throw new TooDeep()
    const kind = kindOf(type)
    if (kind === undefined) return this.#draft.unparsed()
    if (kind === 'statement') return this.#statement(type, fields, place)
    if (type === 'RangeVar') return this.#relation(fields, field, place) // untagged by the table of nodes
    if (type === 'FuncCall') this.#call(fields, place)
    else if (type === 'LockingClause') this.#draft.takesLocks = true
    else if (type === 'RangeTableSample') this.#sample(fields)
    else if (type === 'TypeName') return this.#type(fields, field === 'cast')
    // A literal by itself does nothing.
    else if (type === 'A_Const') return
    for (const operator of operatorsOf(type, fields)) this.#operator(operator)
    this.#children(type, fields, place)
  }

  #children(type: string, fields: object, place: Place): void {
    const isCalledOnce = place.isCalledOnce === true && (type === 'SelectStmt' || type === 'ResTarget')
    const inner = { ...place, depth: place.depth + 1, isCalledOnce }
    eachChild(type, fields, (childType, child, field) => {
      if (targets.has(`${type}.${field}`)) return // #target and #copy deal with it
      const isMade = type === 'IntoClause' || creating.has(`${type}.${field}`)
      const isCast = childType === 'TypeName' && casting.has(type)
      this.#node(childType, child, isMade ? 'made' : isCast ? 'cast' : field, inner)
    })
  }

  #statement(type: string, fields: object, outer: Place): void {
    const entry = statementTable[type]
    if (entry === undefined) return this.#draft.unparsed()
    const [kind, ...actions] = entry
    this.#draft.kinds.add(kind)
    this.#act(actions)
    const use = isQuery(type) ? ['read'] : actions.length > 0 ? actions : ['read']
    this.#special(type, fields, outer.depth === 0)
    const place = { use, ctes: outer.ctes, depth: outer.depth + 1 }
    if ('withClause' in fields) this.#with(type, fields as { withClause?: WithClause }, place) // by the table of nodes
    else if (type === 'SelectStmt') this.#select(fields, place)
    else this.#children(type, fields, place)
    if (isQuery(type)) this.#target(type, fields)
  }

  /** CTEs see those before them, all of them where it is recursive; the body sees all. */
  #with(type: string, fields: { withClause?: WithClause }, place: Place): void {
    const { withClause, ...body } = fields
    const all = new Set(place.ctes)
    const clauses: CommonTableExpr[] = (withClause?.ctes ?? []).flatMap((node) =>
      'CommonTableExpr' in node ? node.CommonTableExpr : [],
    )
    if (withClause?.recursive === true) for (const { ctename } of clauses) all.add(ctename ?? '')
    for (const clause of clauses) {
      this.#node('CommonTableExpr', clause, '', { ...place, use: ['read'], ctes: new Set(all) })
      all.add(clause.ctename ?? '')
    }
    const inner = { ...place, ctes: all }
    if (type === 'SelectStmt') this.#select(body, inner)
    else this.#children(type, body, inner)
  }

  /** Set operations lean to the left: that side is walked in a loop. */
  #select(fields: SelectStmt, place: Place): void {
    let here: SelectStmt = fields
    if (here.intoClause !== undefined) this.#act(['ddl'])
    if (place.depth === 1) this.#act(['read'])
    while (here.larg !== undefined && here.larg.withClause === undefined) {
      const { larg, ...rest } = here
      this.#children('SelectStmt', rest, place)
      here = larg
    }
    const isCalledOnce = place.depth === 1 && here === fields && isBare(here)
    this.#children('SelectStmt', here, { ...place, settingName: this.#settingName(here), isCalledOnce })
  }

  #settingName(select: SelectStmt): string | undefined {
    const [item, ...others] = select.fromClause ?? []
    if (item === undefined || !('RangeVar' in item) || others.length > 0) return undefined
    const { relation } = this.#names.relation(item.RangeVar)
    if (relation?.schema !== 'pg_catalog' || relation.name !== 'pg_settings') return undefined
    return select.whereClause === undefined ? undefined : equalTo('name', select.whereClause)
  }

  /** The relation that a data-modifying statement changes. */
  #target(type: string, fields: { relation?: RangeVar; returningClause?: object }): void {
    if (type === 'SelectStmt' || fields.relation === undefined) return
    const located = this.#locate(fields.relation)
    const actions = type === 'MergeStmt' ? mergeActions(fields) : (statementTable[type]?.slice(1) ?? [])
    this.#act(actions)
    this.#object(located.path, actions)
    if (fields.returningClause !== undefined) {
      this.#act(['read'])
      this.#object(located.path, ['read'])
    }
    if (
      located.relation?.schema === 'pg_catalog' &&
      located.relation.name === 'pg_settings' &&
      !this.#isPlanOnly
    )
      noteSetting(this.#draft, undefined, undefined) // its rule calls set_config
  }

  #relation(name: RangeVar, field: string, place: Place): void {
    if (field === 'made' && name.relname !== undefined) {
      const existing = this.#names.relation(name)
      this.#object(existing.relation === undefined ? this.#names.creation(name) : existing.path, ['ddl'])
      return
    }
    if (name.schemaname === undefined && place.ctes.has(name.relname ?? '') && place.use.includes('read'))
      return
    const located = this.#locate(name)
    this.#act(place.use)
    this.#object(located.path, place.use)
    const [schema = '', relation = ''] = located.path.slice(-2)
    // `?`: the catalogue was not read, and the server looks there first.
    if ((schema === 'pg_catalog' || schema === '?') && ofTheServer.has(relation)) this.#act(['admin'])
  }

  #locate(name: RangeVar): Located {
    const located = this.#names.relation(name)
    if (located.relation === undefined) this.#draft.hasUnknownNames = true
    for (const relation of [located.relation, ...located.rivals])
      if (relation !== undefined) this.#draft.mentioned.add(relation)
    return located
  }

  #call(call: FuncCall, place: Place): void {
    const located = this.#names.function(words(call.funcname))
    for (const name of namesOf(located)) this.#draft.functions.add(name)
    if (!located.isBuiltin) this.#runs(this.#names.conductOf(located))
    if (located.effect !== undefined) this.#effect(located.effect, call.args ?? [], place)
  }

  #effect(effect: Effect, args: readonly Node[], place: Place): void {
    const [first] = args
    switch (effect) {
      case 'admin':
        return this.#act(['admin'])
      case 'runs-sql':
        this.#draft.isDynamic = true
        return this.#act(['call'])
      case 'stalls':
        return this.#act(['call'])
      case 'quotes':
        return
      case 'writes-objects':
        this.#act(['update'])
        return this.#object([...this.#names.databasePath, 'pg_catalog', 'pg_largeobject'], ['update'])
      case 'writes-sequence': {
        this.#act(['update'])
        const sequence = constantText(first)?.split('.')
        return this.#object(
          sequence === undefined
            ? this.#names.databasePath
            : this.#names.relationNamed(sequence.at(-2), sequence.at(-1) ?? '').path,
          ['update'],
        )
      }
      case 'setting':
        return noteSetConfig(this.#draft, args, place.settingName, place.isCalledOnce === true)
      case 'notifies':
        return this.#act(['session'])
      case 'locks':
        this.#draft.takesLocks = true
    }
  }

  /** The server's own operators are functions of its own; one that somebody made, or of another schema, is somebody's code. */
  #operator(name: readonly string[]): void {
    const isElsewhere = name.length > 1 && name.at(-2) !== 'pg_catalog'
    if (isElsewhere) this.#draft.isDynamic = true
    this.#runs(this.#names.operatorConduct(name))
  }

  /** Values become of a type where it is cast to; elsewhere it is named in definitions. */
  #type({ names }: TypeName, isCast: boolean): void {
    const name = words(names)
    this.#runs(isCast ? this.#names.castConduct(name) : this.#names.snapshot.castConduct(name.at(-1) ?? ''))
  }

  #runs(conduct: readonly string[] | undefined): void {
    if (conduct !== undefined) this.#draft.runs(this.#isPlanOnly ? [] : conduct, this.#names.databasePath)
  }

  #sample(fields: { method?: readonly Node[] }): void {
    const method = words(fields.method).at(-1) ?? ''
    if (method !== 'bernoulli' && method !== 'system') this.#draft.isDynamic = true
  }

  #special(type: string, fields: object, isOwn: boolean): void {
    const draft = this.#draft
    switch (type) {
      case 'VariableSetStmt':
        return noteSetStatement(draft, fields as VariableSetStmt, isOwn) // the table of nodes says so
      case 'TransactionStmt': {
        const transaction = fields as TransactionStmt // the table of nodes says so
        noteModes(draft, transaction.options)
        if (transaction.gid !== undefined) draft.actions.add('admin')
        return
      }
      case 'UpdateStmt':
      case 'DeleteStmt':
      case 'MergeStmt':
        if (!this.#isPlanOnly && isUnfiltered(type, fields, this.#names)) draft.isUnfiltered = true
        return
      case 'TruncateStmt':
        draft.isUnfiltered = true
        return
      case 'LockStmt':
        draft.takesLocks = true
        return
      case 'DoStmt':
        draft.isDynamic = true
        return
      case 'CopyStmt':
        return this.#copy(fields)
      case 'DropStmt':
      case 'CommentStmt':
        return this.#named(fields)
      case 'CreateSchemaStmt': {
        const { schemaname } = fields as { schemaname?: string } // the table of nodes says so
        return this.#object([...this.#names.databasePath, schemaname ?? '?'], ['ddl'])
      }
    }
  }

  #copy(copy: CopyStmt): void {
    const isFile = copy.filename !== undefined
    if (copy.is_from === true) this.#draft.kinds.add('copy_from')
    else this.#draft.kinds.add('copy_to')
    this.#act([copy.is_from === true ? 'insert' : 'read'])
    if (copy.is_program === true) this.#act(['copy_program'])
    else if (isFile) this.#act(['admin'])
    if (copy.relation === undefined) return
    this.#object(this.#locate(copy.relation).path, [copy.is_from === true ? 'insert' : 'read'])
  }

  /** DROP and COMMENT name what they mean by lists of words. */
  #named(fields: { objects?: readonly Node[]; object?: Node; removeType?: string; objtype?: string }): void {
    const type = fields.removeType ?? fields.objtype ?? ''
    for (const node of fields.objects ?? (fields.object === undefined ? [] : [fields.object])) {
      const name =
        'List' in node
          ? words(node.List.items)
          : 'ObjectWithArgs' in node
            ? words(node.ObjectWithArgs.objname)
            : 'TypeName' in node
              ? words(node.TypeName.names)
              : words([node])
      this.#object(this.#pathOf(type, name), ['ddl'])
    }
  }

  #pathOf(type: string, name: readonly string[]): readonly string[] {
    const database = this.#names.databasePath
    if (type === 'OBJECT_SCHEMA') return [...database, ...name]
    const relation = belongsToRelation.has(type) ? name.slice(0, -1) : name
    if (!relationTypes.has(type) && !belongsToRelation.has(type))
      return name.length > 1 ? [...database, ...name.slice(-2)] : [...database, '?', ...name]
    const located = this.#names.relationNamed(relation.at(-2), relation.at(-1) ?? '')
    if (located.relation === undefined) this.#draft.hasUnknownNames = true
    else this.#draft.mentioned.add(located.relation)
    return located.path
  }

  #act(actions: readonly string[]): void {
    for (const action of this.#effective(actions)) this.#draft.actions.add(action)
  }

  #object(path: readonly string[], actions: readonly string[]): void {
    this.#draft.object(path, this.#effective(actions))
  }

  #effective(actions: readonly string[]): readonly string[] {
    if (!this.#isPlanOnly) return actions
    return actions.map((action) => (changes.has(action) ? 'read' : action))
  }
}

/** `SELECT` with outputs alone. */
function isBare(select: SelectStmt): boolean {
  return Object.keys(select).every((field) => ['targetList', 'limitOption', 'op'].includes(field))
}

/** `column = 'text'`. */
function equalTo(column: string, condition: Node): string | undefined {
  if (!('A_Expr' in condition) || condition.A_Expr.kind !== 'AEXPR_OP') return undefined
  const { name, lexpr, rexpr } = condition.A_Expr
  if (words(name).join('.') !== '=' || lexpr === undefined || !('ColumnRef' in lexpr)) return undefined
  return words(lexpr.ColumnRef.fields).join('.') === column ? constantText(rexpr) : undefined
}

/** Relations of the server that show its files, or what people log in with. */
const ofTheServer = new Set([
  'pg_authid',
  'pg_shadow',
  'pg_file_settings',
  'pg_hba_file_rules',
  'pg_ident_file_mappings',
])

const changes = new Set(['insert', 'update', 'delete', 'ddl'])

/** Where a statement names what it makes, not what is there. */
const creating = new Set([
  'CreateStmt.relation',
  'ViewStmt.view',
  'CreateSeqStmt.sequence',
  'CompositeTypeStmt.typevar',
])

/** What a statement changes, or copies. */
const targets = new Set([
  'InsertStmt.relation',
  'UpdateStmt.relation',
  'DeleteStmt.relation',
  'MergeStmt.relation',
  'CopyStmt.relation',
])

const relationTypes = new Set(
  ['TABLE', 'VIEW', 'MATVIEW', 'INDEX', 'SEQUENCE', 'FOREIGN_TABLE'].map((type) => `OBJECT_${type}`),
)
const belongsToRelation = new Set(
  ['COLUMN', 'TRIGGER', 'RULE', 'POLICY', 'TABCONSTRAINT'].map((type) => `OBJECT_${type}`),
)

function isQuery(type: string): boolean {
  return ['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'].includes(type)
}

function mergeActions(merge: MergeStmt): readonly string[] {
  const actions = new Set<string>()
  for (const node of merge.mergeWhenClauses ?? []) {
    const command = 'MergeWhenClause' in node ? node.MergeWhenClause.commandType : undefined
    if (command === 'CMD_INSERT') actions.add('insert')
    else if (command === 'CMD_UPDATE') actions.add('update')
    else if (command === 'CMD_DELETE') actions.add('delete')
  }
  return actions.size > 0 ? [...actions] : ['read']
}
