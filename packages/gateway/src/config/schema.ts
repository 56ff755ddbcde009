import { z } from 'zod'
import { auditSchema } from './audit-schema.ts'
import { samlSchema } from './saml.ts'
import { secretReference } from './secret-reference.ts'
import { storesSchema } from './stores.ts'

/** What the configuration needs to know of a protocol. */
export interface Listening {
  readonly name: string
  readonly listenPort: number
}

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** `host:port` or a bare port. IPv6 addresses stand in brackets. Port 0 takes any free one. */
function listenAddress(port: number, host = '0.0.0.0') {
  return z
    .union([z.number().int(), z.string()], addressForm)
    .default(`${host}:${port}`)
    .transform((value, context): ListenAddress => {
      const address = addressOf(value, host)
      if (address !== undefined) return address
      context.addIssue({ code: 'custom', message: addressForm })
      return z.NEVER
    })
}

/** The same, or `off`. */
function optionalAddress(port: number, host?: string) {
  return z.union([z.literal('off'), listenAddress(port, host)], `${addressForm}, or off`)
}

function addressOf(value: number | string, defaultHost: string): ListenAddress | undefined {
  const parts = /^(?:(?<host>\[[0-9a-fA-F:.]+\]|[^:[\]\s]+):)?(?<port>\d{1,5})$/.exec(String(value))?.groups
  const port = Number(parts?.['port'] ?? Number.NaN)
  if (!(port <= 65_535)) return undefined
  return { host: parts?.['host']?.replace(/^\[|\]$/g, '') ?? defaultHost, port }
}

const addressForm = 'use host:port or a port'

const milliseconds = (fallback: number, max: number) => z.number().int().min(0).max(max).default(fallback)
const count = (fallback: number) => z.number().int().min(1).default(fallback)

