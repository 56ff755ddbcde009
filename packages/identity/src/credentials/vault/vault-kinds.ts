import { Secret, type CredentialSourceFrom } from '@sallyport/core'
import { asCredential } from '../as-credential.ts'
import { LeaseLost, type CredentialKind } from '../kind.ts'
import { StoreProblem } from '../stores/store-problem.ts'
import type { VaultClient } from './vault-client.ts'

/** @throws StoreProblem missing where none of that name is configured */
export type VaultOf = (name: string) => VaultClient

/**
 * A field of a secret in Vault's key-value store, version 2, read for each log-in.
 * @see https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2
 */
export function vaultKind(vaultOf: VaultOf): CredentialKind<CredentialSourceFrom<'vault'>> {
  return {
    async fetch({ store, mount, path, field, version }, { account, signal }) {
      const query = version === undefined ? '' : `?version=${version}`
      const at = `${encoded(mount)}/data/${encoded(path)}`
      const { body } = await vaultOf(store).ask({ method: 'GET', path: `${at}${query}` }, signal)
      const fields = objectIn(objectIn(body, 'data'), 'data')
      const value = fields !== undefined && Object.hasOwn(fields, field) ? fields[field] : undefined
      if (typeof value !== 'string' || value === '')
        throw new StoreProblem('missing', `Vault ${store}, ${at}: there is no text in its field ${field}`)
      return asCredential(account.name, new Secret(value))
    },
  }
}

/**
 * A user of the target that Vault's database engine makes for one session: renewed while it lives, revoked when it is over. Names and
 * password are Vault's.
 * @see https://developer.hashicorp.com/vault/api-docs/secret/databases
 */
export function vaultDatabaseKind(vaultOf: VaultOf): CredentialKind<CredentialSourceFrom<'vault-database'>> {
  return {
    async fetch({ store, mount, role }, { signal }, undertake) {
      const vault = vaultOf(store)
      const path = `${encoded(mount)}/creds/${encoded(role)}`
      signal.throwIfAborted()
      // Whoever asked may leave: what Vault makes meanwhile has to be known all the same, to be undone.
      const { body, login } = await vault.ask(
        { method: 'GET', path, isOnce: true },
        new AbortController().signal,
      )
      const made = leaseOf(body)
      const data = objectIn(body, 'data')
      const [user, password] = [data?.['username'], data?.['password']]
      if (made === undefined)
        throw new StoreProblem('malformed', `Vault ${store}, ${path}: it gives no lease`)
      const lastsMs = (seconds: number): number => Math.min(seconds * 1000, login.leftMs)
      const renew = async (until: AbortSignal): Promise<number> => {
        const renewed = await renewLease(vault, made.id, until)
        return lastsMs(renewed)
      }
      try {
        await undertake(
          { store, lease: made.id },
          { lastsMs: lastsMs(made.seconds), ...(made.isRenewable && { renew }) },
        )
      } catch (thrown) {
        // Nobody would know of it.
        await revoke(vault, made.id, AbortSignal.timeout(revokeMs)).catch(() => undefined)
        throw thrown
      }
      if (!isPlain(user) || !isPlain(password))
        throw new StoreProblem('malformed', `Vault ${store}, ${path}: it gives no user name and password`)
      return { user, password: new Secret(password) }
    },
    async release(what, signal) {
      // As it was undertaken, above.
      const { store, lease } = what as { readonly store: string; readonly lease: string }
      await revoke(vaultOf(store), lease, signal)
    },
  }
}

/** @returns seconds. @throws LeaseLost where Vault knows it no more, StoreProblem */
async function renewLease(vault: VaultClient, id: string, signal: AbortSignal): Promise<number> {
  try {
    const { body } = await vault.ask(
      { method: 'PUT', path: 'sys/leases/renew', body: { lease_id: id } },
      signal,
    )
    const renewed = leaseOf(body)
    if (renewed === undefined) throw new StoreProblem('malformed', 'Vault answers a renewal with no lease')
    return renewed.seconds
  } catch (thrown) {
    if (thrown instanceof StoreProblem && (thrown.kind === 'refused' || thrown.kind === 'missing'))
      throw new LeaseLost(thrown.message, { cause: thrown })
    throw thrown
  }
}

/** Done when it returns, also where Vault has forgotten the lease. */
async function revoke(vault: VaultClient, id: string, signal: AbortSignal): Promise<void> {
  await vault.ask({ method: 'PUT', path: 'sys/leases/revoke', body: { lease_id: id, sync: true } }, signal)
}

interface MadeLease {
  readonly id: string
  readonly seconds: number
  readonly isRenewable: boolean
}

function leaseOf(body: unknown): MadeLease | undefined {
  const answer = body as { lease_id?: unknown; lease_duration?: unknown; renewable?: unknown } | undefined
  const { lease_id: id, lease_duration: seconds, renewable } = answer ?? {}
  if (typeof id !== 'string' || id === '' || typeof seconds !== 'number' || seconds <= 0) return undefined
  return { id, seconds, isRenewable: renewable === true }
}

/** A text that can stand in a protocol's message: a NUL would end it there, and what follows would be read as something else. */
function isPlain(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !/\p{Cc}/u.test(value)
}

function objectIn(value: unknown, key: string): Record<string, unknown> | undefined {
  const inner =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined
  return typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : undefined
}

/** Each part by itself: nothing in it leads elsewhere. */
function encoded(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

const revokeMs = 5_000
