import type { CredentialSource } from './credential-source.ts'

/** A table column that carries a tag: `public.customers.email` is `pii.email`. */
export interface ColumnTag {
  /** `schema.table.column`, in any database of the resource, as the server stores the names (folded to lower case unless quoted). */
  readonly column: string
  readonly tag: string
  /** The column's own, in place of the tag's. */
  readonly redactor?: Redactor
}

/**
 * How values are hidden:
 * `full` all of it; `keep-last` keeps the last `count` letters and digits of what has more than twice as many; `keep-domain` an
 * e-mail's domain; `hash` a keyed stable hash, so that joins on it still work; `null` NULL; `fixed` a constant; `digits` other digits
 * in the same format.
 */
export type Redactor =
  | { readonly kind: 'full' | 'keep-domain' | 'hash' | 'null' | 'digits' }
  | { readonly kind: 'keep-last'; readonly count: number }
  | { readonly kind: 'fixed'; readonly text: string }

/** What is sensitive on a resource, and how it is hidden from those who may not `unmask` it. */
export interface Masking {
  /**
   * `strict`: a masked column may be shown (masked) but not computed with, filtered or ordered by.
   * `lenient`: those are allowed; it guards against accidents, not against a patient attacker.
   */
  readonly mode: 'strict' | 'lenient'
  readonly columns: readonly ColumnTag[]
  /** Names of the value detectors that run on untagged text, such as `email` or `card`. */
  readonly detectors: readonly string[]
  /** Redactor by tag, for columns without their own; a tag that is not named here has the default of its kind. */
  readonly redactors: Readonly<Record<string, Redactor>>
}

/** A role on the target under which a session runs, and where its credential comes from. */
export interface Account {
  readonly name: string
  readonly credential: CredentialSource
}

/** A target that can be asked for by name. `Options` is what its protocol alone understands. */
export interface Resource<Options = unknown> {
  readonly name: string
  /** Name of the protocol that serves it, such as `postgres`. */
  readonly protocol: string
  readonly host: string
  readonly port: number
  /** The pool of agents that can reach it. */
  readonly agent: string
  readonly labels: Readonly<Record<string, string>>
  /** The first is the default. Never empty. */
  readonly accounts: readonly Account[]
  readonly masking: Masking
  /** `batched`: operations are durable within 50 ms. `strict`: durable before they are forwarded. */
  readonly recording: 'batched' | 'strict'
  readonly options: Options
}
