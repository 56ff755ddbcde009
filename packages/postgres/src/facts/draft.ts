import { factsOf, type Facts, type Refusal } from '@sallyport/core'
import type { Relation } from '../catalog/snapshot.ts'
import type { SessionEffect } from './analysis.ts'

/** A statement's facts while they are gathered. */
export class Draft {
  readonly actions = new Set<string>()
  readonly kinds = new Set<string>()
  readonly functions = new Set<string>()
  readonly columns = new Set<string>()
  readonly filtered = new Set<string>()
  readonly settings = new Set<string>()
  readonly exposes = new Set<string>()
  /** Relations named anywhere in it. */
  readonly mentioned = new Set<Relation>()
  /** Settings changed by a function, which the statement's kind does not tell. */
  readonly sets: (SessionEffect & { readonly kind: 'set' })[] = []
  isUnfiltered = false
  isDynamic = false
  takesLocks = false
  /** It names a relation that the catalogue does not know. */
  hasUnknownNames = false
  refusal: Refusal | undefined
  readonly #objects = new Map<string, { readonly path: readonly string[]; readonly actions: Set<string> }>()

  object(path: readonly string[], actions: Iterable<string>): void {
    const key = path.join('\0')
    const object = this.#objects.get(key) ?? { path, actions: new Set<string>() }
    this.#objects.set(key, object)
    for (const action of actions) object.actions.add(action)
  }

  /** A function that people made is called. @param conduct what it may do, somewhere in the database */
  calls(names: readonly string[], conduct: readonly string[], database: readonly string[]): void {
    for (const name of names) this.functions.add(name)
    this.runs(conduct, database)
  }

  /** Somebody's code runs, by whatever form. */
  runs(conduct: readonly string[], database: readonly string[]): void {
    this.isDynamic = true
    for (const action of conduct) this.actions.add(action)
    const changes = conduct.filter((action) => action !== 'call')
    if (changes.length > 0) this.object(database, changes)
  }

  expose(tags: Iterable<string>): void {
    for (const tag of tags) this.exposes.add(tag)
  }

  /** It was not understood: it may do anything. */
  unparsed(): void {
    this.actions.add('unparsed')
    this.isDynamic = true
  }

  /** What another statement inside this one does, this one does too. */
  absorb(inner: Draft): void {
    for (const action of inner.actions) this.actions.add(action)
    for (const kind of inner.kinds) this.kinds.add(kind)
    for (const name of inner.functions) this.functions.add(name)
    for (const column of inner.columns) this.columns.add(column)
    for (const column of inner.filtered) this.filtered.add(column)
    for (const setting of inner.settings) this.settings.add(setting)
    for (const relation of inner.mentioned) this.mentioned.add(relation)
    this.sets.push(...inner.sets)
    this.expose(inner.exposes)
    for (const { path, actions } of inner.#objects.values()) this.object(path, actions)
    this.isUnfiltered ||= inner.isUnfiltered
    this.isDynamic ||= inner.isDynamic
    this.takesLocks ||= inner.takesLocks
    this.hasUnknownNames ||= inner.hasUnknownNames
    this.refusal ??= inner.refusal
  }

  finish(): Facts {
    if (this.actions.size === 0) this.unparsed()
    return factsOf({
      actions: sorted(this.actions),
      objects: Array.from(this.#objects.values(), ({ path, actions }) => ({
        path,
        actions: sorted(actions),
      })),
      exposes: sorted(this.exposes),
      context: {
        unfiltered: this.isUnfiltered,
        functions: sorted(this.functions),
        dynamic: this.isDynamic,
        kinds: sorted(this.kinds),
        columns: sorted(this.columns),
        filtered_columns: sorted(this.filtered),
        settings: sorted(this.settings),
        locks: this.takesLocks,
      },
    })
  }
}

const sorted = (words: ReadonlySet<string>) => [...words].toSorted()
