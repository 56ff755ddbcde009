import { atLeast, type Measurement } from '../measurement.ts'
import { pgbench, type PgbenchOptions } from '../pgbench.ts'

/** Many clients at once, in each of the ways in which a driver may ask. */
export const throughputs: readonly Measurement[] = [
  throughput({ load: 'prepared', clients: 16 }),
  throughput({ load: 'prepared', clients: 64 }),
  throughput({ load: 'extended', clients: 16 }),
  throughput({ load: 'new literals', clients: 16 }),
  throughput({ load: 'new texts', clients: 16 }),
]

function throughput(options: PgbenchOptions): Measurement {
  return {
    setting: 'near',
    routes: ['direct', 'relay', 'haproxy', 'tunnel', 'policy', 'sallyport'],
    work: 'transaction',
    rows: [
      {
        name: `throughput, c=${options.clients}, ${options.load}`,
        figure: 'perSecond',
        unit: '/s',
        better: 'higher',
        targets: [
          atLeast(0.7, 'relay', 'of the relay'),
          ...(options.clients === 16 && options.load === 'prepared'
            ? [atLeast(0.45, 'haproxy', 'of HAProxy')]
            : []),
        ],
      },
    ],
    measure: async (route, ground) => {
      const { perSecond, cpu } = await pgbench(route, ground, options)
      return { figures: { perSecond }, cpu }
    },
  }
}
