import type { Node } from '@pgsql/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { actions } from '../vocabulary.ts'
import { Draft } from './draft.ts'
import { Names } from './names.ts'
import { eachChild, kindOf } from './nodes.ts'
import { analyseStatement } from './statement.ts'
import { statementTable } from './statements.ts'
import { Bench } from './testing/bench.ts'
import { afterParsing, grammar } from './testing/grammar.ts'

const types = [...grammar.keys()].filter((type) => !afterParsing.has(type))
const ofKind = (kind: string) => types.filter((type) => kindOf(type) === kind)

describe('every type of node of the grammar', () => {
  it('is there to be looked at', () => {
    expect(types.length).toBeGreaterThan(200)
    expect([...afterParsing].filter((type) => !grammar.has(type))).toEqual([])
  })

  it('is known by name, or never parsed', () => {
    expect(types.filter((type) => kindOf(type) === undefined)).toEqual([])
    expect([...afterParsing].filter((type) => kindOf(type) !== undefined)).toEqual([])
  })

  it('is found where it stands without its name', () => {
    const lost = types.flatMap((type) =>
      (grammar.get(type) ?? []).flatMap(({ name, type: inner, isList }) => {
        if (!grammar.has(inner) || isList || afterParsing.has(inner)) return []
        const seen: string[] = []
        eachChild(type, { [name]: { field: 1 } }, (found) => seen.push(found))
        return seen.join(',') === inner ? [] : [`${type}.${name}`]
      }),
    )
    expect(lost).toEqual([])
  })

  it('has a kind and known actions where it is a statement', () => {
    const known = new Set(actions.map(({ name }) => name))
    expect(ofKind('statement').filter((type) => statementTable[type] === undefined)).toEqual([])
    expect(Object.keys(statementTable).filter((type) => kindOf(type) !== 'statement')).toEqual([])
    const odd = Object.entries(statementTable).filter(([, [, ...does]]) =>
      does.some((one) => !known.has(one)),
    )
    expect(odd).toEqual([])
  })
})

/** Fields of names, of which none is computed. */
const names = new Set(
  `A_Expr.name FuncCall.funcname SubLink.operName CollateClause.collname A_Indirection.indirection RangeVar.alias
  XmlExpr.arg_names JsonTablePathSpec.string JsonTable.alias RangeTableFunc.alias RangeFunction.alias JoinExpr.alias
  JoinExpr.join_using_alias JoinExpr.usingClause JoinExpr.larg JoinExpr.rarg RangeTableSample.relation
  RangeTableSample.method RangeFunction.coldeflist RangeFunction.functions WindowDef.refname SortBy.useOp
  SubLink.subselect MultiAssignRef.source ColumnRef.fields`.split(/\s+/),
)
/** They hold no expression of their own. */
const plain = new Set(['TypeName', 'JsonFormat', 'Alias', 'JsonReturning', 'JsonOutput'])

interface Slot {
  readonly path: string
  readonly fill: (leaf: Node) => object
}

/** Every place below a type of node where an expression may stand, down to nodes in nodes. */
function slots(type: string, depth = 0): Slot[] {
  return (grammar.get(type) ?? []).flatMap(({ name, type: of, isList }): Slot[] => {
    const place = `${type}.${name}`
    if (name === 'xpr' || names.has(place) || plain.has(of) || depth > 3) return []
    if (of === 'Node') return [{ path: place, fill: (leaf) => ({ [name]: isList ? [leaf] : leaf }) }]
    if (!grammar.has(of) || afterParsing.has(of) || isList) return []
    return slots(of, depth + 1).map(({ path, fill }) => ({
      path: `${place} > ${path}`,
      fill: (leaf) => ({ [name]: fill(leaf) }),
    }))
  })
}

const string = (sval: string): Node => ({ String: { sval } })
const customers: Node = {
  RangeVar: { schemaname: 'app', relname: 'customers', inh: true, relpersistence: 'p' },
}
const column: Node = { ColumnRef: { fields: [string('ssn')] } }
const call: Node = { FuncCall: { funcname: [string('app'), string('f_ssn')], args: [] } }
/** A field of a certain kind of its node, without which it would not be that. */
const completed = (type: string, fields: object): Node =>
  ({
    [type]: type === 'SubLink' ? { subLinkType: 'ANY_SUBLINK', subselect: one, ...fields } : fields,
  }) as unknown as Node // as the tree writes it where it names types

const one: Node = { SelectStmt: { targetList: [], limitOption: 'LIMIT_OPTION_DEFAULT', op: 'SETOP_NONE' } }
const fromItems = ['RangeFunction', 'RangeTableFunc', 'RangeTableSample', 'JoinExpr', 'JsonTable']

function selecting(type: string, fields: object): Node {
  const item = completed(type, fields)
  const isFrom = fromItems.includes(type)
  return {
    SelectStmt: {
      targetList: isFrom
        ? [{ ResTarget: { val: { A_Const: { ival: { ival: 1 } } } } }]
        : [{ ResTarget: { val: item } }],
      fromClause: isFrom ? [customers, item] : [customers],
      limitOption: 'LIMIT_OPTION_DEFAULT',
      op: 'SETOP_NONE',
    },
  }
}

describe('every expression', () => {
  let bench: Bench
  beforeAll(async () => {
    bench = await Bench.create('strict')
    await bench.analyse('select 1')
  })
  afterAll(() => bench[Symbol.asyncDispose]())

  const analysed = (node: Node) => {
    const draft = new Draft()
    const lens = { names: new Names(bench.context.catalog.snapshot, 'shop', ['public']), isStrict: true }
    const statement = analyseStatement(node, draft, lens)
    return { facts: draft.finish(), statement }
  }
  const places = [...ofKind('expression'), ...fromItems].flatMap((type) =>
    slots(type).map(({ path, fill }) => ({ type, path, fill })),
  )

  it('has places', () => {
    expect(places.length).toBeGreaterThan(90)
  })

  it.each(places)('is followed through $path', ({ type, fill }) => {
    const { facts, statement } = analysed(selecting(type, fill(column)))
    const told = [...facts.exposes, ...statement.tags]
    expect(told).toContain('ssn')
  })

  it.each(places)('shows what it calls in $path', ({ type, fill }) => {
    const { facts } = analysed(selecting(type, fill(call)))
    expect(facts.context.functions).toContain('app.f_ssn')
    expect(facts.context.dynamic).toBe(true)
  })
})
