import { isAuthorized } from '@cedar-policy/cedar-wasm/nodejs'
import { factsOf, type Decision, type Facts, type Subject } from '@sallyport/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { objectEntity, principalEntity, resourceEntity } from './entities.ts'
import { ordersDb, person, pointFor } from './testing/world.ts'
import { postgresVocabulary } from './testing/postgres-vocabulary.ts'

const actions = postgresVocabulary.actions.map(({ name }) => name)

const subjects: fc.Arbitrary<Subject> = fc
  .tuple(fc.constantFrom('ann', 'bob'), fc.subarray(['dev', 'dba', 'ops']))
  .map(([name, groups]) => person(name, ...groups))

const principalScope = fc.constantFrom(
  'principal',
  'principal == User::"ann"',
  'principal in Group::"dev"',
  'principal is User in Group::"ops"',
  'principal is Workload',
  'principal in User::"bob"',
)
const actionScope = fc.constantFrom(
  'action in [Action::"read", Action::"write", Action::"dangerous", Action::"session"]',
  'action in Action::"write"',
  'action == Action::"read"',
  'action in [Action::"ddl", Action::"update"]',
)
const resourceScope = fc.constantFrom(
  'resource',
  'resource == Resource::"orders-db"',
  'resource in Resource::"orders-db"',
  'resource in Resource::"other-db"',
  'resource in Label::"env=prod"',
  'resource in Label::"env=test"',
  'resource in Object::"orders-db/shop/public"',
  'resource == Object::"orders-db/shop/public/orders"',
  'resource in Object::"other-db/shop"',
  'resource is Object in Resource::"orders-db"',
  'resource is Resource',
)
const condition = fc.constantFrom(
  '',
  'when { context.unfiltered }',
  'unless { context.unfiltered }',
  'when { context.functions.contains("f") }',
  'when { context.kinds.containsAny(["select", "update"]) }',
  'unless { context.actor.isDelegated || context.account == "app" }',
)

function policies(effect: fc.Arbitrary<string>): fc.Arbitrary<string[]> {
  const policy = fc
    .tuple(effect, principalScope, actionScope, resourceScope, condition)
    .map(
      ([how, principal, action, resource, when]) => `${how} (${principal}, ${action}, ${resource}) ${when};`,
    )
  return fc.array(policy, { maxLength: 6 })
}

const effects = [
  'permit',
  'permit',
  'forbid',
  '@review("dba") permit',
  '@review("ops & dba") permit',
  '@stepup("phr") permit',
  '@stepup("phr") @review("ops") permit',
]
const anyPolicies = policies(fc.constantFrom(...effects, '@stepup("phr") forbid'))
/** What Cedar alone denies is denied. */
const cedarPolicies = policies(fc.constantFrom(...effects))

const facts: fc.Arbitrary<Facts> = fc
  .record({
    actions: fc.subarray(actions, { minLength: 1, maxLength: 3 }),
    objects: fc.array(
      fc.record({
        path: fc.constantFrom(
          ['shop'],
          ['shop', 'public'],
          ['shop', 'public', 'orders'],
          ['hr', 'public', 'pay'],
        ),
        actions: fc.subarray(actions, { maxLength: 2 }),
      }),
      { maxLength: 3 },
    ),
    exposes: fc.subarray(['pii.email', 'pii.iban']),
    unfiltered: fc.boolean(),
    functions: fc.subarray(['f', 'g']),
    kinds: fc.subarray(['select', 'update', 'delete']),
  })
  .map(({ unfiltered, functions, kinds, ...rest }) =>
    factsOf({
      ...rest,
      context: {
        unfiltered,
        functions,
        kinds,
        dynamic: false,
        columns: [],
        filtered_columns: [],
        settings: [],
        locks: false,
      },
    }),
  )

function decide(texts: readonly string[], subject: Subject, asked: readonly Facts[]): Decision {
  const named = texts.map((text, i) => `@id("p${i}") ${text}`)
  return pointFor(named.join('\n')).decide(subject, ordersDb, 'app', asked)
}

test('one more forbid never turns a denial into anything else, nor a review into an allowance', () => {
  const strictness = { allow: 0, review: 1, 'step-up': 2, deny: 3 }
  fc.assert(
    fc.property(
      anyPolicies,
      policies(fc.constant('forbid')),
      subjects,
      fc.array(facts, { maxLength: 3 }),
      (some, more, who, asked) => {
        const before = decide(some, who, asked).effect
        const after = decide([...some, ...more], who, asked).effect
        expect(strictness[after]).toBeGreaterThanOrEqual(strictness[before])
      },
    ),
    { numRuns: 80 },
  )
})

test('one more statement never makes an operation more permitted', () => {
  const strictness = { allow: 0, review: 1, 'step-up': 2, deny: 3 }
  fc.assert(
    fc.property(anyPolicies, subjects, facts, facts, (some, who, one, other) => {
      const alone = decide(some, who, [one]).effect
      const together = decide(some, who, [one, other]).effect
      expect(strictness[together]).toBeGreaterThanOrEqual(strictness[alone])
    }),
    { numRuns: 50 },
  )
})

