import type { Endpoint } from '../world/endpoint.ts'
import type { Postgres } from '../world/postgres.ts'
import { declarePostgres, startSallyport as startDeployment, unrestricted } from '../world/sallyport.ts'
import type { Watched } from './cpu.ts'

/** Gateway and agent as processes, everything on: policy, recording, TLS as a deployment has it. */
export interface BenchedSallyport extends AsyncDisposable {
  /** As one who may see everything. */
  readonly plain: Endpoint
  /** As one who sees the column `bench_rows.email` masked. */
  readonly masked: Endpoint
  readonly processes: readonly Watched[]
}

export async function startSallyport(
  target: Postgres,
  options: {
    readonly database: string
    /** Where `--cpu-prof` of both processes goes. */
    readonly profileDirectory?: string
  },
): Promise<BenchedSallyport> {
  const sallyport = await startDeployment({
    allow: [`127.0.0.1:${target.port}`],
    ...(options.profileDirectory === undefined ? {} : { profileDirectory: options.profileDirectory }),
  })
  await declarePostgres(sallyport, target, {
    masking: { columns: { 'public.bench_rows.email': 'pii.email' } },
    options: { tls: { mode: 'disable' } },
  })
  await sallyport.apply(unrestricted, {
    kind: 'Policy',
    name: 'masked',
    text: `permit (principal in Group::"masked", action in [Action::"connect", Action::"read"], resource);\n`,
  })
  const plain = await sallyport.person('plain', ['unrestricted'])
  const masked = await sallyport.person('masked', ['masked'])
  // As the other routes of the bench, which speak to the target without TLS.
  const endpoint = (person: typeof plain): Endpoint => {
    const { trust: _, ...rest } = sallyport.endpoint(person, 'orders-db', options.database)
    return { ...rest, host: '127.0.0.1' }
  }
  return {
    plain: endpoint(plain),
    masked: endpoint(masked),
    processes: [
      { name: 'gateway', pid: sallyport.gateway.pid },
      { name: 'agent', pid: sallyport.agent.pid },
    ],
    [Symbol.asyncDispose]: () => sallyport[Symbol.asyncDispose](),
  }
}
