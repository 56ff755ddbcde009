import { z } from 'zod'
import { BasedOn, Note, Plan } from './apply.ts'
import { Actor, Name, Person, ReviewNeed, Time } from './fields.ts'
import { json, lines, route } from './route.ts'

const PolicyFile = z.object({ name: Name, text: z.string() }).meta({ id: 'PolicyFile' })

/** A place in a policy file that does not stand. */
const PolicyTrouble = z
  .object({
    file: z.string(),
    line: z.number().int(),
    column: z.number().int(),
    message: z.string(),
    severity: z.enum(['error', 'warning']),
  })
  .meta({ id: 'PolicyTrouble' })

const version = z.object({ version: z.string(), by: z.string(), at: Time, note: z.string() })

const PolicySet = version.extend({ policies: z.array(PolicyFile) }).meta({ id: 'PolicySet' })

const given = z.array(z.strictObject({ name: Name, text: z.string().max(262_144) })).max(5000)
const set = { version: '3', by: 'user:alice', at: '2026-01-01T00:00:00Z', note: 'analysts may read' }
const versionName = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/)
const file = {
  name: 'analysts',
  text: 'permit (principal in Group::"analysts", action in Action::"read", resource);',
}

const inquiry = {
  /** Of the gateway (`connect`, `unmask`, `administer`, `replay`, `review`), or of the resource's protocol. */
  action: z.string().min(1).max(64),
  /** A tag for `unmask`; an object for a protocol's action: `shop.public.orders`, or `shop/public/orders` where names have dots. */
  target: z.string().min(1).max(1024).optional(),
  resource: Name.optional(),
  /** The resource's first where absent. */
  account: z.string().min(1).max(63).optional(),
  /** What else is known of the statement; what is not named is false, 0 or empty. A list may be written with commas. */
  facts: z
    .record(
      z.string().max(64),
      z.union([z.boolean(), z.number(), z.string().max(1024), z.array(z.string().max(1024)).max(100)]),
    )
    .optional(),
}

const Effect = z.enum(['allow', 'deny', 'step-up', 'review', 'request'])

export const Finding = z
  .object({
    principal: Person.extend({ groups: z.array(z.string()) }),
    actor: Actor,
    /** `step-up` means yes, with another sign-in; `review` and `request`, after somebody else has approved. */
    answer: z.enum(['yes', 'no', 'step-up', 'review', 'request']),
    /** What was asked of the policies: what is done on a resource needs a connection first. */
    steps: z.array(
      z.object({
        asked: z.string(),
        effect: Effect,
        /** Those that determined it. */
        policies: z.array(z.string()),
        reason: z.string().optional(),
        /** Who must approve it, where somebody must. */
        needs: z.array(ReviewNeed).optional(),
        /** What the sign-in must be, where another is needed. */
        signIn: z
          .object({ acr: z.array(z.string()).optional(), maxAgeSeconds: z.number().optional() })
          .optional(),
        /** In one sentence. */
        words: z.string(),
      }),
    ),
  })
  .meta({ id: 'Finding' })
export type Finding = z.infer<typeof Finding>

const finding: Finding = {
  principal: { kind: 'user', id: 'user:alice', name: 'alice', groups: ['analysts'] },
  actor: { kind: 'user', id: 'user:alice', name: 'alice' },
  answer: 'yes',
  steps: [
    {
      asked: 'connect to orders-db as app',
      effect: 'allow',
      policies: ['analysts'],
      words: 'allowed by analysts',
    },
  ],
}

/** Recorded operations that would be decided otherwise, all in the same way. */
const SimulatedChange = z
  .object({
    from: Effect,
    to: Effect,
    /** `connect`, or what they do: `read, update`. */
    actions: z.string(),
    resource: z.string(),
    /** Those that would determine it; those that do, where none would any more. */
    policies: z.array(z.string()),
    reason: z.string().optional(),
    /** Tags of columns whose values would be masked from now on. */
    masked: z.array(z.string()),
    unmasked: z.array(z.string()),
    /** Groups of whom somebody must watch it, where that changes: somebody of each list. None: nobody must any more. */
    watchers: z.array(z.array(z.string())).optional(),
    count: z.number().int(),
    /** Some of those whose they are. */
    principals: z.array(z.string()),
    examples: z.array(
      z.object({
        session: z.string(),
        operation: z.number().int().optional(),
        principal: z.string(),
        at: Time,
        text: z.string(),
      }),
    ),
  })
  .meta({ id: 'SimulatedChange' })
export type SimulatedChange = z.infer<typeof SimulatedChange>

const SimulationLine = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('progress'), sessions: z.number().int(), operations: z.number().int() }),
    z.object({
      kind: z.literal('report'),
      sessions: z.number().int(),
      operations: z.number().int(),
      /** Refused before policies were asked, or recorded with facts that this version has no words for. */
      notJudged: z.number().int(),
      /** Sessions: on resources that are gone, not for the caller to see, or whose recording cannot be read. */
      leftOut: z.object({
        deletedResource: z.number().int(),
        notPermitted: z.number().int(),
        unreadable: z.number().int(),
      }),
      /** The greatest first. */
      changes: z.array(SimulatedChange),
      /** Changes beyond the thousand groups that are told apart. */
      otherChanges: z.number().int(),
    }),
  ])
  .meta({ id: 'SimulationLine' })
export type SimulationLine = z.infer<typeof SimulationLine>