/** The gateway's whole configuration. A protocol adds its listener by its own name. */
export function configSchema(protocols: readonly Listening[]) {
  return z
    .strictObject({
      /** Holds the store, the recordings, and, unless told otherwise, the key that seals them. */
      dataDirectory: z.string().min(1).default('./sallyport-data'),
      /** The name by which clients and agents reach this gateway. */
      publicHost: z
        .string()
        .regex(/^[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?$/, 'use a host name or an address, without a port')
        .default('localhost'),
      /** 32 bytes, base64 or hex. A file of its own in the data directory where absent. */
      masterKey: secretReference.optional(),
      /** The one before, for one start: what is sealed under it is sealed anew under `masterKey`. */
      previousMasterKey: secretReference.optional(),
      listen: z
        .strictObject({
          api: listenAddress(8443),
          agents: listenAddress(8444),
          metrics: optionalAddress(9464, '127.0.0.1'),
          ...Object.fromEntries(protocols.map(({ name, listenPort }) => [name, optionalAddress(listenPort)])),
        })
        .prefault({}),
      tls: z
        .strictObject({
          /** Further names in the certificate that the gateway signs for itself. */
          names: z.array(z.string().min(1)).default([]),
          /** Files of your own certificate (with its chain) and key, PEM, in place of ours. */
          certificate: z.string().optional(),
          key: z.string().optional(),
        })
        .refine((it) => (it.certificate === undefined) === (it.key === undefined), {
          message: 'certificate and key go together',
        })
        .prefault({}),
      /** The company's OpenID provider, where people sign in. Without it they do with a password of their own here. */
      oidc: z
        .strictObject({
          /** As it calls itself, to the letter. */
          issuer: z.url({ protocol: /^https$/, error: 'use an address of https' }),
          clientId: z.string().min(1),
          clientSecret: z
            .string()
            .regex(
              /^(file:.+|env:[A-Za-z_][A-Za-z0-9_]*|sealed:[a-z0-9-]+)$/,
              'secrets stand elsewhere: use file:PATH, env:NAME or sealed:NAME',
            ),
          clientAuthentication: z
            .enum(['client_secret_basic', 'client_secret_post'])
            .default('client_secret_basic'),
          /** What people know it by: it stands on the button. */
          name: z.string().min(1).max(60).default('your company’s account'),
          scopes: z.array(z.string().min(1)).default(['openid', 'profile']),
          /** Of the ID token, or of what userinfo says: a name, or a JSON Pointer. */
          groupsClaim: z.string().min(1).default('groups'),
          nameClaim: z.string().min(1).default('preferred_username'),
          /** Of the ID token: by which people are known. */
          subjectClaim: z.string().min(1).default('sub'),
          /** By which claim of the ID token it says what class a sign-in is of. */
          acrClaim: z.string().min(1).default('acr'),
          /** The only classes of sign-ins that it is asked for and that are taken over. */
          acrValues: z
            .array(z.string().regex(/^[\x21-\x7e]{1,255}$/, 'use a word without spaces'))
            .optional(),
          /** The only groups that are taken over. */
          onlyGroups: z.array(z.string().min(1)).optional(),
          /** Further parameters of the request to sign in. */
          parameters: z.record(z.string(), z.string()).default({}),
          /** PEM file, where the system does not know who signs the provider's certificate. */
          certificateAuthority: z.string().optional(),
          /** Who may still sign in with a password: members of `administrators`, for when the provider fails. */
          localUsers: z.enum(['administrators', 'everybody', 'nobody']).default('administrators'),
        })
        .refine(({ scopes }) => scopes.includes('openid'), { path: ['scopes'], message: 'openid is needed' })
        .optional(),
      /** For clients that sign in by OAuth alone, with no software of ours: `psql` 18. */
      oauth: z
        .strictObject({
          /** Who may begin a sign-in: the name stands on the page where a person lets it in. None has a secret. */
          clients: z
            .array(
              z
                .string()
                .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/, 'use letters, digits, . _ - , 40 at most'),
            )
            .max(100)
            .default(['psql']),
        })
        .prefault({}),
      /** The company's SAML 2.0 identity provider, beside the OpenID provider or instead of it. */
      saml: samlSchema.optional(),
      /** Where the audit log goes besides the store. */
      audit: auditSchema.optional(),
      /** What the provider's SCIM connector may say of people and groups. Without it there is no such endpoint. */
      scim: z
        .strictObject({
          /** Which attribute has what the provider calls somebody in a sign-in: `oidc.subjectClaim`. */
          subject: z.enum(['externalId', 'userName']).default('externalId'),
          /** Whether it says what groups its people are in; their tokens do not, then. */
          groups: z.boolean().default(true),
          /** Whether it may make administrators of the gateway. */
          administrators: z.boolean().default(false),
        })
        .optional(),
      /** HashiCorp Vault and AWS, where accounts of resources take their credentials from. */
      stores: storesSchema,
      limits: z
        .strictObject({
          /** Client connections over all protocols. */
          connections: count(5000),
          /** Of those, from one address, before they have logged in. */
          connectionsBeforeLogin: count(100),
          requestsPerMinute: count(1200),
          /** Log-ins and set-ups from one address. */
          signInsPerMinute: count(30),
          /** Of one connector. Entra ID asks for 25 a second. */
          scimRequestsPerMinute: count(3000),
        })
        .prefault({}),
      /** How many processes carry the traffic. With one, it is the gateway's own. */
      processes: z.number().int().min(1).max(64).default(1),
      /** How long sessions may go on once the gateway was told to stop. */
      drainMs: milliseconds(30_000, 3_600_000),
      log: z
        .strictObject({
          level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
          /** `auto`: text on a terminal, JSON elsewhere. */
          format: z.enum(['auto', 'json', 'text']).default('auto'),
        })
        .prefault({}),
    })
    .refine(({ oidc, saml, scim }) => scim === undefined || oidc !== undefined || saml !== undefined, {
      path: ['scim'],
      message: 'it keeps the people of a provider: set oidc or saml as well',
    })
    .refine(({ oidc, saml }) => oidc === undefined || oidc.issuer !== saml?.issuer, {
      path: ['saml', 'issuer'],
      message: 'it is that of oidc too, so that it could not be told whom each of them means',
    })
}

/** Frozen; relative paths are against the folder that the gateway was started in. */
export type Config = Omit<z.output<ReturnType<typeof configSchema>>, 'listen'> & {
  /** `api`, `agents`, `metrics`, and each protocol's name. */
  readonly listen: Readonly<Record<string, ListenAddress | 'off'>> & {
    readonly api: ListenAddress
    readonly agents: ListenAddress
    readonly metrics: ListenAddress | 'off'
  }
}
