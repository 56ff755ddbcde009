import { hash } from 'node:crypto'
import { catalogLimits } from './limits.ts'
import type { ContentFunction, FunctionName, Listing } from './listing.ts'
import { relationVersion } from './relation-version.ts'
import type { Relation, Snapshot } from './snapshot.ts'
import { Turns } from './turns.ts'
import type { ViewTracer } from './view-tracer.ts'
import { wordsOf } from './words.ts'

/** What is not looked into may do anything. */
const anything: readonly string[] = ['call']

/** What running a function comes to, itself included, as far as bodies are looked into. By {@link key}. */
interface Reach {
  readonly functions: Set<string>
  /** Those that are not there as well: they may come to be there. */
  readonly relations: Map<string, readonly [schema: string, name: string]>
}

/** What functions that people made do beyond reading, by what their bodies say, as actions. All overloads of a name together. */
export class Conducts {
  readonly #overloads = new Map<string, ContentFunction[]>()
  readonly #byBareName = new Map<string, FunctionName[]>()
  readonly #bodies = new Map<ContentFunction, unknown>()
  readonly #operators = new Map<string, FunctionName[]>()
  readonly #casts = new Map<string, FunctionName[]>()
  readonly #hiddenCasts: FunctionName[] = []
  readonly #tracer: ViewTracer
  readonly #known = new Map<string, readonly string[]>()
  readonly #reaches = new Map<string, Reach>()
  /** While one is looked into: those that it reaches, so that each is looked into once. What they do counts to the first. */
  #reached: Map<string, readonly string[]> | undefined
  /** While one is looked into. */
  #reach: Reach | undefined
  #versionOfAll: string | undefined
  #versionOfRunners: string | undefined

  private constructor(tracer: ViewTracer) {
    this.#tracer = tracer
  }

