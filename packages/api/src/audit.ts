import { z } from 'zod'
import { Flag, Limit, Time } from './fields.ts'
import { json, lines, route } from './route.ts'

const about = {
  /** What it is about; absent in entries of gateways that did not say it yet. */
  kind: z.string().optional(),
  /** Principal id, also with who acts for it; `scim:TOKEN-ID` of a connector; `system` for the gateway itself. */
  by: z.string(),
  /** Whose doing it is, or whom it is about. */
  principal: z.string().optional(),
  /** What acts for the principal. */
  actor: z.string().optional(),
  /** From where. */
  address: z.string().optional(),
  why: z.string(),
  /** What was changed, in words. */
  changes: z.array(z.string()),
}

const AuditEntry = z.object({ sequence: z.number().int(), at: Time, ...about }).meta({ id: 'AuditEntry' })

/** As it is chained: by these very values its hash is made. */
const ChainedAuditEntry = z
  .object({
    seq: z.number().int(),
    /** Milliseconds since 1970. */
    at: z.number().int(),
    kind: z.string().nullable(),
    by: z.string(),
    principal: z.string().nullable(),
    actor: z.string().nullable(),
    address: z.string().nullable(),
    why: z.string(),
    changes: z.array(z.string()),
    /** The hash of the entry before; 64 zeros for the first. */
    previous: z.string(),
    hash: z.string(),
  })
  .meta({ id: 'ChainedAuditEntry' })

const AuditVerification = z
  .object({
    sound: z.boolean(),
    entries: z.number().int().optional(),
    /** The last entry's hash: note it elsewhere. */
    head: z.string().optional(),
    /** The first entry that does not follow. */
    brokenAt: z.number().int().optional(),
  })
  .meta({ id: 'AuditVerification' })

const genesis = '0'.repeat(64)
const entry = {
  kind: 'policy',
  by: 'user:alice',
  principal: 'user:alice',
  address: '10.0.0.7',
  why: 'apply',
  changes: ['policies: version 3'],
} as const

export const audit = {
  list: route({
    method: 'GET',
    path: '/audit',
    auth: 'administer',
    summary: 'Changes to the gateway itself, and who came in or did not, newest first',
    query: z.strictObject({ limit: Limit }),
    answer: json(z.object({ items: z.array(AuditEntry) })),
    example: { output: { items: [{ sequence: 7, at: '2026-01-01T00:00:00Z', ...entry }] } },
  }),
  export: route({
    method: 'GET',
    path: '/audit/export',
    auth: 'administer',
    summary:
      'The audit log as it is chained, oldest first, one entry a line; with follow, also what comes from now on',
    query: z.strictObject({
      /** The first entry wanted. */
      from: z.coerce.number().int().min(1).default(1),
      follow: Flag,
    }),
    answer: lines(ChainedAuditEntry),
    example: {
      input: { from: 7 },
      output: {
        seq: 7,
        at: 1_767_225_600_000,
        ...entry,
        actor: null,
        previous: genesis,
        hash: '5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03',
      },
    },
  }),
  verify: route({
    method: 'GET',
    path: '/audit/verify',
    auth: 'administer',
    summary: 'Whether each entry of the audit log follows from the one before',
    answer: json(AuditVerification),
    example: { output: { sound: true, entries: 7, head: genesis } },
  }),
}
