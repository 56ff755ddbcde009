import { z } from 'zod'

/** Resource, credential, policy, pool: lower case, digits and dashes, so that it is safe in a user name, a path and a file name. */
export const Name = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'use 1 to 63 lower-case letters, digits and dashes')

/** A person's log-in name. */
export const UserName = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/,
    'use 1 to 63 lower-case letters, digits, dots, dashes and underscores',
  )

export const GroupName = z
  .string()
  .regex(
    /^[A-Za-z0-9]([A-Za-z0-9._:-]{0,126}[A-Za-z0-9])?$/,
    'use 1 to 128 letters, digits, dots, dashes, colons and underscores',
  )

/** A claim of a token by its name, or by a JSON Pointer to one further down: `/realm_access/roles`. RFC 6901 */
export const ClaimPath = z.string().regex(/^[^\p{Cc}]{1,200}$/u, 'use 1 to 200 characters')

/** ISO 8601, UTC. */
export const Time = z.iso.datetime()

/** Access and join tokens live an hour at most. */
export const maxTokenSeconds = 3600

export const TokenSeconds = z.number().int().min(60).max(maxTokenSeconds).default(maxTokenSeconds)

/** So many approvals by different people, each in any of these groups. */
export const ReviewNeed = z
  .object({ groups: z.array(z.string()), approvals: z.number().int() })
  .meta({ id: 'ReviewNeed' })

export const Password = z
  .string()
  .min(12, 'use 12 characters or more')
  .max(256, 'use 256 characters or fewer')

/** An id minted by the gateway, such as `ses_01J…`. */
export const Id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'that is no id')

/** A list's length: newest first. */
export const Limit = z.coerce.number().int().min(1).max(500).default(50)

/** A truth in a query string: `true` or `false`. */
export const Flag = z.union([z.boolean(), z.stringbool()]).default(false)

export const Person = z
  .object({
    kind: z.enum(['user', 'workload', 'agent']),
    id: z.string(),
    name: z.string(),
  })
  .meta({ id: 'Person' })

/** Who acts, and who acted before and had them act, the latest first. */
export const Actor = Person.extend({ via: z.array(Person).optional() }).meta({ id: 'Actor' })

/** Of each, in one restriction. */
const maxNamed = 50
const named = z
  .array(z.string().regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,128}$/u, 'use 1 to 128 characters'))
  .min(1)
  .max(maxNamed)

/** What a delegated token is narrowed to: all that is there must hold. */
export const Restriction = z
  .strictObject({
    resources: z.array(Name).min(1).max(maxNamed).optional(),
    accounts: named.optional(),
    /** Actions and groups of actions, as policies name them, and `unmask`. */
    actions: named.optional(),
    /** What somebody would have to approve is denied. */
    asksNobody: z.literal(true).optional(),
  })
  .meta({ id: 'Restriction' })

/** What webhooks may be told of. */
export const WebhookEvent = z.enum([
  'review-asked',
  'review-answered',
  'review-ended',
  'access-requested',
  'access-answered',
  'access-granted',
  'access-denied',
  'access-request-ended',
  'grant-ended',
  'break-glass',
  'break-glass-reviewed',
  'session-refused',
])