  /** @param before those of an earlier listing: a body that is still there is not read again */
  static async of(
    { functions, operators, casts }: Pick<Listing, 'functions' | 'operators' | 'casts'>,
    tracer: ViewTracer,
    before?: Conducts,
  ): Promise<Conducts> {
    const conducts = new Conducts(tracer)
    for (const { operator, ...runs } of operators.values()) add(conducts.#operators, key(operator), runs)
    for (const { typeName, isHidden, ...runs } of casts.values()) {
      add(conducts.#casts, typeName, runs)
      if (isHidden) conducts.#hiddenCasts.push(runs)
    }
    const turns = new Turns()
    let bodyLength = 0
    for (const made of functions.values()) {
      add(conducts.#overloads, key(made), made)
      add(conducts.#byBareName, made.name, made)
      if (made.conduct !== 'sql' && made.conduct !== 'naming') continue
      bodyLength += made.body.length
      if (bodyLength > catalogLimits.maxDefinitionLength) continue
      if (before !== undefined && before.#bodies.has(made)) {
        conducts.#bodies.set(made, before.#bodies.get(made))
        continue
      }
      const body = made.conduct === 'sql' ? await tracer.parseBody(made.body) : wordsOf(made.body)
      conducts.#bodies.set(made, body)
      await turns.parsed(made.body)
    }
    return conducts
  }

  has(name: FunctionName): boolean {
    return this.#overloads.has(key(name))
  }

  /** By which it shows that a function of that name was made anew, or anything that it comes to. */
  versionOf(name: FunctionName, snapshot: Snapshot): string {
    if (!this.has(name)) return ''
    this.of(name, snapshot)
    const { functions = new Set<string>(), relations = new Map() } = this.#reaches.get(key(name)) ?? {}
    const parts = [
      ...[...functions].toSorted().map((id) => `${id} ${this.#bodiesOf(id)}`),
      ...[...relations.values()]
        .map(([schema, relation]) => relationVersion(snapshot, schema, relation))
        .toSorted(),
    ]
    return parts.join('\0')
  }

  /** The same of all operators and casts that run somebody's code: where code runs by them, facts do not say by which. */
  versionOfRunners(snapshot: Snapshot): string {
    this.#versionOfRunners ??= digest(
      [...this.#operators, ...this.#casts].flatMap(([by, functions]) => [
        by,
        ...functions.map((one) => this.versionOf(one, snapshot)),
      ]),
    )
    return this.#versionOfRunners
  }

  /** Of all that people made: for code that may do anything. Temporary functions apart: other sessions cannot run them, and they come and go. */
  versionOfAll(): string {
    this.#versionOfAll ??= digest(
      [...this.#overloads.keys()]
        .filter((id) => !id.startsWith('pg_temp'))
        .map((id) => `${id} ${this.#bodiesOf(id)}`),
    )
    return this.#versionOfAll
  }

  of(name: FunctionName, snapshot: Snapshot): readonly string[] {
    const id = key(name)
    const known = this.#known.get(id)
    if (known !== undefined) {
      this.#reaches.get(id)?.functions.forEach((one) => this.#reach?.functions.add(one))
      this.#reaches.get(id)?.relations.forEach((one, at) => this.#reach?.relations.set(at, one))
      return known
    }
    const reached = this.#reached?.get(id)
    if (reached !== undefined) return reached
    const isFirst = this.#reached === undefined
    this.#reached ??= new Map()
    this.#reached.set(id, [])
    this.#reach ??= { functions: new Set(), relations: new Map() }
    this.#reach.functions.add(id)
    try {
      const overloads = this.#overloads.get(id) ?? []
      const does = sorted(overloads.flatMap((made) => this.#conductOf(made, snapshot)))
      // Those reached on the way may have met one that was not done yet: what they do alone is not known by it.
      if (isFirst) {
        this.#known.set(id, does)
        this.#reaches.set(id, this.#reach)
      } else this.#reached.set(id, does)
      return does
    } finally {
      if (isFirst) this.#reached = this.#reach = undefined
    }
  }

  ofOperator(operator: FunctionName, snapshot: Snapshot): readonly string[] | undefined {
    return this.#ofAll(this.#operators.get(key(operator)), snapshot)
  }

  ofCast(typeName: string, snapshot: Snapshot): readonly string[] | undefined {
    return this.#ofAll(this.#casts.get(typeName), snapshot)
  }

  /** Of all casts; `undefined` where there are none. */
  ofCasts(snapshot: Snapshot): readonly string[] | undefined {
    return this.#casts.size === 0 ? undefined : this.#ofAll([...this.#casts.values()].flat(), snapshot)
  }

  #ofAll(functions: readonly FunctionName[] | undefined, snapshot: Snapshot): readonly string[] | undefined {
    return functions && sorted(functions.flatMap((one) => this.of(one, snapshot)))
  }

  #conductOf(made: ContentFunction, snapshot: Snapshot): readonly string[] {
    switch (made.conduct) {
      case 'calm':
        return []
      case 'opaque':
        return anything
      case 'sql':
        return this.#tracer.conduct(this.#bodies.get(made), this.#noting(snapshot))
      case 'naming':
        return this.#ofNamed(made, snapshot)
    }
  }

  /** What may run by words and signs that stand in the body, and by casts that need neither. */
  #ofNamed(made: ContentFunction, snapshot: Snapshot): readonly string[] {
    const words = this.#bodies.get(made) as ReadonlySet<string> | undefined // made by `wordsOf` above
    if (words === undefined) return anything
    const runs = [...this.#hiddenCasts]
    if (words.has('cast') || made.body.includes('::')) runs.push(...[...this.#casts.values()].flat())
    for (const word of words) {
      if (this.#tracer.hasEffect(word)) return anything
      snapshot.named(word).forEach((relation) => this.#note(relation))
      runs.push(...(this.#byBareName.get(word) ?? []), ...(this.#casts.get(word) ?? []))
    }
    for (const [operator, functions] of this.#operators) {
      const sign = operator.slice(operator.indexOf('\0') + 1)
      if (this.#tracer.mayBeHidden(sign) || made.body.includes(sign)) runs.push(...functions)
    }
    return runs.flatMap((one) => this.of(one, snapshot))
  }

  /** Relations that a body asks for are among what its function comes to. */
  #noting(snapshot: Snapshot): Snapshot {
    return {
      ...snapshot,
      relation: (schema, name) => {
        this.#note({ schema, name })
        return snapshot.relation(schema, name)
      },
      named: (name) => {
        const relations = snapshot.named(name)
        relations.forEach((relation) => this.#note(relation))
        return relations
      },
    }
  }

  #note({ schema, name }: Pick<Relation, 'schema' | 'name'>): void {
    this.#reach?.relations.set(key({ schema, name }), [schema, name])
  }

  #bodiesOf(id: string): string {
    const bodies = (this.#overloads.get(id) ?? []).map(({ body }) => body)
    return bodies.toSorted().join('\0')
  }
}

function digest(parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts.toSorted()), 'hex')
}

function add<V>(map: Map<string, V[]>, at: string, value: V): void {
  const values = map.get(at)
  if (values === undefined) map.set(at, [value])
  else values.push(value)
}

function key({ schema, name }: FunctionName): string {
  return `${schema}\0${name}`
}

function sorted(actions: readonly string[]): readonly string[] {
  return [...new Set(actions)].toSorted()
}
