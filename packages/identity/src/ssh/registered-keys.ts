import { randomBytes } from 'node:crypto'
import {
  refusal,
  timeOrderedId,
  type Clock,
  type OfferedKey,
  type PrincipalId,
  type Refusal,
  type Subject,
} from '@sallyport/core'
import { fingerprint, type PublicKey } from '@sallyport/openssh'
import type { Readers, SshKeyRow, Store, Writers } from '@sallyport/store'
import { invalidCredential, type Authenticated } from '../authenticator.ts'
import { userNameOf } from '../principals.ts'
import { maxTokenMs, type Tokens } from '../tokens.ts'

/** A key that somebody adds for themselves. */
export interface NewKey {
  readonly principalId: PrincipalId
  readonly key: PublicKey
  /** In its owner's words. */
  readonly label: string
  /** At most 366 days; 90 where absent. */
  readonly lifetimeMs?: number
}

/**
 * Public keys that people have registered. Each log-in by one gets a token of its own, which nobody ever sees: it says whose the
 * session is, is revoked when the key is removed, and ends with the key, after 12 hours at the latest.
 */
export class RegisteredKeys {
  readonly #store: Store
  readonly #tokens: Pick<Tokens, 'keepWithin' | 'holder'>
  readonly #clock: Clock

  constructor(parts: {
    readonly store: Store
    readonly tokens: Pick<Tokens, 'keepWithin' | 'holder'>
    readonly clock: Clock
  }) {
    this.#store = parts.store
    this.#tokens = parts.tokens
    this.#clock = parts.clock
  }

  /**
   * @returns a Refusal where it is registered already, whosever it is, or there are too many
   * @throws RangeError for a lifetime that is not up to 366 days
   */
  add(by: Subject, request: NewKey): Promise<SshKeyRow | Refusal> {
    const { principalId, key, label, lifetimeMs = defaultKeyMs } = request
    if (!(lifetimeMs > 0 && lifetimeMs <= maxKeyMs))
      throw new RangeError('a key is good for at most 366 days')
    const now = this.#clock.now()
    const row = {
      id: timeOrderedId('key', now, randomBytes(16)),
      fingerprint: fingerprint(key.blob),
      publicKey: key.blob.toString('base64'),
      principalId,
      label,
      expiresAt: now + lifetimeMs,
    }
    return this.#store.write(by, 'SSH key', async (tx) => {
      if ((await standing(tx, principalId)) === undefined) return invalidCredential()
      // One that is over lets nobody in, and whoever has it may add it anew.
      const before = await tx.sshKeys.byFingerprint(row.fingerprint)
      if (before !== undefined && before.expiresAt <= now) await removeWithin(tx, before.id)
      const held = await tx.sshKeys.list(principalId, maxKeys)
      if (held.length >= maxKeys) return tooManyKeys
      return (await tx.sshKeys.add(row)) ?? registeredAlready
    })
  }

  /** What was opened by it ends at once. @returns false where there is none */
  remove(by: Subject, id: string): Promise<boolean> {
    return this.#store.write(by, 'SSH key', (tx) => removeWithin(tx, id))
  }

  /** Whether this key may let somebody in. @throws Fault gateway/store-unavailable */
  async accepts({ blob }: OfferedKey): Promise<boolean> {
    const { read } = this.#store
    const row = await this.#living(read, blob)
    return row !== undefined && (await standing(read, row.principalId)) !== undefined
  }

  /** Whoever has proven to have the key. @throws Fault gateway/store-unavailable */
  async holder({ blob }: OfferedKey, from: string | undefined): Promise<Authenticated | Refusal> {
    if ((await this.#living(this.#store.read, blob)) === undefined) return invalidCredential()
    // Of nothing that anybody could show.
    const hash = randomBytes(32).toString('hex')
    await this.#store.write('system', 'log-in', async (tx) => {
      // It may have been removed meanwhile.
      const key = await this.#living(tx, blob)
      const owner = key && (await standing(tx, key.principalId))
      if (key === undefined || owner === undefined) return
      const { id, principalId, expiresAt } = key
      await tx.sshKeys.used(id)
      tx.note(`${principalId} logged in with SSH key ${id}${from === undefined ? '' : ` from ${from}`}`)
      await this.#tokens.keepWithin(tx, {
        hash,
        principalId,
        actor: null,
        label: key.fingerprint,
        expiresAt: Math.min(expiresAt, this.#clock.now() + maxTokenMs),
        issuer: owner.issuer,
        signIn: null,
        sshKey: id,
      })
    })
    return this.#tokens.holder(hash)
  }

  async #living({ sshKeys }: Pick<Readers, 'sshKeys'>, blob: Uint8Array): Promise<SshKeyRow | undefined> {
    const row = await sshKeys.byFingerprint(fingerprint(blob))
    const isSame = row?.publicKey === Buffer.from(blob).toString('base64')
    return isSame && row.expiresAt > this.#clock.now() ? row : undefined
  }
}

/**
 * Whether a person may log in by a key of theirs: they are not shut out, and whoever vouches for them is still declared.
 * @returns undefined where they may not, and for a workload, which has tokens of its own
 */
async function standing(
  { users, issuers }: Pick<Readers, 'users' | 'issuers'>,
  id: PrincipalId,
): Promise<{ readonly issuer: string | null } | undefined> {
  const name = userNameOf(id)
  const user = name === undefined ? undefined : await users.get(name)
  if (user === undefined || user.disabledAt !== null) return undefined
  const { provider } = user
  if (provider === null) return { issuer: null }
  const issuer = (await issuers.list()).find((it) => it.issuer === provider.issuer)
  return issuer && { issuer: issuer.name }
}

async function removeWithin(tx: Writers, id: string): Promise<boolean> {
  const removed = await tx.sshKeys.remove({ id })
  await tx.tokens.revoke({ sshKey: id })
  return removed.length > 0
}

const dayMs = 24 * 3_600_000
const defaultKeyMs = 90 * dayMs
const maxKeyMs = 366 * dayMs
const maxKeys = 25
const registeredAlready = refusal(
  'denied',
  'this key is registered already, for you or for somebody else',
  'remove it there first, or make another one: ssh-keygen -t ed25519',
)
const tooManyKeys = refusal(
  'denied',
  `nobody has more than ${maxKeys} keys`,
  'remove one that is not in use: sallyport keys',
)