test('slices, prepared sets and remembered answers decide as Cedar does over all policies at once', () => {
  fc.assert(
    fc.property(
      cedarPolicies,
      subjects,
      fc.array(facts, { minLength: 1, maxLength: 4 }),
      (texts, who, asked) => {
        const point = pointFor(texts.map((text, i) => `@id("p${i}") ${text}`).join('\n'))
        for (const one of asked) {
          const clear = { ...one, exposes: [] }
          const questions = questionsFor(clear)
          const isPermitted = questions.every(([action, path]) =>
            cedarPermits(texts, who, clear, action, path),
          )
          for (const same of [clear, { ...clear }]) {
            const { effect } = point.decide(who, ordersDb, 'app', [same])
            expect(effect !== 'deny').toBe(isPermitted)
          }
        }
      },
    ),
    { numRuns: 80 },
  )
})

test('a set of which only parts are asked decides as Cedar does over all of it', () => {
  // Each could matter to everybody on this very resource, so that no slice can leave it out.
  const many = Array.from(
    { length: 100 },
    (_, i) =>
      `forbid (principal, action in [Action::"read", Action::"write"], resource in Object::"orders-db/other/public/t${i}");`,
  )
  fc.assert(
    fc.property(cedarPolicies, subjects, facts, (some, who, one) => {
      const clear = { ...one, exposes: [] }
      const texts = [...some, ...many]
      const isPermitted = questionsFor(clear).every(([action, path]) =>
        cedarPermits(some, who, clear, action, path),
      )
      expect(decide(texts, who, [clear]).effect !== 'deny').toBe(isPermitted)
    }),
    { numRuns: 40 },
  )
})

test('facts of any shape end in a decision', () => {
  const point = pointFor(`
    @id("all") permit (principal, action, resource);
    @id("asks") forbid (principal, action == Action::"read", resource)
    when { context.unfiltered && context.functions.contains("f") && context.columns.contains("c") && context.locks };`)
  const word = fc.oneof(fc.constantFrom(...actions), fc.string({ unit: 'binary' }), fc.constant('__proto__'))
  const value = fc.oneof(fc.boolean(), fc.double(), word, fc.array(word), fc.constant('\ud800'))
  const wild = fc.record({
    actions: fc.array(word, { minLength: 1, maxLength: 3 }),
    objects: fc.array(fc.record({ path: fc.array(word), actions: fc.array(word, { maxLength: 2 }) }), {
      maxLength: 3,
    }),
    exposes: fc.array(word, { maxLength: 2 }),
    context: fc.dictionary(
      fc.oneof(word, fc.constantFrom('unfiltered', 'functions', 'columns', 'locks')),
      value,
    ),
  })
  fc.assert(
    fc.property(wild, (input) => {
      const decision = point.decide(person('ann'), ordersDb, 'app', [factsOf(input)])
      expect(['allow', 'deny', 'review']).toContain(decision.effect)
      expect(decision.reason ?? '').not.toMatch(/\p{Cc}/u)
    }),
    { numRuns: 300 },
  )
})

function questionsFor({ actions: all, objects }: Facts): [string, (readonly string[])?][] {
  const onObjects = objects.flatMap(({ path, actions: own }) =>
    (own.length > 0 ? own : all).map((action): [string, readonly string[]] => [action, path]),
  )
  const covered = new Set(onObjects.map(([action]) => action))
  return [...onObjects, ...all.filter((action) => !covered.has(action)).map((action): [string] => [action])]
}

/** Cedar without any of our machinery: all policies, parsed anew, all facts. */
function cedarPermits(
  texts: readonly string[],
  who: Subject,
  { context }: Facts,
  action: string,
  path?: readonly string[],
): boolean {
  const principal = principalEntity(who.principal)
  const resource = resourceEntity(ordersDb)
  const on = path ? objectEntity(resource, path) : resource
  const group = postgresVocabulary.actions.find(({ name }) => name === action)?.group ?? ''
  const groupOfAction = {
    uid: { type: 'Action', id: action },
    attrs: {},
    parents: [{ type: 'Action', id: group }],
  }
  const lists = Object.entries(context).map(([name, value]) => [
    name,
    typeof value === 'object' ? [...value] : value,
  ])
  const answer = isAuthorized({
    principal: principal.uid,
    action: groupOfAction.uid,
    resource: on.uid,
    context: {
      ...Object.fromEntries(lists),
      account: 'app',
      actor: { id: who.actor.id, kind: 'user', isDelegated: false },
    },
    policies: { staticPolicies: texts.join('\n') },
    entities: [principal, on, ...(group === action ? [] : [groupOfAction])],
  })
  if (answer.type === 'failure') throw new TypeError(JSON.stringify(answer.errors))
  return answer.response.decision === 'allow' && answer.response.diagnostics.errors.length === 0
}
