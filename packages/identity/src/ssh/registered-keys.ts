import { randomBytes } from 'node:crypto'
import {
  isRefusal,
  refusal,
  timeOrderedId,
  type Clock,
  type OfferedKey,
  type PrincipalId,
  type Refusal,
  type Subject,
} from '@sallyport/core'
import { fingerprint, type PublicKey } from '@sallyport/openssh'
import type { Readers, SshKeyRow, Store, TokenRow, Writers } from '@sallyport/store'
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

/** Why a key lets nobody in: for logs. `not-vouched-for`: its owner must sign in at their provider first, or is shut out. */
export type KeyTrouble = 'not-registered' | 'not-vouched-for'

/**
 * Public keys that people have registered. Each log-in by one gets a token of its own, which nobody ever sees: it says whose the
 * session is, is revoked when the key is removed, and ends with the key, after 12 hours at the latest.
 */
export class RegisteredKeys {
  readonly #store: Store
  readonly #tokens: Pick<Tokens, 'keepWithin' | 'holder'>
  readonly #clock: Clock
  readonly #providers: readonly string[]

  constructor(parts: {
    readonly store: Store
    readonly tokens: Pick<Tokens, 'keepWithin' | 'holder'>
    readonly clock: Clock
    /** What the configured providers call themselves. */
    readonly providers?: readonly string[]
  }) {
    this.#store = parts.store
    this.#tokens = parts.tokens
    this.#clock = parts.clock
    this.#providers = parts.providers ?? []
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
      if ((await this.#standing(tx, principalId)) === undefined) return invalidCredential()
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
    return row !== undefined && (await this.#standing(read, row.principalId)) !== undefined
  }

  /** Whoever has proven to have the key. @throws Fault gateway/store-unavailable */
  async holder({ blob }: OfferedKey, from: string | undefined): Promise<Authenticated | KeyTrouble> {
    const { read } = this.#store
    const row = await this.#living(read, blob)
    if (row === undefined) return 'not-registered'
    if ((await this.#standing(read, row.principalId)) === undefined) return 'not-vouched-for'
    // Of nothing that anybody could show.
    const hash = randomBytes(32).toString('hex')
    await this.#store.write('system', 'log-in', async (tx) => {
      // It may have been removed meanwhile.
      const key = await this.#living(tx, blob)
      const owner = key && (await this.#standing(tx, key.principalId))
      if (key === undefined || owner === undefined) return
      const { id, principalId, expiresAt } = key
      await tx.sshKeys.used(id)
      tx.note(`${principalId} logged in with SSH key ${id}${from === undefined ? '' : ` from ${from}`}`, {
        kind: 'log-in',
        principal: principalId,
        address: from,
      })
      await this.#tokens.keepWithin(tx, {
        hash,
        principalId,
        actor: null,
        label: key.fingerprint,
        expiresAt: Math.min(expiresAt, this.#clock.now() + maxTokenMs, owner.untilMs),
        issuer: owner.issuer,
        signIn: owner.signIn,
        sshKey: id,
      })
    })
    const who = await this.#tokens.holder(hash)
    return isRefusal(who) ? 'not-registered' : who
  }

  async #living({ sshKeys }: Pick<Readers, 'sshKeys'>, blob: Uint8Array): Promise<SshKeyRow | undefined> {
    const row = await sshKeys.byFingerprint(fingerprint(blob))
    const isSame = row?.publicKey === Buffer.from(blob).toString('base64')
    return isSame && row.expiresAt > this.#clock.now() ? row : undefined
  }

  /**
   * Whether a person may log in by a key of theirs: they are not shut out, and if a provider knows them, it is still configured or
   * declared, and has said so lately.
   * @returns undefined where they may not, and for a workload, which has tokens of its own
   */
  async #standing(
    { users, issuers, signIns }: Pick<Readers, 'users' | 'issuers' | 'signIns'>,
    id: PrincipalId,
  ): Promise<Footing | undefined> {
    const name = userNameOf(id)
    const user = name === undefined ? undefined : await users.get(name)
    if (user === undefined || user.disabledAt !== null) return undefined
    const { provider } = user
    if (provider === null) return local
    const declared = (await issuers.list()).find((it) => it.issuer === provider.issuer)
    const isKnown = declared !== undefined || this.#providers.includes(provider.issuer)
    if (!isKnown || provider.vouchedUntil <= this.#clock.now()) return undefined
    const signIn = (await signIns.newestRefreshable(user.name)) ?? null
    return {
      issuer: declared?.name ?? null,
      signIn,
      // Where the provider is asked meanwhile, it says when to end.
      untilMs: signIn === null ? provider.vouchedUntil : Number.POSITIVE_INFINITY,
    }
  }
}

/** What a log-in by a key stands by, beside the key. */
interface Footing extends Pick<TokenRow, 'issuer' | 'signIn'> {
  /** It ends then at the latest. */
  readonly untilMs: number
}

const local: Footing = { issuer: null, signIn: null, untilMs: Number.POSITIVE_INFINITY }

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
