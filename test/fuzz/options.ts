import { parseArgs } from 'node:util'

export interface FuzzOptions {
  /** Names of targets; all of them where empty. */
  readonly targets: readonly string[]
  /** Units; each target's own long form where absent. */
  readonly runs: number | undefined
  /** No limit where absent. */
  readonly seconds: number | undefined
  readonly seed: number
  readonly directory: string
  /** An input to run again, instead of looking for one. */
  readonly replay: string | undefined
  readonly servers: boolean
}

export const helpText = `Usage: npm run fuzz -- [options]

Looks for inputs that break what must hold of everything that reads what others wrote. Guided by coverage: inputs that
reach new code are kept and changed further. The long form (10 million protocol messages, 1 million statements) is the
default; npm test runs a short one.

  --target NAME   only this target; may be given more than once     (all)
  --runs N        messages, statements or inputs for each target    (each target's own)
  --seconds N     at most so long for each target                   (no limit)
  --seed N        of all that is random; printed at the start       (the clock)
  --findings DIR  where findings are saved                          (fuzz-findings)
  --replay FILE   run a saved input of --target NAME again
  --no-servers    without real servers: no traffic for seeds, no comparison with them
  --list          the targets, and what must hold of each
  --help          show this

Exit code: 0 nothing found, 1 something found and saved, 2 the command was not understood.

Examples:
  npm run fuzz -- --target conversation --runs 1000000
  npm run fuzz -- --seconds 60 --seed 7
  npm run fuzz -- --target statements --replay fuzz-findings/statements-1f3a9c02.bin
`

/** @throws Error where an option is unknown or makes no sense. */
export function readOptions(args: readonly string[]): FuzzOptions | 'help' | 'list' {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      target: { type: 'string', multiple: true, default: [] },
      runs: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      findings: { type: 'string', default: 'fuzz-findings' },
      replay: { type: 'string' },
      servers: { type: 'boolean', default: true },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  if (values.list) return 'list'
  if (values.replay !== undefined && values.target.length !== 1)
    throw new Error('--replay needs one --target')
  return {
    targets: values.target,
    runs: values.runs === undefined ? undefined : whole('runs', values.runs, 1),
    seconds: values.seconds === undefined ? undefined : whole('seconds', values.seconds, 1),
    seed: whole('seed', values.seed, 0),
    directory: values.findings,
    replay: values.replay,
    servers: values.servers,
  }
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least)
    throw new Error(`--${name} must be a whole number from ${least}, not ${text}`)
  return value
}
