import type { TestBed } from './bed.ts'
import type { CpuCost } from './cpu.ts'
import type { Route, RouteName } from './route.ts'

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

/** A thing that is run, again and again, and the lines of the table that come of it. */
export type Measurement = Compared | Alone

interface Common {
  readonly rows: readonly Row[]
  /** What CPU time is counted for, such as `transaction`. */
  readonly work?: string
  /** One that takes long, or varies little, need not be run in every round. */
  readonly mostRounds?: number
}

/**
 * Where the routes are. `near`: side by side on this machine. `far`: with 50 ms of round trip between the gateway and the agent.
 * `cores`: the gateway with one process and with two. `ssh`: an OpenSSH server, and the product in front of it.
 */
export type SettingName = 'near' | 'far' | 'cores' | 'ssh'

/** Run on each of its routes in turn. */
export interface Compared extends Common {
  readonly setting: SettingName
  readonly routes: readonly RouteName[]
  /** @throws Error where an answer was wrong: then the whole bench fails. */
  measure(this: void, route: Route, ground: Ground): Promise<Reading>
}

/** Starts a deployment of its own, which counts as the route `sallyport`. */
export interface Alone extends Common {
  readonly setting: 'alone'
  /** @returns why not, where it cannot be measured here. @throws Error where an answer was wrong */
  measure(this: void, ground: Ground): Promise<Reading | string>
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

/** No more than so much, in the row's own unit. */
export function atMost(limit: number, words = ''): Target {
  return { words, of: (figure) => figure('sallyport'), limit, better: 'lower', needs: ['sallyport'] }
}
