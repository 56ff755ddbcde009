import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { presets } from '@sallyport/policy'
import type { Endpoint } from '../world/endpoint.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { findClient } from '../world/postgres-binaries.ts'
import type { RunningProcess } from '../world/process.ts'
import { loadSampleShop } from '../world/sample-shop/load.ts'
import {
  declarePostgres,
  startSallyport,
  unrestricted,
  type Person,
  type Sallyport,
} from '../world/sallyport.ts'

const roles = {
  worker: ['unrestricted'],
  careful: ['careful'],
  reviewer: ['dba'],
  masked: ['masked'],
  toggled: ['toggled'],
} as const
export type Role = keyof typeof roles

const policies = `
@id("careful-reads")
permit (principal in Group::"careful", action in [Action::"connect", Action::"read", Action::"session", Action::"transaction"], resource);
@id("careful-updates") @review("dba") @within("2m")
permit (principal in Group::"careful", action == Action::"update", resource);
@id("careful-deletes") @review("dba") @within("2s")
permit (principal in Group::"careful", action == Action::"delete", resource);
@id("masked-reads")
permit (principal in Group::"masked", action in [Action::"connect", Action::"read", Action::"session", Action::"transaction"], resource);
`

/** Lets the group `toggled` in, or not: replaced again and again. */
const toggle = (isOpen: boolean): string => `
@id("toggled")
${isOpen ? 'permit' : 'forbid'} (principal in Group::"toggled", action in [Action::"connect", Action::"read", Action::"session"], resource);
`

/** A deployment with everything on, a target with the sample shop, and people of each kind. */
export class Ground implements AsyncDisposable {
  readonly server: Postgres
  readonly sallyport: Sallyport
  /** For files of clients. */
  readonly directory: string
  readonly database = 'shop'
  /** The agent that comes and goes. The other is `sallyport.agent`. */
  restarted: RunningProcess
  readonly #people: Record<Role | 'admin', Person>
  readonly #life: AsyncDisposableStack

  private constructor(
    parts: Pick<Ground, 'server' | 'sallyport' | 'directory' | 'restarted'>,
    people: Record<Role | 'admin', Person>,
    life: AsyncDisposableStack,
  ) {
    this.server = parts.server
    this.sallyport = parts.sallyport
    this.directory = parts.directory
    this.restarted = parts.restarted
    this.#people = people
    this.#life = life
  }

  /** @param processes that carry the gateway's traffic */
  static async lay(processes: number): Promise<Ground> {
    await using life = new AsyncDisposableStack()
    const directory = await mkdtemp(join(tmpdir(), 'sally-soak-'))
    life.defer(() => rm(directory, { recursive: true, force: true }))
    const server = life.use(await startPostgres({ databases: ['shop'] }))
    await loadSampleShop(server.url({ database: 'shop' }))
    await server.query('create table ledger (id bigint generated always as identity, who text)', 'shop')
    if (findClient('pgbench') !== undefined)
      await server.client('pgbench', ['-i', '-q', '-s', '1'], { database: 'shop' })
    const sallyport = life.use(
      await startSallyport({
        allow: [`127.0.0.1:${server.port}`],
        ...(processes > 1 && { processes }),
        gateway: { limits: { requestsPerMinute: 1_000_000, signInsPerMinute: 1000 } },
      }),
    )
    await declarePostgres(sallyport, server, {
      masking: { columns: { 'public.customers.email': 'pii.email' }, detectors: ['card'] },
    })
    await sallyport.apply(
      unrestricted,
      { kind: 'Policy', name: 'soak', text: policies },
      { kind: 'Policy', name: 'toggle', text: toggle(true) },
      ...presets
        .filter(({ name }) => name === 'no-server-programs')
        .map(({ name, text }) => ({ kind: 'Policy', name, text }) as const),
    )
    const people: Partial<Record<Role | 'admin', Person>> = { admin: sallyport.admin }
    for (const [role, groups] of Object.entries(roles))
      people[role as Role] = await sallyport.person(role, groups)
    const restarted = life.use(await sallyport.startAgentAs('restarted'))
    await restarted.line(/attached/)
    const parts = { server, sallyport, directory, restarted }
    return new Ground(parts, people as Record<Role | 'admin', Person>, life.move())
  }

  person(role: Role | 'admin'): Person {
    return this.#people[role]
  }

  /** As this person, or with this token of theirs. */
  endpoint(role: Role, token = this.person(role).token): Endpoint {
    return { ...this.sallyport.endpoint(this.person(role), 'orders-db', this.database), password: token }
  }

  /** Tokens live for an hour at most. */
  async refreshTokens(): Promise<void> {
    for (const [role, person] of Object.entries(this.#people))
      this.#people[role as Role] = await this.sallyport.signIn(person)
  }

  async toggle(isOpen: boolean): Promise<void> {
    await this.person('admin').client.apply.documents({
      documents: [{ kind: 'Policy', name: 'toggle', text: toggle(isOpen) }],
      dryRun: false,
      prune: false,
    })
  }

  /** Ends the agent that comes and goes, in order or by SIGKILL, and starts it again. */
  async restartAgent(how: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (how === 'SIGKILL') await this.restarted.kill()
    else await this.restarted.stop()
    this.restarted = await this.sallyport.startAgentAs('restarted')
    await this.restarted.line(/attached/, 180_000)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.restarted.stop()
    await this.#life.disposeAsync()
  }
}
