import type { Secret } from '@sallyport/core'
import type { KeyState } from '../enrolment/keys.ts'
import type { AgentDirectory, EnrolledAgent } from '../gateway/directory.ts'

/** A directory in memory, for tests. Fails on demand. */
export class MemoryDirectory implements AgentDirectory {
  readonly agents = new Map<string, EnrolledAgent>()
  readonly revocations: string[] = []
  readonly #joins = new Map<string, { pool: string; uses: number }>()
  isDown = false

  addJoinToken(secret: Secret, pool: string, uses = 1): void {
    this.#joins.set(secret.reveal(), { pool, uses })
  }

  useJoinToken(secret: Secret): Promise<{ pool: string } | undefined> {
    const join = this.#joins.get(secret.reveal())
    if (join === undefined || join.uses === 0) return this.#answer(undefined)
    join.uses--
    return this.#answer({ pool: join.pool })
  }

  recordEnrolment(agent: EnrolledAgent): Promise<void> {
    this.agents.set(agent.id, agent)
    return this.#answer(undefined)
  }

  find(id: string): Promise<EnrolledAgent | undefined> {
    return this.#answer(this.agents.get(id))
  }

  advanceKeys(id: string, from: KeyState, to: KeyState): Promise<boolean> {
    const agent = this.agents.get(id)
    if (agent === undefined || JSON.stringify(agent.keys) !== JSON.stringify(from)) return this.#answer(false)
    this.agents.set(id, { ...agent, keys: to })
    return this.#answer(true)
  }

  revoke(id: string, why: string): Promise<void> {
    const agent = this.agents.get(id)
    if (agent !== undefined) this.agents.set(id, { ...agent, isRevoked: true })
    this.revocations.push(why)
    return this.#answer(undefined)
  }

  #answer<T>(value: T): Promise<T> {
    return this.isDown ? Promise.reject(new Error('the directory is down')) : Promise.resolve(value)
  }
}