export const policies = {
  current: route({
    method: 'GET',
    path: '/policies',
    auth: 'administer',
    summary: 'The policy set in force',
    answer: json(PolicySet),
    example: { output: { ...set, policies: [file] } },
  }),
  versions: route({
    method: 'GET',
    path: '/policies/versions',
    auth: 'administer',
    summary: 'Every set that was ever in force, newest first',
    answer: json(z.object({ items: z.array(version.meta({ id: 'PolicyVersion' })) })),
    example: { output: { items: [set] } },
  }),
  version: route({
    method: 'GET',
    path: '/policies/versions/{version}',
    auth: 'administer',
    summary: 'One earlier set, whole',
    params: z.strictObject({ version: versionName }),
    answer: json(PolicySet),
    example: { input: { version: '3' }, output: { ...set, policies: [file] } },
  }),
  difference: route({
    method: 'GET',
    path: '/policies/difference',
    auth: 'administer',
    summary: 'What two sets differ in, as a unified diff',
    query: z.strictObject({
      from: versionName,
      /** The set in force where absent. */
      to: versionName.optional(),
    }),
    answer: json(z.object({ from: z.string(), to: z.string(), difference: z.string() })),
    example: {
      input: { from: '2', to: '3' },
      output: {
        from: '2',
        to: '3',
        difference: '--- /dev/null\n+++ b/analysts.cedar\n@@ -0,0 +1,1 @@\n+…\n',
      },
    },
  }),
  rollback: route({
    method: 'POST',
    path: '/policies/rollback',
    auth: 'administer',
    summary: 'Put the policies of an earlier version in force again, as a new version',
    body: z.strictObject({
      version: versionName,
      /** Plan only. */
      dryRun: z.boolean().default(false),
      basedOn: BasedOn.optional(),
      note: Note.optional(),
    }),
    answer: json(Plan),
    example: {
      input: { version: '2', basedOn: '3', note: 'analysts wait' },
      output: {
        plan: [{ action: 'delete', kind: 'Policy', name: 'analysts', changes: [] }],
        basedOn: '3',
        applied: true,
        policyVersion: '4',
        warnings: [],
      },
    },
  }),
  can: route({
    method: 'POST',
    path: '/policies/can',
    auth: 'token',
    forActors: true,
    summary: 'May they do this, and why: by the policies in force; of others than oneself for administrators',
    body: z.strictObject({
      /** `alice`, `user:alice` or `workload:ci-shop`. */
      principal: z.string().min(1).max(128),
      /** What would act for them; they themselves where absent. */
      actor: z
        .strictObject({ kind: z.enum(['user', 'workload', 'agent']), id: z.string().min(1).max(128) })
        .optional(),
      ...inquiry,
    }),
    answer: json(Finding),
    example: { input: { principal: 'alice', action: 'connect', resource: 'orders-db' }, output: finding },
  }),
  whoCan: route({
    method: 'POST',
    path: '/policies/who-can',
    auth: 'administer',
    summary: 'All who may do this, at once or after somebody has approved it',
    body: z.strictObject(inquiry),
    answer: json(z.object({ items: z.array(Finding) })),
    example: { input: { action: 'connect', resource: 'orders-db' }, output: { items: [finding] } },
  }),
  simulate: route({
    method: 'POST',
    path: '/policies/simulate',
    auth: 'administer',
    summary:
      'What other policies would have decided otherwise of recorded operations; audited, changes nothing',
    body: z.strictObject({
      policies: given,
      /** Also without those policies in force that are not among them. */
      prune: z.boolean().default(false),
      /** Seven days ago where absent. */
      since: Time.optional(),
      resource: Name.optional(),
      /** A principal's id or name. */
      principal: z.string().min(1).max(128).optional(),
    }),
    answer: lines(SimulationLine),
    example: {
      input: { policies: [file], since: '2026-01-01T00:00:00Z' },
      output: { kind: 'progress', sessions: 12, operations: 4711 },
    },
  }),
  check: route({
    method: 'POST',
    path: '/policies/check',
    auth: 'token',
    summary:
      'Would these policies stand? Checks them against this gateway’s actions and facts; changes nothing',
    body: z.strictObject({ policies: given }),
    answer: json(z.object({ problems: z.array(PolicyTrouble) })),
    example: { input: { policies: [file] }, output: { problems: [] } },
  }),
  test: route({
    method: 'POST',
    path: '/policies/test',
    auth: 'administer',
    summary: 'Run test cases against the set in force, or against the policies given; changes nothing',
    body: z.strictObject({
      policies: given.optional(),
      /** Case files as written: YAML text. */
      cases: z.array(z.strictObject({ name: z.string().max(200), text: z.string().max(262_144) })).max(200),
    }),
    answer: json(
      z.object({
        passed: z.number().int(),
        failed: z.number().int(),
        results: z.array(
          z
            .object({
              file: z.string(),
              line: z.number().int(),
              name: z.string(),
              passed: z.boolean(),
              /** What was decided; where it failed, what was expected as well. */
              message: z.string(),
            })
            .meta({ id: 'PolicyTestResult' }),
        ),
        /** Mistakes in the case files themselves; each counts as failed. */
        problems: z.array(PolicyTrouble),
      }),
    ),
    example: {
      input: { cases: [{ name: 'analysts.cases.yaml', text: '…' }] },
      output: {
        passed: 1,
        failed: 0,
        results: [
          {
            file: 'analysts.cases.yaml',
            line: 3,
            name: 'analysts read',
            passed: true,
            message: 'allowed by analysts',
          },
        ],
        problems: [],
      },
    },
  }),
}
