import { parseArgs } from 'node:util'

export interface SoakOptions {
  readonly minutes: number
  readonly factor: number
  /** Of the gateway. */
  readonly processes: number
  readonly json: string | undefined
  readonly report: string | undefined
  readonly seed: number
}

export const helpText = `Usage: npm run soak -- [options]

Runs a gateway, two agents and a PostgreSQL server under clients of every kind that come and go: psql, pgbench, COPY,
drivers, pipelines, cancels, idle and stalled ones, failed log-ins, reviews, masks, kills, revocations, policy changes,
and restarts of an agent. Samples memory, descriptors, event loop, sessions, disk and errors all along, judges whether
the lines are flat, and checks at the end that nothing was lost and nothing is left.

  --minutes N    how long, fractions too; below 3, slopes are not judged   (20)
  --load N       how many clients, as a factor                             (1)
  --processes N  how many carry the gateway's traffic                      (1)
  --report FILE  the report, one HTML file                                 (soak.html)
  --json FILE    also all samples and verdicts
  --seed N       of what is left to chance                                 (1)
  --help         show this

Exits with 1 where a line is not flat without a stated reason, or anything was lost, left or unexpected.

Examples:
  npm run soak -- --minutes 60 --report soak.html
  npm run soak -- --minutes 0.25 --report off
`

/** @throws Error where an option is unknown or makes no sense. */
export function readOptions(args: readonly string[]): SoakOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '20' },
      load: { type: 'string', default: '1' },
      processes: { type: 'string', default: '1' },
      report: { type: 'string', default: 'soak.html' },
      json: { type: 'string' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  return {
    minutes: above('minutes', values.minutes),
    factor: above('load', values.load),
    processes: Math.ceil(above('processes', values.processes)),
    seed: above('seed', values.seed),
    json: values.json,
    report: values.report === 'off' ? undefined : values.report,
  }
}

function above(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0 && Number.isFinite(value)))
    throw new Error(`--${name} must be a number above 0, not ${text}`)
  return value
}
