import type { TestBed } from './bed.ts'
import type { Compared, Measurement, Reading, SettingName } from './measurement.ts'
import type { OpenRoutes, Route, RouteName } from './route.ts'
import { Samples } from './samples.ts'

export interface Rounds {
  readonly samples: Samples
  /** Why a row has nothing of a route. */
  readonly missing: ReadonlyMap<string, Partial<Record<RouteName, string>>>
}

/**
 * Rounds are interleaved, and the first route of one is the last of the next: drift of the machine hits all alike.
 * @throws Error where an answer was wrong
 */
export async function runRounds(
  measurements: readonly Measurement[],
  settings: Readonly<Record<SettingName, OpenRoutes>>,
  ground: { readonly bed: TestBed; readonly seconds: number; readonly rounds: number },
  progress: (line: string) => void,
): Promise<Rounds> {
  const { bed, seconds, rounds } = ground
  const samples = new Samples()
  const missing = new Map<string, Partial<Record<RouteName, string>>>()
  const miss = (measurement: Measurement, route: RouteName, why: string): void => {
    for (const { name } of measurement.rows) missing.set(name, { ...missing.get(name), [route]: why })
  }
  const keep = (round: number, measurement: Measurement, route: RouteName, reading: Reading): void => {
    for (const row of measurement.rows) {
      samples.add(row, route, reading)
      const value = `${Number(reading.figures[row.figure]!.toPrecision(4))} ${row.unit}`
      progress(`round ${round + 1}/${rounds}  ${row.name}  ${route}  ${value}`)
    }
  }
  for (const measurement of measurements) {
    if (measurement.setting === 'alone') continue
    const open = settings[measurement.setting]
    for (const name of measurement.routes)
      if (open.missing[name] !== undefined) miss(measurement, name, open.missing[name])
    for (const route of routesOf(measurement, open)) {
      progress(`warming up  ${measurement.rows[0]!.name}  ${route.name}`)
      await measurement.measure(route, { bed, seconds: Math.max(seconds, warmUpSeconds) })
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const measurement of measurements) {
      if (round >= (measurement.mostRounds ?? rounds)) continue
      if (measurement.setting === 'alone') {
        const reading = await measurement.measure({ bed, seconds })
        if (typeof reading === 'string') miss(measurement, 'sallyport', reading)
        else keep(round, measurement, 'sallyport', reading)
        continue
      }
      for (const route of turned(routesOf(measurement, settings[measurement.setting]), round))
        keep(round, measurement, route.name, await measurement.measure(route, { bed, seconds }))
    }
  }
  return { samples, missing }
}

/** What a gateway costs while its code is still being compiled is not what it costs. */
const warmUpSeconds = 10

function routesOf({ routes }: Compared, open: OpenRoutes): readonly Route[] {
  return open.routes.filter(({ name }) => routes.includes(name))
}

/** Begins with another one in each round. */
function turned<T>(all: readonly T[], round: number): readonly T[] {
  const from = round % Math.max(1, all.length)
  return [...all.slice(from), ...all.slice(0, from)]
}
