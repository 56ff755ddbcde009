import type { Measurement } from '../measurement.ts'
import { pgbench } from '../pgbench.ts'

/** Log in, ask once, leave: sixteen clients that do nothing else. */
export const newSessions: Measurement = {
  setting: 'near',
  routes: ['direct', 'relay', 'haproxy', 'tunnel', 'policy', 'sallyport'],
  work: 'session',
  rows: [
    {
      name: 'new sessions',
      figure: 'perSecond',
      unit: '/s',
      better: 'higher',
      targets: [
        {
          words: 'a second',
          of: (figure) => figure('sallyport'),
          limit: 300,
          better: 'higher',
          needs: ['sallyport'],
        },
      ],
    },
  ],
  measure: async (route, ground) => {
    const options = { load: 'prepared', clients: 16, reconnects: true } as const
    const { perSecond, cpu } = await pgbench(route, ground, options)
    return { figures: { perSecond }, cpu }
  },
}
