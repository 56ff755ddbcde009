import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { soon } from '../world/soon.ts'
import type { Ground } from './ground.ts'
import type { Load } from './load.ts'
import { descriptorsOf, type Probe } from './probe.ts'

/** What must hold once everybody has left. */
export interface Invariant {
  readonly words: string
  readonly holds: boolean
  readonly detail: string
}

/** Before the first client, and after the first few. */
export interface Baseline {
  readonly gateway: number
  readonly agent: number
}

export async function baselineOf(ground: Ground, probe: Probe): Promise<Baseline> {
  await soon(async () => ((await probe.backends()) === 0 ? true : undefined), patienceMs)
  const gateway = (await probe.metrics()).sum('process_open_fds')
  return { gateway, agent: descriptorsOf(ground.sallyport.agent.pid) }
}

export async function invariantsOf(
  ground: Ground,
  probe: Probe,
  load: Load,
  baseline: Baseline,
): Promise<Invariant[]> {
  const left = await whatIsLeft(probe)
  const metrics = await probe.metrics()
  const descriptors = {
    gateway: metrics.sum('process_open_fds'),
    agent: descriptorsOf(ground.sallyport.agent.pid),
  }
  const rows = Number((await ground.server.query('select count(*) as n from ledger', 'shop'))[0]?.['n'])
  const faults = metrics.sum('sallyport_faults_total', ownFaults)
  return [
    {
      words: 'Nobody is left behind',
      holds: Object.values(left).every((count) => count === 0),
      detail: Object.entries(left)
        .map(([what, count]) => `${count} ${what}`)
        .join(', '),
    },
    {
      words: 'As many descriptors as at the start',
      holds:
        descriptors.gateway <= baseline.gateway + spareDescriptors &&
        descriptors.agent <= baseline.agent + spareDescriptors,
      detail: `gateway ${baseline.gateway} → ${descriptors.gateway}, agent ${baseline.agent} → ${descriptors.agent}`,
    },
    ...(await recordings(ground, probe, metrics.sum('sallyport_sessions_opened_total'))),
    {
      words: 'Every row that a client was told is there, is there',
      holds: rows >= load.acknowledged,
      detail: `${load.acknowledged} acknowledged, ${rows} there`,
    },
    {
      words: 'Nothing of ours broke',
      holds: faults === 0,
      detail: [`${faults} faults of the gateway`, ...errorsIn(ground.sallyport.gateway.output)].join(': '),
    },
    {
      words: 'Nobody was told anything unexpected',
      holds: load.unexpected.length === 0,
      detail: `${load.unexpected.length} of ${load.came} clients`,
    },
  ]
}

/** The first few of our own that a log of JSON lines tells of. */
function errorsIn(log: string): string[] {
  return log
    .split('\n')
    .filter((line) => line.includes('"level":"error"') && ownFaults.test(line))
    .slice(0, 3)
}

/** In a log and in metrics. */
const ownFaults = /gateway\/(internal|cannot-record|store-unavailable)/

/** Waits for what needs a moment: side connections close after some seconds of rest. */
async function whatIsLeft(probe: Probe) {
  const count = async () => {
    const metrics = await probe.metrics()
    return {
      sessions: metrics.sum('sallyport_sessions_live'),
      connections: metrics.sum('sallyport_client_connections'),
      streams: metrics.sum('sallyport_tunnel_streams'),
      'connections to the target': await probe.backends(),
      'held operations': metrics.sum('sallyport_reviews_waiting'),
    }
  }
  return await soon(async () => {
    const left = await count()
    return Object.values(left).every((each) => each === 0) ? left : undefined
  }, patienceMs).catch(count)
}

async function recordings(ground: Ground, probe: Probe, opened: number): Promise<Invariant[]> {
  const directory = join(probe.dataDirectory, 'recordings')
  const ids = readdirSync(directory, { recursive: true, encoding: 'utf8' }).flatMap(
    (name) => /\bsealed\/.*?(ses_[0-9A-Za-z]+)\.recording$/.exec(name)?.[1] ?? [],
  )
  const { client } = ground.person('admin')
  const unsound: string[] = []
  let events = 0
  for (const id of ids) {
    const verdict = await client.sessions.verify({ id })
    events += verdict.events
    if (verdict.state !== 'sound') unsound.push(`${id} is ${verdict.state}: ${verdict.detail}`)
  }
  return [
    {
      words: 'Every session has its recording',
      holds: ids.length === opened,
      detail: `${opened} sessions, ${ids.length} sealed recordings`,
    },
    {
      words: 'Every recording verifies',
      holds: unsound.length === 0,
      detail: unsound[0] ?? `${ids.length} recordings with ${events} events: chain, seal and signature`,
    },
  ]
}

const patienceMs = 60_000
/** Such as a journal that was just begun, or a connection of the API that is kept alive. */
const spareDescriptors = 6
