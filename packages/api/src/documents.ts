import { z } from 'zod'
import { GroupName, Name, UserName, WebhookEvent } from './fields.ts'
import { MaskingDeclaration } from './masking.ts'

/** What may be declared in files and applied. One YAML document each, told apart by `kind`. */

const credential = z.discriminatedUnion('from', [
  z.strictObject({ from: z.literal('sealed'), name: Name }),
  z.strictObject({ from: z.literal('environment'), variable: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/) }),
  z.strictObject({ from: z.literal('file'), path: z.string().startsWith('/', 'give an absolute path') }),
  z.strictObject({ from: z.literal('agent'), name: Name }),
  z.strictObject({ from: z.literal('none') }),
])

const ownSecret = z.discriminatedUnion('from', [
  z.strictObject({ from: z.literal('sealed'), name: Name }),
  z.strictObject({ from: z.literal('environment'), variable: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/) }),
  z.strictObject({ from: z.literal('file'), path: z.string().startsWith('/', 'give an absolute path') }),
])

export const ResourceDocument = z
  .strictObject({
    kind: z.literal('Resource'),
    name: Name,
    protocol: z.string().min(1),
    host: z.string().min(1).max(253),
    /** The protocol's own where absent. */
    port: z.number().int().min(1).max(65535).optional(),
    /** The pool of agents that can reach it. */
    agent: Name,
    labels: z.record(z.string().min(1).max(63), z.string().max(253)).default({}),
    accounts: z
      .array(z.strictObject({ name: z.string().min(1).max(63), credential }))
      .min(1)
      .max(50)
      .refine((all) => new Set(all.map((a) => a.name)).size === all.length, 'account names must differ'),
    masking: MaskingDeclaration.prefault({}),
    recording: z.enum(['batched', 'strict']).default('batched'),
    /** What its protocol alone understands. */
    options: z.record(z.string(), z.unknown()).default({}),
  })
  .meta({ id: 'ResourceDocument' })
export type ResourceDocument = z.output<typeof ResourceDocument>

export const PolicyDocument = z
  .strictObject({
    kind: z.literal('Policy'),
    name: Name,
    /** Cedar. */
    text: z.string().max(262_144),
  })
  .meta({ id: 'PolicyDocument' })
export type PolicyDocument = z.output<typeof PolicyDocument>

export const CredentialDocument = z
  .strictObject({
    kind: z.literal('Credential'),
    name: Name,
    /** The user to log in as; the account's own name where absent. */
    user: z.string().min(1).max(63).optional(),
    /** Sealed on arrival, never shown again. */
    password: z.string().min(1).max(4096),
  })
  .meta({ id: 'CredentialDocument' })
export type CredentialDocument = z.output<typeof CredentialDocument>

export const UserDocument = z
  .strictObject({
    kind: z.literal('User'),
    name: UserName,
    groups: z.array(GroupName).max(100).default([]),
  })
  .meta({ id: 'UserDocument' })
export type UserDocument = z.output<typeof UserDocument>

export const WebhookDocument = z
  .strictObject({
    kind: z.literal('Webhook'),
    name: Name,
    /** An address, or where it is: those of chat services are themselves secrets. */
    url: z.union([z.url({ protocol: /^https?$/, error: 'use an address of https' }).max(2048), ownSecret]),
    events: z
      .array(WebhookEvent)
      .min(1)
      .default([...WebhookEvent.options]),
    form: z.enum(['json', 'slack', 'teams']).default('json'),
    /** What its messages are signed with; chat services look at no signature. */
    secret: ownSecret.optional(),
    /** Of statements that wait for a review: the first 2000 characters, or nothing. */
    statements: z.enum(['shortened', 'none']).default('shortened'),
    allow: z
      .strictObject({
        http: z.boolean().default(false),
        /** Addresses of this machine and of private networks. */
        private: z.boolean().default(false),
      })
      .prefault({}),
  })
  .refine(({ form, secret }) => form !== 'json' || secret !== undefined, {
    path: ['secret'],
    message: 'messages of form json are signed: say where the secret is',
  })
  .refine(({ url, allow }) => typeof url !== 'string' || allow.http || url.startsWith('https:'), {
    path: ['url'],
    message: 'use https, or set allow.http',
  })
  .meta({ id: 'WebhookDocument' })
export type WebhookDocument = z.output<typeof WebhookDocument>

export const Document = z
  .discriminatedUnion('kind', [
    ResourceDocument,
    PolicyDocument,
    CredentialDocument,
    UserDocument,
    WebhookDocument,
  ])
  .meta({ id: 'Document' })
export type Document = z.output<typeof Document>
export type DocumentInput = z.input<typeof Document>
export type DocumentKind = Document['kind']
