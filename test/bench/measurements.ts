import type { Endpoint } from '../world/endpoint.ts'
import type { TestBed } from './bed.ts'
import { copyIn, copyOut } from './copy.ts'
import { pgbench } from './pgbench.ts'
import type { RouteName } from './routes.ts'

export const measurementNames = [
  'latency, c=1, prepared',
  'throughput, c=16, prepared',
  'throughput, c=16, extended',
  'throughput, c=16, simple',
  'COPY out',
  'COPY in',
] as const
export type MeasurementName = (typeof measurementNames)[number]

export interface Measurement {
  readonly name: MeasurementName
  readonly needs: readonly RouteName[]
  run(endpoint: Endpoint, bed: TestBed, options: { readonly seconds: number }): Promise<number>
}

const throughput = (protocol: 'prepared' | 'extended' | 'simple'): Measurement => ({
  name: `throughput, c=16, ${protocol}`,
  needs: ['direct', 'relay', 'sallyport'],
  run: async (endpoint, bed, { seconds }) =>
    (await pgbench(endpoint, bed, { protocol, clients: 16, seconds })).perSecond,
})

/** In the order in which a round takes them. */
export const measurements: readonly Measurement[] = [
  {
    name: 'latency, c=1, prepared',
    needs: ['direct', 'relay', 'sallyport'],
    run: async (endpoint, bed, { seconds }) =>
      (await pgbench(endpoint, bed, { protocol: 'prepared', clients: 1, seconds })).medianMs,
  },
  throughput('prepared'),
  throughput('extended'),
  throughput('simple'),
  { name: 'COPY out', needs: ['direct', 'relay', 'sallyport', 'masked'], run: copyOut },
  { name: 'COPY in', needs: ['direct', 'relay', 'sallyport'], run: copyIn },
]
