import { atLeast, type Measurement } from '../measurement.ts'
import { pgbench, type PgbenchOptions } from '../pgbench.ts'

/** Many clients at once, in each of the ways in which a driver may ask. */
export const throughputs: readonly Measurement[] = [
  throughput({ protocol: 'prepared', clients: 16 }),
  throughput({ protocol: 'prepared', clients: 64 }),
  throughput({ protocol: 'extended', clients: 16 }),
  throughput({ protocol: 'simple', clients: 16 }),
]

function throughput(load: PgbenchOptions): Measurement {
  return {
    routes: ['direct', 'relay', 'sallyport'],
    work: 'transaction',
    rows: [
      {
        name: `throughput, c=${load.clients}, ${load.protocol}`,
        figure: 'perSecond',
        unit: '/s',
        better: 'higher',
        targets: [atLeast(0.7, 'relay', 'of the relay')],
      },
    ],
    measure: async (route, ground) => {
      const { perSecond, cpu } = await pgbench(route, ground, load)
      return { figures: { perSecond }, cpu }
    },
  }
}
