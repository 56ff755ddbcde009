import { routeNames, type Row, type RouteName, type Target } from './measurement.ts'
import type { Samples } from './samples.ts'
import { median, spreadOf, type Spread } from './spread.ts'

/** What became of a row. */
export interface Result {
  readonly name: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly routes: Partial<Record<RouteName, RouteResult>>
  readonly targets: readonly TargetResult[]
}

export interface RouteResult {
  readonly spread: Spread
  readonly values: readonly number[]
  /** Microseconds of CPU for one piece of work, by process. */
  readonly cpu: Readonly<Record<string, Spread>>
}

export interface TargetResult {
  readonly words: string
  readonly better: 'higher' | 'lower'
  readonly limit: number
  /** Absent where a route was not there. */
  readonly value: Spread | undefined
  readonly isMet: boolean | undefined
}

/** Of the rows that were measured, in their order. */
export function resultsOf(rows: readonly Row[], samples: Samples): readonly Result[] {
  return rows
    .filter(({ name }) => samples.has(name))
    .map((row) => ({
      name: row.name,
      unit: row.unit,
      better: row.better,
      routes: routesOf(row, samples),
      targets: row.targets.map((target) => judge(target, row, samples)),
    }))
}

function routesOf(row: Row, samples: Samples): Partial<Record<RouteName, RouteResult>> {
  const results: Partial<Record<RouteName, RouteResult>> = {}
  for (const route of routeNames) {
    const { values, cpu } = samples.of(row.name, route)
    const spread = spreadOf(values)
    if (!spread) continue
    const processes = Object.keys(cpu[0] ?? {})
    results[route] = {
      spread,
      values,
      cpu: Object.fromEntries(processes.map((name) => [name, spreadOf(cpu.map((cost) => cost[name]!))!])),
    }
  }
  return results
}

function judge(target: Target, row: Row, samples: Samples): TargetResult {
  const { words, better, limit, needs } = target
  const rounds = Math.min(...needs.map((route) => samples.of(row.name, route).values.length))
  const values = Array.from({ length: rounds }, (_, round) =>
    target.of((route) => samples.of(row.name, route).values[round]!),
  )
  const value = spreadOf(values)
  const middle = median(values)
  const isMet = value && (better === 'higher' ? middle >= limit : middle <= limit)
  return { words, better, limit, value, isMet }
}
