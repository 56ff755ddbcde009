import type { Measurement } from '../measurement.ts'
import { pgbench } from '../pgbench.ts'

const name = 'latency, c=1, prepared'

/** One client that waits for each answer before it asks again. */
export const latency: Measurement = {
  setting: 'near',
  routes: ['direct', 'relay', 'haproxy', 'tunnel', 'policy', 'sallyport'],
  work: 'transaction',
  rows: [
    {
      name: `${name}, p50`,
      figure: 'p50Ms',
      unit: 'ms',
      better: 'lower',
      targets: [
        {
          words: "× the relay's added time",
          of: (figure) => (figure('sallyport') - figure('direct')) / (figure('relay') - figure('direct')),
          limit: 1.6,
          better: 'lower',
          needs: ['direct', 'relay', 'sallyport'],
        },
      ],
    },
    { name: `${name}, p99`, figure: 'p99Ms', unit: 'ms', better: 'lower', targets: [] },
  ],
  measure: async (route, ground) => {
    const { p50Ms, p99Ms, cpu } = await pgbench(route, ground, { load: 'prepared', clients: 1 })
    return { figures: { p50Ms, p99Ms }, cpu }
  },
}
