import { z } from 'zod'
import { parseKnownHosts } from '@sallyport/openssh'

/** What a resource of this kind may say beyond address and accounts. */
const schema = z.strictObject({
  /**
   * The target's host keys as OpenSSH writes them, `ssh-ed25519 AAAA…`, or `@cert-authority ssh-ed25519 AAAA…` for an authority
   * that signs them. A target that shows none of these is not logged in to.
   */
  hostKeys: z.array(z.string().max(8192).superRefine(isHostKey)).max(32).default([]),
  /** Variables that clients may set; a `*` at the end stands for any rest. */
  environment: z
    .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*\*?$/, 'name a variable, or the begin of names and a *'))
    .max(64)
    .default(['LANG', 'LC_*', 'TERM', 'COLORTERM', 'GIT_PROTOCOL']),
  /** Record what clients type, too. People type passwords. */
  recordInput: z.boolean().default(false),
})

export type SshOptions = z.infer<typeof schema>

/** @throws an Error that names the wrong key */
export function parseOptions(value: unknown): SshOptions {
  const parsed = schema.safeParse(value ?? {})
  if (parsed.success) return parsed.data
  throw new TypeError(
    parsed.error.issues.map((issue) => `options.${issue.path.join('.')}: ${issue.message}`).join('; '),
  )
}

function isHostKey(line: string, context: z.RefinementCtx): void {
  try {
    if (parseKnownHosts([line]).length === 1) return
    context.addIssue({ code: 'custom', message: 'write a key: ssh-ed25519 AAAA…' })
  } catch (thrown) {
    context.addIssue({ code: 'custom', message: thrown instanceof Error ? thrown.message : 'not understood' })
  }
}
