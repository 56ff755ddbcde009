import type { CpuCost } from './cpu.ts'
import type { Reading } from './measurement.ts'
import type { RouteName } from './route.ts'

/** What one row has of one route, in the order of rounds. */
export interface Series {
  readonly values: readonly number[]
  readonly cpu: readonly CpuCost[]
}

/** What was measured, by row and route, in the order of rounds. */
export class Samples {
  readonly #series = new Map<string, Map<RouteName, { values: number[]; cpu: CpuCost[] }>>()

  add(row: { readonly name: string; readonly figure: string }, route: RouteName, reading: Reading): void {
    const value = reading.figures[row.figure]
    if (value === undefined) throw new Error(`${row.name}: no figure ${row.figure}`)
    const routes = this.#series.get(row.name) ?? new Map<RouteName, { values: number[]; cpu: CpuCost[] }>()
    const series = routes.get(route) ?? { values: [], cpu: [] }
    series.values.push(value)
    if (reading.cpu) series.cpu.push(reading.cpu)
    this.#series.set(row.name, routes.set(route, series))
  }

  /** Empty where it was not measured. */
  of(row: string, route: RouteName): Series {
    return this.#series.get(row)?.get(route) ?? { values: [], cpu: [] }
  }

  has(row: string): boolean {
    return this.#series.has(row)
  }
}
