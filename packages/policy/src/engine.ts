import {
  preparsePolicySet,
  preparseSchema,
  statefulIsAuthorized,
  type CedarValueJson,
  type CheckParseAnswer,
} from '@cedar-policy/cedar-wasm/nodejs'
import type { Entity, Uid } from './entities.ts'
import type { Policy } from './policies.ts'
import type { CedarSchema } from './schema.ts'
import { Slots } from './slots.ts'

/** One question to Cedar. */
export interface Question {
  readonly principal: Uid
  readonly action: string
  readonly resource: Uid
  readonly context: Record<string, CedarValueJson>
  /** Those whose attributes and parents matter; the ancestors themselves need not be among them. */
  readonly entities: Entity[]
}

/** Cedar's answer: the policies that determined it, or those that failed and so leave nothing determined. */
export type Answer =
  | { readonly kind: 'permitted' | 'forbidden'; readonly policies: readonly string[] }
  | { readonly kind: 'failed'; readonly policies: readonly string[] }

/** A schema, prepared in the engine when it is needed. */
export class PreparedSchema {
  readonly #schema: CedarSchema

  constructor(schema: CedarSchema) {
    this.#schema = schema
  }

  slot(): string {
    return schemaSlots.claim(this, (name) => mustSucceed(preparseSchema(name, this.#schema)))
  }
}

/** Policies, prepared in the engine when they are needed: parsed once, asked often. */
export class PreparedPolicies {
  readonly #schema: PreparedSchema
  readonly #texts: Record<string, string>

  constructor(schema: PreparedSchema, policies: readonly Policy[]) {
    this.#schema = schema
    this.#texts = Object.fromEntries(policies.map(({ id, text }) => [id, text]))
  }

  /**
   * A policy that fails is skipped by Cedar, a forbid as well: so one failure leaves the whole answer `failed`.
   * The same for a request that does not fit the schema, and for an engine that is broken.
   */
  ask({ principal, action, resource, context, entities }: Question): Answer {
    try {
      const answer = statefulIsAuthorized({
        principal,
        action: { type: 'Action', id: action },
        resource,
        context,
        entities,
        preparsedSchemaName: this.#schema.slot(),
        preparsedPolicySetId: policySlots.claim(this, (name) =>
          mustSucceed(preparsePolicySet(name, { staticPolicies: this.#texts })),
        ),
        validateRequest: true,
      })
      if (answer.type === 'failure') return { kind: 'failed', policies: [] }
      const { decision, diagnostics } = answer.response
      if (diagnostics.errors.length > 0)
        return { kind: 'failed', policies: diagnostics.errors.map(({ policyId }) => policyId) }
      return { kind: decision === 'allow' ? 'permitted' : 'forbidden', policies: diagnostics.reason }
    } catch {
      return { kind: 'failed', policies: [] }
    }
  }
}

function mustSucceed(answer: CheckParseAnswer): void {
  if (answer.type === 'failure') throw new TypeError(answer.errors.map(({ message }) => message).join('; '))
}

// The engine is one WASM instance per process with one table of prepared things: these say which places are taken.
const schemaSlots = new Slots(16)
const policySlots = new Slots(128)
