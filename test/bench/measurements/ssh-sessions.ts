import { mustRun } from '../../world/process.ts'
import { CpuWatch } from '../cpu.ts'
import { atLeast, type Measurement, type Reading } from '../measurement.ts'
import type { Route } from '../route.ts'

/** Log in, run `true`, leave: four clients that do nothing else. */
export const sshSessions: Measurement = {
  setting: 'ssh',
  routes: ['direct', 'sallyport'],
  work: 'session',
  rows: [
    {
      name: 'SSH, new sessions',
      figure: 'perSecond',
      unit: '/s',
      better: 'higher',
      targets: [atLeast(0.5, 'direct', 'of OpenSSH directly')],
    },
  ],
  measure: (route, { seconds }) => sessions(route, seconds),
}

async function sessions(route: Route, seconds: number): Promise<Reading> {
  const { options, environment } = route.ssh!
  using watch = new CpuWatch(route.processes)
  const begin = performance.now()
  const until = begin + seconds * 1000
  const client = async (): Promise<number> => {
    let count = 0
    while (performance.now() < until) {
      await mustRun('ssh', [...options, 'gateway', 'true'], { environment })
      count++
    }
    return count
  }
  const counts = await Promise.all(Array.from({ length: atOnce }, client))
  const count = counts.reduce((sum, one) => sum + one, 0)
  const took = (performance.now() - begin) / 1000
  return { figures: { perSecond: count / took }, cpu: watch.costOfEach(count) }
}

const atOnce = 4
