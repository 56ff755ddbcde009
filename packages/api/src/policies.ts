import { z } from 'zod'
import { BasedOn, Note, Plan } from './apply.ts'
import { Name, Time } from './fields.ts'
import { json, route } from './route.ts'

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

const given = z.array(z.strictObject({ name: Name, text: z.string().max(262_144) })).max(500)
const set = { version: '3', by: 'user:alice', at: '2026-01-01T00:00:00Z', note: 'analysts may read' }
const versionName = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/)
const file = {
  name: 'analysts',
  text: 'permit (principal in Group::"analysts", action in Action::"read", resource);',
}

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
