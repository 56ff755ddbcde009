import { z } from 'zod'
import { Flag, Id, Name, ReviewNeed, Time } from './fields.ts'
import { json, route } from './route.ts'

/** Stand-ins in a hint, for what only the caller knows. See {@link fillHint}. */
export const tokenPlaceholder = '<token>'
export const caFilePlaceholder = '<ca-file>'
export const filePlaceholder = (name: string): string => `<file:${name}>`

/** How a native client connects. */
export const ConnectHint = z
  .object({
    client: z.string(),
    command: z.array(z.string()),
    environment: z.record(z.string(), z.string()),
    /** Files that it needs; `<file:NAME>` stands where the path of one goes. There is no secret in them. */
    files: z
      .array(
        z.object({
          name: z.string().regex(/^\w+$/),
          content: z.string(),
          /** It is run. */
          isProgram: z.boolean(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'ConnectHint' })
export type ConnectHint = z.infer<typeof ConnectHint>

/** What only the caller knows: a token, a file of trusted certificates (PEM), and where the hint's own files are. */
export interface OwnParts {
  readonly token: string
  readonly caFile: string
  readonly fileAt: (name: string) => string
}

/** The hint with the caller's own parts in place. */
export function fillHint(hint: ConnectHint, mine: OwnParts): ConnectHint {
  const fill = (text: string): string =>
    text
      .replaceAll(tokenPlaceholder, mine.token)
      .replaceAll(caFilePlaceholder, mine.caFile)
      .replaceAll(/<file:(\w+)>/g, (_, name: string) => mine.fileAt(name))
  return {
    ...hint,
    command: hint.command.map(fill),
    environment: Object.fromEntries(Object.entries(hint.environment).map(([k, v]) => [k, fill(v)])),
  }
}

/** An account under which the caller may connect. */
const AccountView = z
  .object({
    name: z.string(),
    hints: z.array(ConnectHint),
    /** What the caller may connect by, where policy asks for a grant. */
    grant: z.object({ id: Id, endsAt: Time }).optional(),
  })
  .meta({ id: 'AccountView' })

/** An account that the caller may ask for. */
const RequestableAccount = z
  .object({
    name: z.string(),
    maxSeconds: z.number().int(),
    reviewers: z.array(z.string()),
    approvalsNeeded: z.number().int(),
    needs: z.array(ReviewNeed),
    /** The policy's own words. */
    reason: z.string().optional(),
    /** May the caller take it at once, to be reviewed afterwards? */
    mayBreakGlass: z.boolean(),
  })
  .meta({ id: 'RequestableAccount' })

export const ResourceView = z
  .object({
    name: Name,
    protocol: z.string(),
    labels: z.record(z.string(), z.string()),
    /** Those under which the caller may connect just now. */
    accounts: z.array(AccountView),
    /** Those that the caller may ask for, granted ones included. */
    mayRequest: z.array(RequestableAccount),
    /** Where clients reach it: this gateway's listener for the protocol. */
    endpoint: z.object({ host: z.string(), port: z.number().int() }),
    /** Agents attached to its pool just now: with none, a connection fails. */
    agents: z.number().int(),
    /** Tags whose values the caller sees masked. */
    maskedTags: z.array(z.string()),
  })
  .meta({ id: 'ResourceView' })
export type ResourceView = z.infer<typeof ResourceView>

/** What speaks for a tag of one column: counts, never a value. */
const TagSuggestion = z
  .object({
    /** `schema.table.column`. */
    column: z.string(),
    tag: z.string(),
    /** Values that were looked at: NULL is none. */
    values: z.number().int(),
    /** In how many of them a detector found something. */
    found: z.number().int(),
    /** Whether the column is called so. */
    byName: z.boolean(),
    /** Whether the resource's declaration says so already. */
    isDeclared: z.boolean(),
  })
  .meta({ id: 'TagSuggestion' })

const resource: ResourceView = {
  name: 'orders-db',
  protocol: 'postgres',
  labels: { env: 'production' },
  accounts: [
    {
      name: 'app_ro',
      hints: [
        {
          client: 'psql',
          command: ['psql'],
          environment: { PGHOST: 'gateway.example', PGUSER: 'orders-db', PGPASSWORD: tokenPlaceholder },
        },
      ],
    },
  ],
  mayRequest: [
    {
      name: 'app_rw',
      maxSeconds: 14_400,
      reviewers: ['dba'],
      approvalsNeeded: 1,
      needs: [{ groups: ['dba'], approvals: 1 }],
      mayBreakGlass: false,
    },
  ],
  endpoint: { host: 'gateway.example', port: 15432 },
  agents: 2,
  maskedTags: ['pii.email'],
}

export const resources = {
  list: route({
    method: 'GET',
    path: '/resources',
    auth: 'token',
    forActors: true,
    summary: 'What I may reach or ask for, and how; with all, every resource (administrators)',
    query: z.strictObject({ all: Flag }),
    answer: json(z.object({ items: z.array(ResourceView) })),
    example: { output: { items: [resource] } },
  }),
  get: route({
    method: 'GET',
    path: '/resources/{name}',
    auth: 'token',
    forActors: true,
    summary: 'One resource that I may reach or ask for; any other does not exist for me',
    params: z.strictObject({ name: Name }),
    answer: json(ResourceView),
    example: { input: { name: 'orders-db' }, output: resource },
  }),
  suggestTags: route({
    method: 'POST',
    path: '/resources/{name}/tag-suggestions',
    auth: 'administer',
    summary: 'Sample the tables of a resource, reading only, and propose tags for their columns',
    params: z.strictObject({ name: Name }),
    body: z.strictObject({
      /** The first where absent. */
      account: z.string().min(1).max(63).optional(),
      /** The resource's default where absent. */
      database: z.string().min(1).max(63).optional(),
      /** All where absent. */
      schema: z.string().min(1).max(63).optional(),
      /** Rows of each table. */
      rows: z.number().int().min(1).max(5_000).default(1_000),
    }),
    answer: json(
      z.object({
        items: z.array(TagSuggestion),
        /** How many tables were looked at. */
        tables: z.number().int(),
        /** Tables that could not be read, or for which no time was left. */
        leftOut: z.array(z.string()),
      }),
    ),
    example: {
      input: { name: 'orders-db', rows: 1_000 },
      output: {
        items: [
          {
            column: 'public.customers.email',
            tag: 'pii.email',
            values: 997,
            found: 997,
            byName: true,
            isDeclared: false,
          },
        ],
        tables: 12,
        leftOut: [],
      },
    },
  }),
}
