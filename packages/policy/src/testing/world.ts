import {
  factsOf,
  onOwnBehalf,
  principalId,
  type Facts,
  type FactsInput,
  type Resource,
  type Subject,
} from '@sallyport/core'
import { compilePolicies, type DecisionPoint } from '../decision-point.ts'
import { postgresVocabulary } from './postgres-vocabulary.ts'

/** A small world for tests: people, databases, statements. */

export function person(name: string, ...groups: string[]): Subject {
  return onOwnBehalf({ kind: 'user', id: principalId('user', name), name, groups })
}

export function agentOf(subject: Subject, id: string): Subject {
  return { principal: subject.principal, actor: { kind: 'agent', id, name: id } }
}

export const ordersDb: Resource = {
  name: 'orders-db',
  protocol: 'postgres',
  host: 'db.internal',
  port: 5432,
  agent: 'default',
  labels: { env: 'prod', team: 'shop' },
  accounts: [{ name: 'app', credential: { from: 'none' } }],
  masking: {
    mode: 'strict',
    columns: [
      { column: 'public.customers.email', tag: 'pii.email' },
      { column: 'public.customers.phone', tag: 'pii.phone' },
    ],
    detectors: ['card'],
    redactors: {},
  },
  recording: 'batched',
  options: {},
}

/** `statement({ delete: ['shop/public/orders'] }, { unfiltered: true })`; an empty list is an action on no object. */
export function statement(
  does: Readonly<Record<string, readonly string[]>>,
  context: FactsInput['context'] = {},
  exposes: readonly string[] = [],
): Facts {
  return factsOf({
    actions: Object.keys(does),
    objects: Object.entries(does).flatMap(([action, objects]) =>
      objects.map((path) => ({ path: path.split('/'), actions: [action] })),
    ),
    exposes,
    context: { ...nothingSpecial, ...context },
  })
}

export function pointFor(text: string): DecisionPoint {
  return compilePolicies({
    policies: [{ name: 'test.cedar', text }],
    vocabulary: [postgresVocabulary],
    version: '1',
    detectorTags: { card: 'pii.card' },
  })
}

const nothingSpecial: FactsInput['context'] = {
  unfiltered: false,
  functions: [],
  dynamic: false,
  kinds: [],
  columns: [],
  filtered_columns: [],
  settings: [],
  locks: false,
}
