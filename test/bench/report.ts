import { cpus } from 'node:os'
import type { BenchOptions } from './options.ts'
import type { Result } from './results.ts'

/** What `--json` writes and `--compare` reads. */
export interface Report {
  readonly machine: {
    readonly processors: number
    readonly model: string | undefined
    readonly node: string
    readonly postgres: string
  }
  readonly options: Pick<BenchOptions, 'rounds' | 'seconds' | 'megabytes'>
  readonly results: readonly Result[]
}

export function reportOf(
  server: { readonly version: string },
  { rounds, seconds, megabytes }: BenchOptions,
  results: readonly Result[],
): Report {
  const machine = {
    processors: cpus().length,
    model: cpus()[0]?.model,
    node: process.version,
    postgres: server.version,
  }
  return { machine, options: { rounds, seconds, megabytes }, results }
}
