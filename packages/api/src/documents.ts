import { z } from 'zod'
import { ClaimPath, GroupName, Name, UserName, WebhookEvent } from './fields.ts'
import { accountName, credentialSource, ownSecret } from './credential-sources.ts'
import { MaskingDeclaration } from './masking.ts'

/** What may be declared in files and applied. One YAML document each, told apart by `kind`. */

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
      .array(z.strictObject({ name: accountName, credential: credentialSource }))
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
    /** Or a private key, in OpenSSH's form or PEM. Sealed on arrival, never shown again. */
    password: z.string().min(1).max(16_384),
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

const claimValue = z.union([z.string().max(1000), z.boolean(), z.number()])

const IssuerRule = z.strictObject({
  name: Name,
  /** By claim: what it must be, any of several values, or how it must start. Of a claim that is a list, one element. */
  match: z
    .record(
      ClaimPath,
      z.union([
        claimValue,
        z.array(claimValue).min(1).max(100),
        z.strictObject({ startsWith: z.string().min(1).max(1000) }),
      ]),
    )
    .default({}),
  /** The person whom the token is about, by issuer and subject; or a workload. */
  is: z.union([z.literal('person'), z.strictObject({ workload: Name })]),
  groups: z.array(GroupName).max(100).default([]),
})

/** An address of https, without what a path could hide. */
const httpsAddress = z
  .url({ protocol: /^https$/, error: 'use an address of https' })
  .max(2048)
  .refine((url) => !/[@?#]/.test(url), 'leave out user, query and fragment')

export const IssuerDocument = z
  .strictObject({
    kind: z.literal('Issuer'),
    name: Name,
    /** As its tokens have it in `iss`, to the letter. */
    issuer: httpsAddress,
    /** Any of them has to be in `aud`: name this gateway in one that is used for nothing else. */
    audiences: z.array(z.string().min(1).max(1000)).min(1).max(20),
    /** For which clients its tokens may be made: `azp` or `client_id`. */
    authorizedParties: z.array(z.string().min(1).max(1000)).max(100).default([]),
    /** `access`: access tokens by RFC 9068. `workload`: what platforms give their jobs. */
    tokens: z.enum(['access', 'workload']),
    algorithms: z
      .array(
        z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']),
      )
      .min(1)
      .default(['RS256', 'ES256']),
    /** Tokens that say in `act` who acts for whom they are about: both are taken, or no other token is, or none such. */
    actors: z.enum(['allowed', 'required', 'refused']).default('refused'),
    groupsClaim: ClaimPath.default('groups'),
    nameClaim: ClaimPath.default('preferred_username'),
    maxLifetimeSeconds: z.number().int().min(60).max(43_200).default(3600),
    /** Its tokens are good for one exchange for one of the gateway's, and for nothing else: whoever finds one that was used has nothing. */
    exchange: z.literal('once').optional(),
    keys: z
      .discriminatedUnion('from', [
        z.strictObject({ from: z.literal('discovery') }),
        z.strictObject({ from: z.literal('url'), url: httpsAddress }),
        z.strictObject({
          from: z.literal('document'),
          keys: z.array(z.record(z.string(), z.unknown())).min(1).max(20),
        }),
      ])
      .prefault({ from: 'discovery' }),
    /** PEM. */
    certificateAuthority: z.string().max(65_536).includes('-----BEGIN CERTIFICATE-----').optional(),
    rules: z.array(IssuerRule).min(1).max(500),
  })
  .superRefine(({ tokens, authorizedParties, rules }, context) => {
    if (tokens === 'access' && authorizedParties.length === 0)
      context.addIssue({
        code: 'custom',
        path: ['authorizedParties'],
        message: 'say for which clients access tokens may be made',
      })
    rules.forEach(({ name, match }, i) => {
      if (tokens === 'workload' && Object.keys(match).length === 0)
        context.addIssue({
          code: 'custom',
          path: ['rules', i, 'match'],
          message: 'say whose tokens: without a claim to match, everybody on that platform would be let in',
        })
      if (rules.findIndex((rule) => rule.name === name) !== i)
        context.addIssue({
          code: 'custom',
          path: ['rules', i, 'name'],
          message: 'names of rules must differ',
        })
    })
  })
  .meta({ id: 'IssuerDocument' })
export type IssuerDocument = z.output<typeof IssuerDocument>

export const Document = z
  .discriminatedUnion('kind', [
    ResourceDocument,
    PolicyDocument,
    CredentialDocument,
    UserDocument,
    WebhookDocument,
    IssuerDocument,
  ])
  .meta({ id: 'Document' })
export type Document = z.output<typeof Document>
export type DocumentInput = z.input<typeof Document>
export type DocumentKind = Document['kind']
