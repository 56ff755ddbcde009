import { factsOf, onOwnBehalf, principalId, type Facts, type Resource, type Subject } from '@sallyport/core'
import { vocabularyOfProtocols } from '@sallyport/gateway'
import { compilePolicies, type DecisionPoint } from '@sallyport/policy'
import { atMost, type Measurement, type Reading, type Row } from '../measurement.ts'

const few = 50
const many = 1000
/** Decisions in one turn of a set, and how many turns each has. */
const turn = 50
const turns = 10

/**
 * What a decision costs that was never made before, with few policies and with many. `by team`: each team has policies of its own, on the
 * resources of a label of its own. `by table`: all of one group on one resource, a policy for each table.
 */
export const uncachedDecisions: Measurement = {
  setting: 'alone',
  rows: ['by team', 'by table'].flatMap((kind): Row[] => [
    {
      name: `uncached decision, ${few} policies, ${kind}`,
      figure: `${kind} few`,
      unit: 'µs',
      better: 'lower',
      targets: [],
    },
    {
      name: `uncached decision, ${many} policies, ${kind}`,
      figure: `${kind} many`,
      unit: 'µs',
      better: 'lower',
      targets: [],
    },
    {
      name: `uncached decision, ${many}/${few} policies, ${kind}`,
      figure: `${kind} ratio`,
      unit: '×',
      better: 'lower',
      targets: [atMost(2, `× that of ${few} policies`)],
    },
  ]),
  measure,
}

function measure(): Promise<Reading> {
  const figures: Record<string, number> = {}
  for (const [kind, make] of [
    ['by team', byTeam],
    ['by table', byTable],
  ] as const) {
    const [ofFew, ofMany] = [new Decider(make(few)), new Decider(make(many))]
    for (const decider of [ofFew, ofMany]) decider.warm()
    const times: [number[], number[]] = [[], []]
    for (let i = 0; i < turns; i++) {
      times[0].push(ofFew.turn())
      times[1].push(ofMany.turn())
    }
    figures[`${kind} few`] = median(times[0])
    figures[`${kind} many`] = median(times[1])
    figures[`${kind} ratio`] = median(times[1]) / median(times[0])
  }
  return Promise.resolve({ figures })
}

interface Case {
  readonly policies: readonly string[]
  readonly tables: number
}

function byTeam(count: number): Case {
  const policies = Array.from({ length: count }, (_, i) => {
    const team = Math.floor(i / 10)
    return `@id("p${i}") ${i % 10 === 9 ? 'forbid' : 'permit'} (principal in Group::"team-${team}", action == Action::"${actions[i % 10]}", resource in Label::"team=${team}")${i % 10 === 9 ? ' when { context.unfiltered }' : ''};`
  })
  return { policies, tables: 1 }
}

function byTable(count: number): Case {
  const policies = Array.from(
    { length: count },
    (_, i) =>
      `@id("p${i}") permit (principal in Group::"team-0", action == Action::"read", resource == Object::"orders-db/shop/public/t${i}");`,
  )
  return { policies, tables: count }
}

const actions = [
  'connect',
  'read',
  'insert',
  'update',
  'delete',
  'ddl',
  'session',
  'transaction',
  'call',
  'read',
]

/** Asks a set what it was never asked, over all of its tables in turn. */
class Decider {
  readonly #point: DecisionPoint
  readonly #facts: readonly Facts[]
  #asked = 0

  constructor({ policies, tables }: Case) {
    this.#point = compilePolicies({
      policies: [{ name: 'bench', text: policies.join('\n') }],
      vocabulary: vocabularyOfProtocols,
      version: 'bench',
    })
    this.#facts = Array.from({ length: tables }, (_, i) => readOf(`t${i}`))
  }

  /** Each part of the set once. */
  warm(): void {
    for (const facts of this.#facts) this.#ask(facts)
  }

  /** @returns µs for each decision */
  turn(): number {
    const begin = performance.now()
    for (let i = 0; i < turn; i++) this.#ask(this.#facts[(this.#asked * 7) % this.#facts.length]!)
    return ((performance.now() - begin) * 1000) / turn
  }

  /** @throws Error where it is not permitted */
  #ask(facts: Facts): void {
    // An account of its own: no question is asked twice.
    const { effect } = this.#point.decide(alice, ordersDb, `account-${this.#asked++}`, [facts])
    if (effect !== 'allow') throw new Error(`a read was decided ${effect}`)
  }
}

function readOf(table: string): Facts {
  const context = Object.fromEntries(
    (vocabularyOfProtocols[0]?.facts ?? []).map(({ name, type }) => [name, type === 'strings' ? [] : false]),
  )
  return factsOf({
    actions: ['read'],
    objects: [{ path: ['shop', 'public', table], actions: ['read'] }],
    exposes: [],
    context,
  })
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

const alice: Subject = onOwnBehalf({
  kind: 'user',
  id: principalId('user', 'alice'),
  name: 'alice',
  groups: ['team-0'],
})

const ordersDb: Resource = {
  name: 'orders-db',
  protocol: 'postgres',
  host: 'db.internal',
  port: 5432,
  agent: 'default',
  labels: { env: 'prod', team: '0' },
  accounts: [{ name: 'app', credential: { from: 'none' } }],
  masking: { mode: 'strict', columns: [], detectors: [], redactors: {} },
  recording: 'batched',
  options: {},
}
