import { parseArgs } from 'node:util'

export interface FaultOptions {
  /** How many kills at random points. */
  readonly points: number
  /** Of the first point; the next ones count on from it. */
  readonly seed: number
  /** Which faults, by name. */
  readonly only: RegExp
  readonly json: string | undefined
}

export const helpText = `Usage: npm run faults -- [options]

Runs clients that know each answer through a real gateway, agent and PostgreSQL, breaks one thing after
another, and checks after each that nothing is lost, unrecorded, wrong or left behind.

  --points N    kill -9 of gateway, agent and target, in turn, at so many random points   (200)
                every other fault follows once; with --points 0 there are only those
  --seed N      draws the points and all that the clients do                             (random)
  --only REGEX  only faults whose name matches
  --json FILE   also write all verdicts and figures
  --help        show this

Ends with 0 where every invariant held. A verdict names its seed: the same fault once more is
  npm run faults -- --only '^gateway killed$' --points 1 --seed 17
`

/** @throws Error where an option is unknown or makes no sense. */
export function readOptions(args: readonly string[]): FaultOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      points: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
      only: { type: 'string', default: '' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  return {
    points: wholeNumber('points', values.points),
    seed: wholeNumber('seed', values.seed),
    only: new RegExp(values.only),
    json: values.json,
  }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0)
    throw new Error(`--${name} must be a whole number from 0, not ${text}`)
  return value
}
