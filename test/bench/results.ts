import type { Measurement, Row, Target } from './measurement.ts'
import { routeNames, type RouteName } from './route.ts'
import type { Rounds } from './rounds.ts'
import { spreadOf, type Spread } from './spread.ts'

/** What became of a row. */
export interface Result {
  readonly name: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly setting: Measurement['setting']
  /** What CPU time is counted for. */
  readonly work: string | undefined
  readonly routes: Partial<Record<RouteName, RouteResult>>
  readonly targets: readonly TargetResult[]
}

export interface RouteResult {
  readonly spread: Spread
  /** In the order of rounds. */
  readonly values: readonly number[]
  /** Microseconds of CPU for one piece of work, by process. */
  readonly cpu: Readonly<Record<string, Spread>>
}

export interface TargetResult {
  readonly words: string
  readonly better: 'higher' | 'lower'
  readonly limit: number
  /** Over the rounds; absent where a route was not measured. */
  readonly value?: Spread
  /** By the median. */
  readonly isMet?: boolean
  /** Why it was not measured. */
  readonly why?: string
}

export function resultsOf(measurements: readonly Measurement[], rounds: Rounds): readonly Result[] {
  const rows = measurements.flatMap(({ rows, setting, work }) =>
    rows.map((row) => ({ ...row, setting, work })),
  )
  return rows.map((row) => ({
    name: row.name,
    unit: row.unit,
    better: row.better,
    setting: row.setting,
    work: row.work,
    routes: routesOf(row, rounds),
    targets: row.targets.map((target) => judge(target, row, rounds)),
  }))
}

function routesOf(row: Row, { samples }: Rounds): Partial<Record<RouteName, RouteResult>> {
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

function judge({ of, needs, ...target }: Target, row: Row, { samples, missing }: Rounds): TargetResult {
  const rounds = Math.min(...needs.map((route) => samples.of(row.name, route).values.length))
  const value = spreadOf(
    Array.from({ length: rounds }, (_, round) =>
      of((route) => samples.of(row.name, route).values[round] ?? NaN),
    ),
  )
  if (!value) {
    const absent = needs.filter((route) => samples.of(row.name, route).values.length === 0)
    const why = absent.map((route) => missing.get(row.name)?.[route] ?? `nothing of ${route}`).join('; ')
    return { ...target, why }
  }
  const { better, limit } = target
  return { ...target, value, isMet: better === 'higher' ? value.median >= limit : value.median <= limit }
}
