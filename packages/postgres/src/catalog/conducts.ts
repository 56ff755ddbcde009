import { hash } from 'node:crypto'
import { catalogLimits } from './limits.ts'
import type { ContentFunction, FunctionName, Listing } from './listing.ts'
import { relationVersion } from './relation-version.ts'
import { anySchema, type Relation, type Snapshot } from './snapshot.ts'
import { Turns } from './turns.ts'
import type { ViewTracer } from './view-tracer.ts'
import { wordsOf } from './words.ts'

/** Temporary schemas begin so: other sessions cannot call what is there, and nothing there is found by the path. */
const temporary = 'pg_temp'

/** What is not looked into may do anything. */
const anything: readonly string[] = ['call']

/** What a function comes to by itself, as far as its body is looked into. */
interface ComesTo {
  /** By {@link key}. */
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
  readonly #operatorsBySign = new Map<string, FunctionName[]>()
  readonly #casts = new Map<string, FunctionName[]>()
  readonly #hiddenCasts: FunctionName[] = []
  readonly #tracer: ViewTracer
  readonly #known = new Map<string, readonly string[]>()
  readonly #comesTo = new Map<string, ComesTo>()
  /** Those that are being looked into, in each other, by how deep. */
  readonly #open = new Map<string, number>()
  /** Looked into, but for what an open one does that they call: of that which is at `lowest`, they are a part. */
  readonly #partial = new Map<string, { readonly does: readonly string[]; readonly lowest: number }>()
  /** Of the innermost open one: what it comes to, and the lowest open one that it calls. */
  #current: ComesTo | undefined
  #lowest = Number.POSITIVE_INFINITY
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
    for (const { operator, ...runs } of operators.values()) {
      add(conducts.#operators, key(operator), runs)
      add(conducts.#operatorsBySign, operator.name, runs)
    }
    for (const { typeName, isHidden, ...runs } of casts.values()) {
      add(conducts.#casts, typeName, runs)
      if (isHidden) conducts.#hiddenCasts.push(runs)
    }
    const turns = new Turns()
    let bodyLength = 0
    for (const made of functions.values()) {
      add(conducts.#overloads, key(made), made)
      if (!isTemporary(made)) add(conducts.#byBareName, made.name, made)
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
    return name.schema === anySchema ? this.#byBareName.has(name.name) : this.#overloads.has(key(name))
  }

  /** By which it shows that a function of that name was made anew, or anything that it comes to. */
  versionOf(name: FunctionName, snapshot: Snapshot): string {
    if (!this.has(name)) return ''
    this.of(name, snapshot)
    const { functions, relations } = this.#reach(key(name))
    const parts = [
      ...[...functions]
        .filter((id) => this.#overloads.has(id))
        .toSorted()
        .map((id) => `${id} ${this.#bodiesOf(id)}`),
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
        .filter((id) => !id.startsWith(temporary))
        .map((id) => `${id} ${this.#bodiesOf(id)}`),
    )
    return this.#versionOfAll
  }

  of(name: FunctionName, snapshot: Snapshot): readonly string[] {
    const id = key(name)
    this.#current?.functions.add(id)
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const depth = this.#open.get(id) ?? this.#partial.get(id)?.lowest
    if (depth !== undefined) {
      this.#lowest = Math.min(this.#lowest, depth)
      return this.#partial.get(id)?.does ?? []
    }
    return this.#look(id, name, snapshot)
  }

  /** Each is looked into once, but for those that call each other: of them the first, whose part the others are. */
  #look(id: string, name: FunctionName, snapshot: Snapshot): readonly string[] {
    const outer = { current: this.#current, lowest: this.#lowest }
    const depth = this.#open.size
    this.#open.set(id, depth)
    this.#current = { functions: new Set(), relations: new Map() }
    this.#lowest = Number.POSITIVE_INFINITY
    try {
      const does = sorted(this.#named(name, snapshot))
      this.#comesTo.set(id, this.#current)
      if (this.#lowest < depth) this.#partial.set(id, { does, lowest: this.#lowest })
      else {
        this.#known.set(id, does)
        for (const [one, { lowest }] of this.#partial) if (lowest >= depth) this.#partial.delete(one)
      }
      return does
    } finally {
      this.#open.delete(id)
      this.#current = outer.current
      this.#lowest = Math.min(outer.lowest, this.#lowest < depth ? this.#lowest : Number.POSITIVE_INFINITY)
    }
  }

  #named(name: FunctionName, snapshot: Snapshot): readonly string[] {
    if (name.schema === anySchema)
      return (this.#byBareName.get(name.name) ?? []).flatMap((one) => this.of(one, snapshot))
    return (this.#overloads.get(key(name)) ?? []).flatMap((made) => this.#conductOf(made, snapshot))
  }

  /** What running it comes to, itself included. */
  #reach(id: string): ComesTo {
    const functions = new Set([id])
    const relations: [string, readonly [string, string]][] = []
    for (const one of functions) {
      const comesTo = this.#comesTo.get(one)
      comesTo?.functions.forEach((next) => functions.add(next))
      relations.push(...(comesTo?.relations ?? []))
    }
    return { functions, relations: new Map(relations) }
  }

  ofOperator(operator: FunctionName, snapshot: Snapshot): readonly string[] | undefined {
    const { schema, name } = operator
    const runs = schema === anySchema ? this.#operatorsBySign.get(name) : this.#operators.get(key(operator))
    return this.#ofAll(runs, snapshot)
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
      if (this.#byBareName.has(word)) runs.push({ schema: anySchema, name: word })
      runs.push(...(this.#casts.get(word) ?? []))
    }
    for (const [sign, functions] of this.#operatorsBySign)
      if (this.#tracer.mayBeHidden(sign) || made.body.includes(sign)) runs.push(...functions)
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
    this.#current?.relations.set(key({ schema, name }), [schema, name])
  }

  #bodiesOf(id: string): string {
    const bodies = (this.#overloads.get(id) ?? []).map(({ body }) => body)
    return bodies.toSorted().join('\0')
  }
}

function isTemporary({ schema }: FunctionName): boolean {
  return schema.startsWith(temporary)
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
