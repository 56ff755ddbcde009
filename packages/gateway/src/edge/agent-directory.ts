import { hash } from 'node:crypto'
import type { Secret } from '@sallyport/core'
import type { Store } from '@sallyport/store'
import type { AgentDirectory, EnrolledAgent, KeyState } from '@sallyport/tunnel'

/** What is kept of a join token's secret. */
export function joinSecretHash(secret: Secret): string {
  return hash('sha256', secret.reveal(), 'hex')
}

/** Agents and join tokens, as the tunnel needs them, in the store. */
export class StoredAgents implements AgentDirectory {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  useJoinToken(secret: Secret): Promise<{ readonly pool: string } | undefined> {
    return this.#store.write('system', 'an agent enrols', (tx) => tx.joinTokens.use(joinSecretHash(secret)))
  }

  recordEnrolment(agent: EnrolledAgent, notAfterMs: number): Promise<void> {
    const { id, pool, name, keys } = agent
    return this.#store.write('system', 'an agent enrols', (tx) =>
      tx.agents.enrol({ id, pool, name, keys, certificateExpiresAt: notAfterMs }),
    )
  }

  async find(id: string): Promise<EnrolledAgent | undefined> {
    const row = await this.#store.read.agents.get(id)
    if (row === undefined) return undefined
    return { id: row.id, pool: row.pool, name: row.name, keys: row.keys, isRevoked: row.revokedAt !== null }
  }

  advanceKeys(id: string, from: KeyState, to: KeyState): Promise<boolean> {
    return this.#store.write('system', 'an agent renews', (tx) => tx.agents.advanceKeys(id, from, to))
  }

  async revoke(id: string, why: string): Promise<void> {
    await this.#store.write('system', 'an agent is shut out', (tx) => tx.agents.revoke(id, why))
  }
}
