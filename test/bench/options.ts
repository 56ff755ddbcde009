import { parseArgs } from 'node:util'

export interface BenchOptions {
  readonly rounds: number
  /** Of each load by pgbench. */
  readonly seconds: number
  /** Of each bulk transfer. */
  readonly megabytes: number
  /** Which rows, by name: a measurement runs where one of its rows matches. */
  readonly only: RegExp
  readonly json: string | undefined
  /** A file that `--json` wrote. */
  readonly compare: string | undefined
  /** Directory for CPU profiles of gateway and agent. */
  readonly profile: string | undefined
  readonly markdown: boolean
}

export const helpText = `Usage: npm run bench -- [options]

Measures PostgreSQL directly, through plain relays, and through Sallyport with more and more of it switched on, and
OpenSSH's clients directly and through Sallyport, in interleaved rounds, and prints medians with their spread, each
target beside its result, and the CPU time of gateway and agent for each piece of work. Every answer is checked: a wrong
one fails the run.

  --rounds N      rounds of each measurement; what takes long runs in three at most  (5)
  --seconds N     length of each load by pgbench                                     (5)
  --megabytes N   size of each bulk transfer                                         (200)
  --only REGEX    only rows whose name matches; --list shows the names
  --json FILE     also write all values and results
  --compare FILE  also compare with what an earlier --json wrote, and say what is beyond noise
  --profile DIR   write CPU profiles of gateways and agents there, a directory for each route
  --markdown      print the tables as Markdown, as docs/performance.md has them
  --list          list the rows with their routes and targets, and measure nothing
  --help          show this

Examples:
  npm run bench -- --only 'c=16, prepared' --rounds 3 --json before.json
  npm run bench -- --only 'c=16, prepared' --rounds 3 --compare before.json
  npm run bench -- --only 'latency|COPY out$' --profile profiles
  npm run --silent bench -- --markdown > table.md
`

/** @throws Error where an option is unknown or makes no sense. */
export function readOptions(args: readonly string[]): BenchOptions | 'help' | 'list' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      megabytes: { type: 'string', default: '200' },
      only: { type: 'string', default: '' },
      json: { type: 'string' },
      compare: { type: 'string' },
      profile: { type: 'string' },
      markdown: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  if (values.list) return 'list'
  return {
    rounds: atLeastOne('rounds', values.rounds),
    seconds: atLeastOne('seconds', values.seconds),
    megabytes: atLeastOne('megabytes', values.megabytes),
    only: new RegExp(values.only),
    json: values.json,
    compare: values.compare,
    profile: values.profile,
    markdown: values.markdown,
  }
}

function atLeastOne(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name} must be a whole number from 1, not ${text}`)
  return value
}
