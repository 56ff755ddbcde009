import { setTimeout as sleep } from 'node:timers/promises'
import { buildSallyport } from '../../world/built.ts'
import { startSallyport } from '../../world/sallyport.ts'
import { CpuWatch } from '../cpu.ts'
import { atMost, type Measurement, type Reading } from '../measurement.ts'
import { residentBytes } from '../resident.ts'

const restMs = 30_000

/** An agent as it is installed, that has nothing to do. */
export const atRest: Measurement = {
  setting: 'alone',
  mostRounds: 3,
  rows: [
    {
      name: 'agent, from start to attached',
      figure: 'attachedMs',
      unit: 'ms',
      better: 'lower',
      targets: [atMost(500, 'ms')],
    },
    {
      name: 'agent at rest, memory',
      figure: 'megabytes',
      unit: 'MB',
      better: 'lower',
      targets: [atMost(80, 'MB')],
    },
    {
      name: 'agent at rest, CPU',
      figure: 'cpuPercent',
      unit: '%',
      better: 'lower',
      targets: [atMost(0.5, '% of a core')],
    },
  ],
  measure,
}

async function measure(): Promise<Reading | string> {
  if (process.platform !== 'linux') return 'memory and CPU time are read from /proc'
  await using built = await buildSallyport()
  await using sallyport = await startSallyport({ command: built.command })
  await sallyport.agent.stop()
  const begin = performance.now() // enrolled already: what an agent does each time it starts
  await using agent = await sallyport.startAgentAs('agent')
  await agent.line(/attached/)
  const attachedMs = performance.now() - begin
  await sleep(5_000) // what starting up leaves to be done is not rest
  using watch = new CpuWatch([{ name: 'agent', pids: agent.family }])
  await sleep(restMs)
  const seconds = restMs / 1000
  const cpuPercent = (watch.costOfEach(seconds)!['agent']! / 1e6) * 100
  return { figures: { attachedMs, megabytes: residentBytes(agent.pid) / 1e6, cpuPercent } }
}
