import type { Endpoint } from '../world/endpoint.ts'
import type { Postgres } from '../world/postgres.ts'

/** Gateway and agent as processes, everything on: policy, recording, TLS as a deployment has it. */
export interface BenchedSallyport extends AsyncDisposable {
  /** As one who may see everything. */
  readonly plain: Endpoint
  /** As one who sees the column `bench_rows.email` masked. */
  readonly masked: Endpoint
}

export type StartSallyport = (
  target: Postgres,
  options: {
    readonly database: string
    /** Where `--cpu-prof` of both processes goes. */
    readonly profileDirectory?: string
  },
) => Promise<BenchedSallyport>

/** Undefined until gateway and agent can be started: then the bench shows the other routes alone. */
export const startSallyport: StartSallyport | undefined = undefined
