import { z } from 'zod'
import { Document } from './documents.ts'
import { json, route } from './route.ts'

/** One thing that applying would change, or has changed. Secrets show as `[sealed]`. */
export const Change = z
  .object({
    action: z.enum(['create', 'update', 'delete', 'unchanged']),
    kind: z.enum(['Resource', 'Policy', 'Credential', 'User']),
    name: z.string(),
    changes: z.array(
      z.object({ path: z.string(), from: z.unknown().optional(), to: z.unknown().optional() }),
    ),
  })
  .meta({ id: 'Change' })
export type Change = z.infer<typeof Change>

export const Plan = z
  .object({
    plan: z.array(Change),
    /** False for a dry run, and where there was nothing to do. */
    applied: z.boolean(),
    /** The policy set in force afterwards. */
    policyVersion: z.string(),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'Plan' })
export type Plan = z.infer<typeof Plan>

export const apply = {
  documents: route({
    method: 'POST',
    path: '/apply',
    auth: 'administer',
    summary: 'Make it so: all of the documents or none; the same documents again change nothing',
    body: z.strictObject({
      documents: z.array(Document).max(2000),
      /** Plan only. */
      dryRun: z.boolean().default(false),
      /** Also delete what is not among the documents, for the kinds that occur among them; never users. */
      prune: z.boolean().default(false),
    }),
    answer: json(Plan),
    example: {
      input: {
        documents: [{ kind: 'User', name: 'bob', groups: ['dba'] }],
        dryRun: true,
      },
      output: {
        plan: [
          {
            action: 'update',
            kind: 'User',
            name: 'bob',
            changes: [{ path: 'groups', from: [], to: ['dba'] }],
          },
        ],
        applied: false,
        policyVersion: '3',
        warnings: [],
      },
    },
  }),
}
