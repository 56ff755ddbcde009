import { parseArgs } from 'node:util'
import type { Flavour } from '../world/postgres-binaries.ts'

export const suites = ['files', 'dumps', 'pgbench', 'pipelines', 'drivers'] as const
export type SuiteName = (typeof suites)[number]

export interface RegressionOptions {
  readonly servers: readonly Flavour[]
  readonly suites: readonly SuiteName[]
  /** Files of the schedule that match. */
  readonly only: RegExp
  readonly json: string | undefined
  /** Every hunk of a difference, not the first few. */
  readonly isVerbose: boolean
}

export const helpText = `Usage: npm run regression -- [options]

Runs PostgreSQL's own regression suite directly and through Sallyport, where everything is allowed, and compares the
outputs byte by byte; likewise pg_dump and pg_restore of the database that the suite leaves, pgbench, libpq's pipelines,
and the test suites of two drivers. Fails on a difference that docs/compatibility.md does not explain.

  --server NAME  system (15 on Debian 12) or embedded (18, from npm); may be repeated   (both)
  --suite NAME   files, dumps, pgbench, pipelines or drivers; may be repeated           (all)
  --only REGEX   only files of the suite whose name matches; test_setup runs in any case
  --json FILE    also write every comparison
  --verbose      print every difference in full
  --help         show this

The sources come from the archive that apt is configured for, the drivers from PyPI. What cannot be had is skipped and
said; compilers for what is built are installed where root and apt-get allow it.

Examples:
  npm run regression
  npm run regression -- --server system --suite files --only 'copy|portals'
`

/** @throws Error where an option is unknown or makes no sense. */
export function readOptions(args: readonly string[]): RegressionOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      server: { type: 'string', multiple: true, default: ['system', 'embedded'] },
      suite: { type: 'string', multiple: true, default: [...suites] },
      only: { type: 'string', default: '' },
      json: { type: 'string' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  return {
    servers: values.server.map((name) => oneOf('server', name, ['system', 'embedded'] as const)),
    suites: values.suite.map((name) => oneOf('suite', name, suites)),
    only: new RegExp(values.only),
    json: values.json,
    isVerbose: values.verbose,
  }
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value)
  if (found === undefined) throw new Error(`--${option} must be ${allowed.join(' or ')}, not ${value}`)
  return found
}
