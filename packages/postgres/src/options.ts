import { z } from 'zod'

/** What a resource of this kind may say beyond address, accounts and masking. */
const schema = z.strictObject({
  /** Database for clients that name none (libpq then sends the user name, which here is the resource's). */
  database: z.string().min(1).max(63).optional(),
  tls: z
    .strictObject({
      /** `verify-full` by default; `disable` sends data through the agent in clear, which is for targets on its own machine. */
      mode: z.enum(['verify-full', 'require', 'disable']).default('verify-full'),
      /** PEM of the authority that signed the target's certificate; the system's where absent. */
      ca: z.string().startsWith('-----BEGIN CERTIFICATE-----').optional(),
      /** The name that its certificate must have, where it is not the resource's host. */
      servername: z.string().min(1).optional(),
    })
    .prefault({}),
})

export type PostgresOptions = z.infer<typeof schema>

/** @throws an Error that names the wrong key */
export function parseOptions(value: unknown): PostgresOptions {
  const parsed = schema.safeParse(value ?? {})
  if (parsed.success) return parsed.data
  throw new TypeError(
    parsed.error.issues.map((issue) => `options.${issue.path.join('.')}: ${issue.message}`).join('; '),
  )
}
