import { readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import type { BenchOptions } from './options.ts'
import type { Result } from './results.ts'

/** What a run showed, and where: what `--json` writes and `--compare` reads. */
export interface Report {
  readonly machine: {
    readonly processors: number
    readonly model: string
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
    model: cpus()[0]?.model ?? 'processor',
    node: process.version,
    postgres: server.version,
  }
  return { machine, options: { rounds, seconds, megabytes }, results }
}

export async function writeReport(file: string, report: Report): Promise<void> {
  await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`)
}

/** @throws Error where it is no report of ours */
export async function readReport(file: string): Promise<Report> {
  const report = JSON.parse(await readFile(file, 'utf8')) as Partial<Report>
  if (!Array.isArray(report.results)) throw new Error(`${file} was not written by --json of this bench`)
  return report as Report
}
