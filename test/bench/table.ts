import type { Change } from './compare.ts'
import type { Line } from './grid.ts'
import { routeMeanings, routeNames } from './route.ts'
import type { Report } from './report.ts'
import type { Result, TargetResult } from './results.ts'
import type { Spread } from './spread.ts'

/** How a table is drawn: for a terminal or as Markdown. */
export type Grid = (head: Line, lines: readonly Line[]) => string

/** The results for people, in 120 columns: each target beside its result, what was measured, and what CPU it took. */
export function tablesOf({ machine, options, results }: Report, grid: Grid): string {
  const { rounds, seconds, megabytes } = options
  const measured = routeNames.filter((route) => results.some((result) => result.routes[route]))
  return [
    `${machine.processors} × ${machine.model}, Node.js ${machine.node}, PostgreSQL ${machine.postgres}; ` +
      `${rounds} rounds, ${seconds} s a load, ${megabytes} MB a bulk.`,
    ...section(
      'Targets: medians over the rounds, ratios within each; in brackets the least and the most.',
      grid,
      ['', 'result', 'target', ''],
      results.flatMap(targetLines),
    ),
    ...settings.flatMap(([setting, words]) =>
      figures(
        words,
        grid,
        results.filter((it) => it.setting === setting),
      ),
    ),
    ...section(
      'CPU time of the processes between client and server for one piece of work, µs.',
      grid,
      ['', 'for each', 'route', ''],
      results.flatMap(cpuLines),
    ),
    measured.map((route) => `- ${route}: ${routeMeanings[route]}`).join('\n'),
  ].join('\n\n')
}

const settings: readonly (readonly [Result['setting'], string])[] = [
  ['near', 'Side by side on one machine: medians, ± half of the distance from the least to the most.'],
  ['far', 'With 50 ms of round trip between the gateway and the agent.'],
  ['cores', "With one process that carries the gateway's traffic, and with two."],
  ['ssh', "OpenSSH's clients to an OpenSSH server, with the same cipher."],
  ['alone', 'Processes by themselves.'],
]

function figures(words: string, grid: Grid, results: readonly Result[]): readonly string[] {
  const routes = routeNames.filter((route) => results.some((result) => result.routes[route]))
  const lines = results
    .filter((result) => Object.keys(result.routes).length > 0)
    .map((result) => figureLine(result, routes))
  return section(words, grid, ['', '', ...routes], lines)
}

/** Nothing where there is nothing to show. */
function section(words: string, grid: Grid, head: Line, lines: readonly Line[]): readonly string[] {
  return lines.length === 0 ? [] : [words, grid(head, lines)]
}

export function comparisonOf(changes: readonly Change[], grid: Grid): string {
  const lines = changes.map(({ what, unit, before, after, ratio, verdict }) => [
    what,
    unit,
    spreadWords(before),
    spreadWords(after),
    ratio.toFixed(2),
    verdict,
  ])
  return [
    'Before and after: noise where the values of both overlap.',
    grid(['', '', 'before', 'after', 'ratio', ''], lines),
  ].join('\n\n')
}

function figureLine({ name, unit, routes }: Result, measured: readonly (keyof typeof routes)[]): Line {
  return [name, unit, ...measured.map((route) => spreadWords(routes[route]?.spread))]
}

/** Rows that come of one measurement share its CPU time: it stands beside the first of them. */
function cpuLines({ name, work, routes }: Result, at: number, all: readonly Result[]): Line[] {
  const before = all[at - 1]
  if (before && sameCpu(before, all[at]!)) return []
  return routeNames.flatMap((route) => {
    const costs = Object.entries(routes[route]?.cpu ?? {})
    if (costs.length === 0) return []
    return [
      [
        name,
        work ?? '',
        route,
        costs.map(([process, spread]) => `${process} ${spreadWords(spread)}`).join(', '),
      ],
    ]
  })
}

function sameCpu(one: Result, other: Result): boolean {
  const cpu = ({ routes }: Result): string => JSON.stringify(Object.values(routes).map((it) => it.cpu))
  return cpu(one) === cpu(other)
}

function targetLines({ name, targets }: Result): Line[] {
  return targets.map((target) => [name, ...targetWords(target)])
}

function targetWords({ better, limit, words, value, isMet, why }: TargetResult): Line {
  const wanted = `${better === 'higher' ? '≥' : '≤'} ${short(limit)} ${words}`
  if (!value) return ['-', wanted, `not measured: ${why}`]
  const spread = `${short(value.median)} (${short(value.least)}–${short(value.most)})`
  return [spread, wanted, isMet === true ? 'met' : 'not met']
}

function spreadWords(spread: Spread | undefined): string {
  if (!spread) return '-'
  const { median, least, most } = spread
  const share = most === least ? 0 : Math.abs((most - least) / 2 / median)
  return Number.isFinite(share)
    ? `${short(median)} ±${Math.round(share * 100)}%`
    : `${short(least)}–${short(most)}`
}

/** Three digits that mean something. */
function short(value: number): string {
  if (Math.abs(value) >= 1000) return String(Math.round(value))
  return String(Number(value.toPrecision(3)))
}
