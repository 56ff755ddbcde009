import type { Endpoint } from '../world/endpoint.ts'
import type { TestBed } from './bed.ts'
import type { CpuCost, Watched } from './cpu.ts'

/** In the order in which tables show them. */
export const routeNames = ['direct', 'relay', 'sallyport', 'masked'] as const
export type RouteName = (typeof routeNames)[number]

/** A way to the server. */
export interface Route {
  readonly name: RouteName
  readonly endpoint: Endpoint
  /** What it consists of, between the client and the server. */
  readonly processes: readonly Watched[]
}

/** What a measurement works with, and how long it may take. */
export interface Ground {
  readonly bed: TestBed
  /** Of each run of a load. */
  readonly seconds: number
}

/** What one run showed, by the names that the rows use. */
export interface Reading {
  readonly figures: Readonly<Record<string, number>>
  /** CPU time of the route's processes for one {@link Measurement.work}; absent where it was not measured. */
  readonly cpu?: CpuCost | undefined
}

/** A thing that is run, again and again, on each of its routes, and the lines of the table that come of it. */
export interface Measurement {
  readonly rows: readonly Row[]
  readonly routes: readonly RouteName[]
  /** What CPU time is counted for, such as `transaction`. */
  readonly work?: string
  /** @throws Error where an answer was wrong: then the whole bench fails. */
  measure(this: void, route: Route, ground: Ground): Promise<Reading>
}

/** One line of the table. */
export interface Row {
  readonly name: string
  /** Which figure of the readings. */
  readonly figure: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly targets: readonly Target[]
}

/** What was aimed at: the median over the rounds of a figure of one round, which must be on the right side of the limit. */
export interface Target {
  readonly words: string
  /** Made of the figures of one round alone. */
  readonly of: (figure: (route: RouteName) => number) => number
  readonly limit: number
  readonly better: 'higher' | 'lower'
  readonly needs: readonly RouteName[]
}

/** At least so much of what another route does. */
export function atLeast(limit: number, of: RouteName, words: string, route: RouteName = 'sallyport'): Target {
  return {
    words,
    of: (figure) => figure(route) / figure(of),
    limit,
    better: 'higher',
    needs: [of, route],
  }
}
