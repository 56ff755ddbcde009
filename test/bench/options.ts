import { parseArgs } from 'node:util'

export interface BenchOptions {
  readonly rounds: number
  /** Of each pgbench run. */
  readonly seconds: number
  /** Of each COPY. */
  readonly megabytes: number
  /** Which measurements, by name. */
  readonly only: RegExp
  readonly json: string | undefined
  /** Directory for CPU profiles of gateway and agent. */
  readonly profile: string | undefined
}

export const helpText = `Usage: npm run bench -- [options]

Measures PostgreSQL directly, through two plain TCP relays, and through Sallyport with everything on,
in interleaved rounds, and prints medians with their spread, target beside result.

  --rounds N     rounds of each measurement            (5)
  --seconds N    length of each pgbench run            (5)
  --megabytes N  size of each COPY                     (200)
  --only REGEX   only measurements whose name matches
  --json FILE    also write all samples and results
  --profile DIR  write CPU profiles of gateway and agent there
  --help         show this

Examples:
  npm run bench -- --rounds 3 --seconds 3
  npm run bench -- --only latency --profile profiles
`

/** @throws Error where an option is unknown or makes no sense. */
export function readOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      megabytes: { type: 'string', default: '200' },
      only: { type: 'string', default: '' },
      json: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  return {
    rounds: atLeastOne('rounds', values.rounds),
    seconds: atLeastOne('seconds', values.seconds),
    megabytes: atLeastOne('megabytes', values.megabytes),
    only: new RegExp(values.only),
    json: values.json,
    profile: values.profile,
  }
}

function atLeastOne(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name} must be a whole number from 1, not ${text}`)
  return value
}
