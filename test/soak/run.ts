import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { findClient } from '../world/postgres-binaries.ts'
import { Ground } from './ground.ts'
import { baselineOf, invariantsOf, type Invariant } from './invariants.ts'
import { judge, type Line, type Verdict } from './judge.ts'
import { lines } from './lines.ts'
import { Load } from './load.ts'
import type { SoakOptions } from './options.ts'
import { Probe } from './probe.ts'
import type { Sample } from './sample.ts'
import { accessVisits } from './visits/access.ts'
import { programVisits } from './visits/programs.ts'
import { connect } from './visits/raw.ts'
import { rawVisits } from './visits/raw.ts'
import type { Visit } from './visits/visit.ts'

/** All that a run found. */
export interface Findings {
  readonly options: SoakOptions
  readonly machine: string
  readonly startedAt: Date
  readonly load: Pick<Load, 'tallies' | 'unexpected' | 'restarts' | 'came'>
  readonly samples: readonly Sample[]
  readonly judged: readonly Judged[]
  readonly invariants: readonly Invariant[]
}

export interface Judged {
  readonly line: Line
  readonly verdict: Verdict
}

/** Clients whose programs are on this machine. */
export function availableVisits(): readonly Visit[] {
  return [...rawVisits, ...accessVisits, ...programVisits].filter(
    ({ needs }) => needs === undefined || findClient(needs) !== undefined,
  )
}

export function isGood({ judged, invariants }: Findings): boolean {
  return (
    invariants.every(({ holds }) => holds) &&
    judged.every(({ verdict }) => verdict.state !== 'rises' && verdict.state !== 'falls')
  )
}

/** One run, from an empty machine to the verdicts. `tell` gets a line now and then. */
export async function soak(options: SoakOptions, tell: (line: string) => void): Promise<Findings> {
  const startedAt = new Date()
  const random = chance(options.seed)
  await using ground = await Ground.lay(options.processes)
  await using probe = await Probe.open(ground)
  await firstClients(ground)
  const baseline = await baselineOf(ground, probe)

  const lengthMs = options.minutes * 60_000
  const fromMs = performance.now()
  const now = (): number => performance.now() - fromMs
  const restartEveryMs = Math.min(mostBetweenRestartsMs, lengthMs / 3)
  const load = new Load(ground, availableVisits(), { factor: options.factor, restartEveryMs, random, now })
  const end = new AbortController()
  const running = load.run(end.signal)
  const samples: Sample[] = []
  const everyMs = Math.max(leastBetweenSamplesMs, lengthMs / mostSamples)
  // The first look has nothing to compare with.
  await probe.look(now(), { visits: 0, unexpected: 0 })
  while (now() < lengthMs) {
    await Promise.race([sleep(everyMs), running])
    const sample = await probe.look(now(), { visits: load.came, unexpected: load.unexpected.length })
    samples.push(sample)
    tell(progressLine(sample, lengthMs))
  }
  end.abort()
  await running
  tell('everybody has left; looking at what is')
  await ground.refreshTokens()
  const invariants = await invariantsOf(ground, probe, load, baseline)
  const judged = lines.map((line) => ({ line, verdict: judge(line, samples) }))
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node.js ${process.version}, PostgreSQL ${ground.server.version}`
  return { options, machine, startedAt, load, samples, judged, invariants }
}

/** So that what is made once, at the first client, is there before anything is counted. */
async function firstClients(ground: Ground): Promise<void> {
  const { signal } = new AbortController()
  for (const role of ['worker', 'careful', 'masked'] as const) {
    const visitor = { ground, random: Math.random, signal, acknowledged: () => {} }
    await using client = await connect(visitor, role)
    client.send(Buffer.from([0x53, 0, 0, 0, 4])) // Sync
    await client.untilReady()
  }
}

function progressLine({ atMs, gateway, visits, unexpected }: Sample, lengthMs: number): string {
  const minutes = (ms: number): string => `${(ms / 60_000).toFixed(1)}`
  return [
    `${minutes(atMs)}/${minutes(lengthMs)} min`,
    `${visits} clients`,
    `${gateway.sessions} live`,
    `${gateway.operationsPerSecond.toFixed(0)} operations/s`,
    `${(gateway.rss / 1024 / 1024).toFixed(0)} MB`,
    `loop ${gateway.loopDelayMs} ms`,
    `${unexpected} unexpected`,
  ].join('  ')
}

/** Park and Miller: the same for the same seed, from 0 to 1. */
function chance(seed: number): () => number {
  let state = Math.max(1, Math.floor(seed) % 2_147_483_646)
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

const leastBetweenSamplesMs = 500
const mostSamples = 600
const mostBetweenRestartsMs = 90_000
