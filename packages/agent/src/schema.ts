import { hostname } from 'node:os'
import { isName, parseJoinToken } from '@sallyport/tunnel'
import { z } from 'zod'
import { parseAllowPattern } from './allowlist.ts'
import { parseSecretReference } from './credentials.ts'

const gatewayAddress = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)(:\d{1,5})?$/, 'use host:port')
  .refine((text) => !(Number(/:(\d+)$/.exec(text)?.[1] ?? 1) > 65_535), 'a port is at most 65535')
  .transform((text) => (/\]$|^[^:]+$/.test(text) ? `${text}:${defaultPort}` : text))

const name = z.string().refine(isName, 'use letters, digits, dots, dashes and underscores, at most 63')

/** The agent's whole configuration. */
export const configSchema = z.strictObject({
  /** `host:port` of each gateway to attach to. They share one certificate authority. */
  gateways: z.preprocess(
    (value) => (typeof value === 'string' ? [value] : value),
    z.array(gatewayAddress).min(1).max(16),
  ),
  /** A join token, for the first start. Not needed once the agent is enrolled. */
  token: z
    .string()
    .transform((text, context) => {
      const token = parseJoinToken(text)
      if (token !== undefined) return token
      // The text is not repeated: it may be a secret of another kind.
      context.addIssue({ code: 'custom', message: 'this is not a whole join token: they look like spj_….…' })
      return z.NEVER
    })
    .optional(),
  /** A file with the join token. */
  tokenFile: z.string().min(1).optional(),
  /** What people call this agent. */
  name: name.default(() => ownName()),
  /** Holds the agent's key and certificate. */
  stateDirectory: z.string().min(1).default('./sallyport-agent'),
  /** What may be dialled; without it, everything but this machine and its network's own services. */
  allow: z
    .array(
      z.string().transform((text, context) => {
        const pattern = parseAllowPattern(text)
        if (pattern !== undefined) return pattern
        context.addIssue({
          code: 'custom',
          message: 'use host:port, *.domain:port, address:port or range/bits:port',
        })
        return z.NEVER
      }),
    )
    .optional(),
  /** Credentials of targets that this agent holds, each for the resources that it names. */
  credentials: z
    .array(
      z.strictObject({
        name,
        resources: z.array(z.string().min(1)).min(1),
        user: z.string().min(1),
        password: z
          .string()
          .transform((text, context) => {
            const reference = parseSecretReference(text)
            if (reference !== undefined) return reference
            context.addIssue({
              code: 'custom',
              message: 'secrets stand elsewhere: use file:PATH or env:NAME',
            })
            return z.NEVER
          })
          .optional(),
      }),
    )
    .default([]),
  /** How long connections may go on once the agent was told to stop. */
  drainMs: z.number().int().min(0).max(3_600_000).default(30_000),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
    })
    .prefault({}),
})

export type AgentConfig = Readonly<z.output<typeof configSchema>>

function ownName(): string {
  const host = hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 63)
  return isName(host) ? host : 'agent'
}

const defaultPort = 8444
