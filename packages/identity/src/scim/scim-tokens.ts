import { randomBytes } from 'node:crypto'
import { refusal, timeOrderedId, type Clock, type Refusal, type Secret, type Subject } from '@sallyport/core'
import type { ScimTokenRow, Store } from '@sallyport/store'
import { invalidCredential } from '../authenticator.ts'
import { mintOpaque, opaqueHash } from '../opaque-token.ts'
import type { Throttle } from '../throttle.ts'
import { WrittenRefusals } from '../written-refusals.ts'

export const maxScimTokenMs = 365 * 86_400_000

export interface ScimTokenParts {
  readonly store: Store
  readonly clock: Clock
  readonly throttle: Pick<Throttle, 'check' | 'failed'>
  /** For the log. */
  readonly onRefused: (from: string) => void
}

/**
 * Tokens of the connectors by which a provider keeps people and groups up to date. They live long, since connectors have nobody who signs
 * in: two at a time let one follow another without a gap.
 */
export class ScimTokens {
  readonly #parts: ScimTokenParts
  readonly #usedAtMs = new Map<string, number>()
  readonly #refusals: WrittenRefusals

  constructor(parts: ScimTokenParts) {
    this.#parts = parts
    this.#refusals = new WrittenRefusals(parts.store, parts.clock)
  }

  /**
   * @returns a Refusal where there are {@link maxLiving} already
   * @throws RangeError for a lifetime beyond {@link maxScimTokenMs}
   */
  async create(
    by: Subject,
    { label, lifetimeMs }: { readonly label: string; readonly lifetimeMs: number },
  ): Promise<{ readonly row: ScimTokenRow; readonly token: Secret } | Refusal> {
    if (!(lifetimeMs > 0 && lifetimeMs <= maxScimTokenMs))
      throw new RangeError('a SCIM token lives at most a year')
    const { store, clock } = this.#parts
    const { token, hash } = mintOpaque('spm')
    const now = clock.now()
    const id = timeOrderedId('stk', now, randomBytes(16))
    return store.write(by, 'SCIM token', async (tx) => {
      const living = (await tx.scimTokens.list()).filter((one) => isLiving(one, now))
      if (living.length >= maxLiving)
        return refusal(
          'denied',
          `there are ${maxLiving} SCIM tokens already`,
          'revoke one that is used no more',
        )
      const expiresAt = now + lifetimeMs
      await tx.scimTokens.add({ id, hash, label, createdBy: by.principal.id, expiresAt })
      const row = await tx.scimTokens.byHash(hash)
      return row === undefined ? invalidCredential() : { row, token }
    })
  }

  /** Whose token somebody at `from` shows. A Refusal, `throttled` where that address has guessed too often. */
  async authenticate(shown: Secret, from: string): Promise<ScimTokenRow | Refusal> {
    const { store, clock, throttle } = this.#parts
    const throttled = throttle.check(from)
    if (throttled !== undefined) return throttled
    const hash = opaqueHash('spm', shown)
    const row = hash === undefined ? undefined : await store.read.scimTokens.byHash(hash)
    const now = clock.now()
    if (row === undefined || !isLiving(row, now)) return this.#refused(row, from)
    if (now - (this.#usedAtMs.get(row.id) ?? 0) >= usedEveryMs) {
      this.#usedAtMs.set(row.id, now)
      await store.write('system', 'scim', (tx) => tx.scimTokens.used(row.id, from))
    }
    return row
  }

  revoke(by: Subject, id: string): Promise<boolean> {
    return this.#parts.store.write(by, 'revoke', (tx) => tx.scimTokens.revoke(id))
  }

  async #refused(row: ScimTokenRow | undefined, from: string): Promise<Refusal> {
    const { throttle, onRefused } = this.#parts
    throttle.failed(from)
    onRefused(from)
    const which = row === undefined ? 'an unknown SCIM token' : `SCIM token ${row.id}, which is over,`
    await this.#refusals.write('log-in-failed', 'scim', `${which} was refused from ${from}`, {
      address: from,
    })
    return invalidCredential()
  }
}

export function isLiving({ revokedAt, expiresAt }: ScimTokenRow, nowMs: number): boolean {
  return revokedAt === null && expiresAt > nowMs
}

const maxLiving = 5
const usedEveryMs = 60_000
