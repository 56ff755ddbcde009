import { measurementNames, type MeasurementName } from './measurements.ts'
import type { RouteName } from './routes.ts'
import type { Samples } from './samples.ts'
import { median, spreadOf, type Spread } from './spread.ts'

/** What was aimed at: a ratio of routes within one round, the median of which must be on the right side. */
export interface Target {
  readonly measurement: MeasurementName
  readonly words: string
  readonly ratio: (round: (route: RouteName) => number) => number
  readonly limit: number
  readonly better: 'higher' | 'lower'
  readonly needs: readonly RouteName[]
}

export interface ResultRow {
  readonly measurement: MeasurementName
  readonly unit: string
  readonly direct: Spread | undefined
  readonly relay: Spread | undefined
  readonly sallyport: Spread | undefined
  readonly masked: Spread | undefined
  readonly targets: readonly TargetResult[]
}

export interface TargetResult {
  readonly words: string
  readonly better: 'higher' | 'lower'
  readonly limit: number
  /** Absent where a route was not there. */
  readonly ratio: number | undefined
  readonly isMet: boolean | undefined
}

const perSecondBesideRelay = (measurement: MeasurementName): Target => ({
  measurement,
  words: 'of the relay',
  ratio: (round) => round('sallyport') / round('relay'),
  limit: 0.7,
  better: 'higher',
  needs: ['relay', 'sallyport'],
})

const besideDirect = (measurement: MeasurementName): Target => ({
  measurement,
  words: 'of direct',
  ratio: (round) => round('sallyport') / round('direct'),
  limit: 0.9,
  better: 'higher',
  needs: ['direct', 'sallyport'],
})

const targets: readonly Target[] = [
  {
    measurement: 'latency, c=1, prepared',
    words: "of the relay's added time",
    ratio: (round) => (round('sallyport') - round('direct')) / (round('relay') - round('direct')),
    limit: 1.6,
    better: 'lower',
    needs: ['direct', 'relay', 'sallyport'],
  },
  perSecondBesideRelay('throughput, c=16, prepared'),
  perSecondBesideRelay('throughput, c=16, extended'),
  perSecondBesideRelay('throughput, c=16, simple'),
  besideDirect('COPY out'),
  {
    measurement: 'COPY out',
    words: 'of unmasked, one of five columns masked',
    ratio: (round) => round('masked') / round('sallyport'),
    limit: 0.5,
    better: 'higher',
    needs: ['sallyport', 'masked'],
  },
  besideDirect('COPY in'),
]

export function resultRows(samples: Samples): readonly ResultRow[] {
  return measurementNames
    .filter((measurement) => samples.of(measurement, 'direct').length > 0)
    .map((measurement) => {
      const spread = (route: RouteName): Spread | undefined => spreadOf(samples.of(measurement, route))
      return {
        measurement,
        unit: unitOf(measurement),
        direct: spread('direct'),
        relay: spread('relay'),
        sallyport: spread('sallyport'),
        masked: spread('masked'),
        targets: targets
          .filter((target) => target.measurement === measurement)
          .map((target) => judge(target, samples)),
      }
    })
}

function unitOf(measurement: MeasurementName): string {
  if (measurement.startsWith('latency')) return 'ms (p50)'
  return measurement.startsWith('COPY') ? 'MB/s' : 'per second'
}

function judge(target: Target, samples: Samples): TargetResult {
  const { measurement, words, better, limit, needs } = target
  const rounds = Math.min(...needs.map((route) => samples.of(measurement, route).length))
  const ratios = Array.from({ length: rounds }, (_, round) =>
    target.ratio((route) => samples.of(measurement, route)[round]!),
  )
  const ratio = rounds === 0 ? undefined : median(ratios)
  const isMet = ratio === undefined ? undefined : better === 'higher' ? ratio >= limit : ratio <= limit
  return { words, better, limit, ratio, isMet }
}
