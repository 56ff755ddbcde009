import { z } from 'zod'
import { Name } from './fields.ts'

/** How each kind of credential source is declared: `credential` of an account. */

/** As a target calls a role or user. */
export const accountName = z.string().min(1).max(63)

/** Below an engine of Vault's; nothing in it leads elsewhere. */
const vaultPath = z
  .string()
  .max(512)
  .regex(/^[A-Za-z0-9_.@-]+(\/[A-Za-z0-9_.@-]+)*$/, 'use letters, digits, _ . @ - and single slashes')
  .refine((path) => !path.split('/').some((part) => part === '.' || part === '..'), 'leave out . and ..')

const sealed = z.strictObject({ from: z.literal('sealed'), name: Name })
const environment = z.strictObject({
  from: z.literal('environment'),
  variable: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/),
})
const file = z.strictObject({
  from: z.literal('file'),
  path: z.string().startsWith('/', 'give an absolute path'),
})

/** What the gateway opens by itself, for its own use too. */
export const ownSecret = z.discriminatedUnion('from', [sealed, environment, file])

/** What makes nothing that would have to be undone. */
const lasting = [
  sealed,
  environment,
  file,
  z.strictObject({ from: z.literal('agent'), name: Name }),
  z.strictObject({ from: z.literal('certificate') }),
  z.strictObject({
    from: z.literal('vault'),
    store: Name.default('vault'),
    mount: vaultPath.default('secret'),
    path: vaultPath,
    field: z.string().min(1).max(255).default('password'),
    version: z.number().int().min(1).optional(),
  }),
  z.strictObject({
    from: z.literal('aws-secret'),
    store: Name.default('aws'),
    /** Name or ARN. */
    secret: z.string().min(1).max(2048),
    key: z.string().min(1).max(255).optional(),
    stage: z.string().min(1).max(256).optional(),
  }),
  z.strictObject({
    from: z.literal('rds-iam'),
    store: Name.default('aws'),
    region: z
      .string()
      .regex(/^[a-z]{2,}(-[a-z0-9]+)+$/, 'use a region such as eu-central-1')
      .optional(),
    host: z.string().min(1).max(253).optional(),
  }),
  z.strictObject({ from: z.literal('none') }),
] as const

export const credentialSource = z.discriminatedUnion('from', [
  ...lasting,
  z.strictObject({
    from: z.literal('vault-database'),
    store: Name.default('vault'),
    mount: vaultPath.default('database'),
    role: vaultPath,
  }),
  z.strictObject({
    from: z.literal('ephemeral-role'),
    /** The role of the target that makes and drops it. */
    via: z.strictObject({ name: accountName, credential: z.discriminatedUnion('from', lasting) }),
  }),
])
