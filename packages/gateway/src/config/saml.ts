import { z } from 'zod'

/** How people sign in by SAML. Files are read anew for each sign-in. */
export const samlSchema = z
  .strictObject({
    /** What the identity provider calls itself, to the letter: its entity ID. */
    issuer: z.string().min(1).max(1024),
    /** Its metadata file, in place of the two below. */
    metadata: z.string().min(1).optional(),
    /** Where it takes requests by the redirect binding. */
    entryPoint: z.url({ protocol: /^https$/, error: 'use an address of https' }).optional(),
    /** Files with the certificates by which it may sign, PEM or DER. */
    certificates: z.array(z.string().min(1)).min(1).max(8).optional(),
    /** What this gateway calls itself; the address of its own metadata where absent. */
    entityId: z.string().min(1).max(1024).optional(),
    /** What people know it by: it stands on the button. */
    name: z.string().min(1).max(60).default('your company’s account'),
    /** Attributes, named as they are in assertions, to the letter. */
    groupsAttribute: z.string().min(1).default('groups'),
    /** The name ID where absent. */
    nameAttribute: z.string().min(1).optional(),
    /** Who somebody is, for ever; a persistent name ID where absent. */
    subjectAttribute: z.string().min(1).optional(),
    /** The only groups that are taken over. */
    onlyGroups: z.array(z.string().min(1)).optional(),
    /** With a key of the gateway's own, which its metadata has. */
    signRequests: z.boolean().default(false),
    /** PEM file by which `sallyport doctor` asks the entry point, where the system does not know who signs its certificate. */
    certificateAuthority: z.string().optional(),
    /** Who may still sign in with a password: members of `administrators`, for when the provider fails. */
    localUsers: z.enum(['administrators', 'everybody', 'nobody']).default('administrators'),
  })
  .refine((it) => (it.metadata === undefined) !== (it.entryPoint === undefined), {
    path: ['metadata'],
    message: 'either the metadata file, or entryPoint with certificates',
  })
  .refine((it) => (it.metadata === undefined) === (it.certificates !== undefined), {
    path: ['certificates'],
    message: 'certificates go with entryPoint, and stand in the metadata file otherwise',
  })
