import { z } from 'zod'
import { secretReference } from './secret-reference.ts'

/** Over TLS that is verified; without it only on this very machine, where an agent of the store's own may listen. */
const storeAddress = z
  .url({ protocol: /^https?$/, error: 'use an address of https' })
  .refine((url) => /^https?:\/\/[^/?#@]+\/?$/.test(url), 'leave out user, path and query')
  .refine(
    (url) => url.startsWith('https:') || /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:|\/|$)/.test(url),
    'use https: plain http is for this machine alone',
  )

const mount = (fallback: string) =>
  z
    .string()
    .regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/, 'use letters, digits, _ - and single slashes')
    .default(fallback)

const kubernetesToken = '/var/run/secrets/kubernetes.io/serviceaccount/token'

const vaultStore = z.strictObject({
  kind: z.literal('vault'),
  address: storeAddress,
  /** PEM file, where the system does not know who signs its certificate. */
  certificateAuthority: z.string().optional(),
  /** Of Vault Enterprise or HCP. */
  namespace: z.string().min(1).max(512).optional(),
  auth: z.discriminatedUnion('method', [
    z.strictObject({ method: z.literal('token'), token: secretReference }),
    z.strictObject({
      method: z.literal('approle'),
      mount: mount('approle'),
      roleId: z.string().min(1),
      secretId: secretReference,
    }),
    z.strictObject({
      method: z.literal('kubernetes'),
      mount: mount('kubernetes'),
      role: z.string().min(1),
      token: secretReference.default(`file:${kubernetesToken}`),
    }),
    z.strictObject({
      method: z.literal('jwt'),
      mount: mount('jwt'),
      role: z.string().min(1),
      token: secretReference,
    }),
  ]),
})

const awsStore = z.strictObject({
  kind: z.literal('aws'),
  region: z.string().regex(/^[a-z]{2,}(-[a-z0-9]+)+$/, 'use a region such as eu-central-1'),
  /** Of Secrets Manager, where it is not the region's public one. */
  endpoint: storeAddress.optional(),
  /** Where the gateway's own credentials come from. Nothing else is asked, the metadata address of the machine least of all. */
  credentials: z
    .discriminatedUnion('from', [
      z.strictObject({ from: z.literal('environment') }),
      z.strictObject({ from: z.literal('profile'), profile: z.string().min(1).default('default') }),
      z.strictObject({ from: z.literal('web-identity') }),
      z.strictObject({ from: z.literal('container') }),
      z.strictObject({ from: z.literal('instance') }),
    ])
    .prefault({ from: 'environment' }),
})

/** Where targets' credentials may come from beside the gateway's own store, by the name that accounts give. */
export const storesSchema = z
  .record(
    z.string().regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'use small letters, digits and -'),
    z.discriminatedUnion('kind', [vaultStore, awsStore]),
  )
  .default({})

export type StoreConfig = z.output<typeof storesSchema>[string]
