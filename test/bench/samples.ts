import type { MeasurementName } from './measurements.ts'
import type { RouteName } from './routes.ts'

/** What was measured, by measurement and route, in the order of rounds. */
export class Samples {
  readonly #values = new Map<MeasurementName, Map<RouteName, number[]>>()

  add(measurement: MeasurementName, route: RouteName, value: number): void {
    const routes = this.#values.get(measurement) ?? new Map<RouteName, number[]>()
    this.#values.set(measurement, routes.set(route, [...(routes.get(route) ?? []), value]))
  }

  /** Empty where it was not measured. */
  of(measurement: MeasurementName, route: RouteName): readonly number[] {
    return this.#values.get(measurement)?.get(route) ?? []
  }

  all(): Record<string, Record<string, readonly number[]>> {
    return Object.fromEntries([...this.#values].map(([name, routes]) => [name, Object.fromEntries(routes)]))
  }
}
