import { readFile } from 'node:fs/promises'
import { Secret, type UpstreamCredential } from '@sallyport/core'

/** Where a secret is: `env:NAME` or `file:/path`. */
export type SecretReference =
  | { readonly from: 'environment'; readonly variable: string }
  | { readonly from: 'file'; readonly path: string }

/** A target's credential that this agent holds, and the resources it is for. */
export interface HeldCredential {
  readonly name: string
  readonly resources: readonly string[]
  readonly user: string
  /** Absent where the target asks for none. */
  readonly password?: SecretReference | undefined
}

export function parseSecretReference(text: string): SecretReference | undefined {
  const [, kind, rest = ''] = /^(env|file):(.+)$/.exec(text) ?? []
  if (kind === 'env')
    return /^[A-Za-z_][A-Za-z0-9_]*$/.test(rest) ? { from: 'environment', variable: rest } : undefined
  return kind === 'file' ? { from: 'file', path: rest } : undefined
}

/**
 * The credential of that name, if it is for that resource. The secret is read anew each time, so that it may be rotated, and is
 * kept nowhere.
 * @throws Error where it cannot be read; its message names the reference, never the value
 */
export async function heldCredential(
  held: readonly HeldCredential[],
  asked: { readonly name: string; readonly resource: string },
  environment: Readonly<Record<string, string | undefined>>,
): Promise<UpstreamCredential | undefined> {
  const found = held.find(({ name, resources }) => name === asked.name && resources.includes(asked.resource))
  if (found === undefined) return undefined
  if (found.password === undefined) return { user: found.user }
  return { user: found.user, password: await readSecret(found.password, environment) }
}

/** @throws Error that names the reference */
export async function readSecret(
  reference: SecretReference,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Secret> {
  if (reference.from === 'environment') {
    const value = environment[reference.variable]
    if (value === undefined || value === '') throw new Error(`the variable ${reference.variable} is not set`)
    return new Secret(value)
  }
  let text
  try {
    text = await readFile(reference.path, 'utf8')
  } catch (thrown) {
    throw new Error(`${reference.path} cannot be read (${codeOf(thrown)})`, { cause: thrown })
  }
  // Editors and `echo` end files with a newline, which is no part of a password.
  const value = text.replace(/\r?\n$/, '')
  if (value === '') throw new Error(`${reference.path} is empty`)
  return new Secret(value)
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown'
}
