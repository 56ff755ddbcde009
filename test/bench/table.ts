import { routeNames } from './measurement.ts'
import type { Result, TargetResult } from './results.ts'
import type { Spread } from './spread.ts'

/** The results for people, in 120 columns: what was measured, what CPU it took, and each target beside its result. */
export function tablesOf(results: readonly Result[]): string {
  return [
    'Medians, ± half of the distance between the least and the most of them',
    grid(figureLines(results)),
    'CPU time for one piece of work, µs',
    grid(cpuLines(results)),
    'Targets, as medians of the ratios within each round',
    grid(targetLines(results)),
  ].join('\n\n')
}

type Line = readonly string[]

function figureLines(results: readonly Result[]): Line[] {
  const routes = routeNames.filter((route) => results.some((result) => result.routes[route]))
  return [
    ['', '', ...routes],
    ...results.map(({ name, unit, routes: measured }) => [
      name,
      unit,
      ...routes.map((route) => spreadWords(measured[route]?.spread)),
    ]),
  ]
}

/** A line for each route of each measurement; rows of one measurement share its CPU time. */
function cpuLines(results: readonly Result[]): Line[] {
  const lines: Line[] = []
  const seen = new Set<string>()
  for (const { name, routes } of results) {
    for (const [route, result] of Object.entries(routes)) {
      const costs = Object.entries(result.cpu)
      const words = costs.map(([process, spread]) => `${process} ${spreadWords(spread)}`).join(', ')
      if (costs.length === 0 || seen.has(`${route} ${words}`)) continue
      seen.add(`${route} ${words}`)
      lines.push([name, route, words])
    }
  }
  return lines
}

function targetLines(results: readonly Result[]): Line[] {
  return results.flatMap(({ name, targets }) => targets.map((target) => [name, ...targetWords(target)]))
}

function targetWords({ better, limit, words, value, isMet }: TargetResult): Line {
  const wanted = `${better === 'higher' ? '≥' : '≤'} ${short(limit)} ${words}`
  if (!value) return ['-', wanted, 'not measured']
  const spread = `${short(value.median)} (${short(value.least)}–${short(value.most)})`
  return [spread, wanted, isMet ? 'met' : 'not met']
}

function spreadWords(spread: Spread | undefined): string {
  if (!spread) return '-'
  const { median, least, most } = spread
  return `${short(median)} ±${Math.round(((most - least) / 2 / median) * 100)}%`
}

/** Three digits that mean something. */
function short(value: number): string {
  if (value >= 1000) return String(Math.round(value))
  return String(Number(value.toPrecision(3)))
}

function grid(lines: readonly Line[]): string {
  const widths: number[] = []
  for (const line of lines)
    for (const [at, cell] of line.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  return lines
    .map((line) =>
      line
        .map((cell, at) => cell.padEnd(widths[at]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
