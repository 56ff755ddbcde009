import type { Measurement } from '../measurement.ts'
import { pgbench } from '../pgbench.ts'

/** What a second process for the gateway's traffic brings. With a core for each of client, agent and server it would be more. */
export const processes: readonly Measurement[] = [16, 64].map((clients) => ({
  setting: 'cores',
  routes: ['sallyport', 'two'],
  work: 'transaction',
  rows: [
    {
      name: `one process and two, c=${clients}`,
      figure: 'perSecond',
      unit: '/s',
      better: 'higher',
      targets: [],
    },
  ],
  measure: async (route, ground) => {
    const { perSecond, cpu } = await pgbench(route, ground, { load: 'prepared', clients })
    return { figures: { perSecond }, cpu }
  },
}))
