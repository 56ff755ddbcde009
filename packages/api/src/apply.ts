import { z } from 'zod'
import { Document } from './documents.ts'
import { json, route } from './route.ts'

/** One thing that applying would change, or has changed. Secrets show as `[sealed]`. */
export const Change = z
  .object({
    action: z.enum(['create', 'update', 'delete', 'unchanged']),
    kind: z.enum(['Resource', 'Policy', 'Credential', 'User', 'Webhook', 'Issuer']),
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
    /** The policy set that it was made for: pass it on, and nothing is done where another is in force by then. */
    basedOn: z.string(),
    /** False for a dry run, and where there was nothing to do. */
    applied: z.boolean(),
    /** The policy set in force afterwards. */
    policyVersion: z.string(),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'Plan' })
export type Plan = z.infer<typeof Plan>

/** Why, for the history of the policies. */
export const Note = z
  .string()
  .max(300)
  .regex(/^[^\p{Cc}\p{Cf}\u2028\u2029]*$/u, 'use one line of text')

/** `basedOn` of a plan. */
export const BasedOn = z.string().regex(/^\d{1,9}$/)

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
      basedOn: BasedOn.optional(),
      note: Note.optional(),
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
        basedOn: '3',
        applied: false,
        policyVersion: '3',
        warnings: [],
      },
    },
  }),
}
