import { constants, setPriority } from 'node:os'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { sourceAddress, type SessionId, type Subject } from '@sallyport/core'
import { compilePolicies, PolicyError, Simulation, type RecordedSession } from '@sallyport/policy'
import { NoSuchRecording, readerIn, UnreadableFile } from '@sallyport/recording'
import type { SimulationTold, SimulationWork } from './simulation-work.ts'

/** Judges what was recorded by two sets of policies, in a thread of its own: the one work that it is started with. */

const subjects = new Map<string, Subject>()
const progressMs = 500
const tell = (told: SimulationTold): void => parentPort?.postMessage(told)
// What is built may have this file's code in a part that others load, too.
if (!isMainThread && isWork(workerData)) {
  // On Linux a thread has a priority of its own: this one takes what sessions leave.
  if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_LOW)
  try {
    await simulate(workerData)
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    tell({ kind: 'invalid', problems: error.problems })
  }
}

function isWork(data: unknown): data is SimulationWork {
  return typeof data === 'object' && data !== null && 'sinceMs' in data
}

async function simulate({ before, after, vocabulary, detectorTags, ...from }: SimulationWork): Promise<void> {
  const compiled = [before, after].map((policies) =>
    compilePolicies({ policies, vocabulary, version: 'simulated', detectorTags }),
  )
  const [old, now] = compiled
  if (old === undefined || now === undefined) return
  const simulation = new Simulation(old, now)
  const sizes = new Map(from.sessions.map(({ session, sizeBytes }) => [session, sizeBytes]))
  const reader = readerIn(from.directories, from.encryptionKey, (session) => {
    const sizeBytes = sizes.get(session)
    return sizeBytes === undefined ? undefined : { sizeBytes, pending: [] }
  })
  let unreadable = 0
  let toldMs = performance.now()
  const progress = (): void => {
    if (performance.now() - toldMs < progressMs) return
    toldMs = performance.now()
    tell({ kind: 'progress', ...simulation.progress })
  }
  tell({ kind: 'progress', ...simulation.progress })
  for (const { session } of from.sessions) {
    try {
      await judge(session, simulation, reader, from, progress)
    } catch (error) {
      if (!(error instanceof NoSuchRecording || error instanceof UnreadableFile)) throw error
      unreadable++
    }
  }
  tell({ kind: 'done', report: { ...simulation.report(), unreadable } })
}

async function judge(
  session: SessionId,
  simulation: Simulation,
  reader: ReturnType<typeof readerIn>,
  { resources, sinceMs }: Pick<SimulationWork, 'resources' | 'sinceMs'>,
  progress: () => void,
): Promise<void> {
  let one: RecordedSession | undefined
  for await (const event of reader.read(session)) {
    if (event.kind === 'opened') {
      const resource = resources.get(event.resource)
      if (resource === undefined) return
      one = { session, subject: subjectOf(event, event.clientAddress), resource, account: event.account }
      if (event.at >= sinceMs) simulation.connect(one, event.at)
    } else if (event.kind === 'operation' && one !== undefined && event.at >= sinceMs) {
      simulation.operation(one, event)
      progress()
    }
  }
}

/** One object for the same person, whose standing is then remembered. */
function subjectOf({ principal, actor, scope, signedIn }: Subject, clientAddress: string): Subject {
  const source = sourceAddress(clientAddress)
  const key = JSON.stringify([principal, actor, scope, signedIn, source])
  let subject = subjects.get(key)
  if (subject === undefined) {
    subject = {
      principal,
      actor,
      ...(scope !== undefined && { scope }),
      ...(signedIn !== undefined && { signedIn }),
      ...(source !== undefined && { source }),
    }
    subjects.set(key, subject)
  }
  return subject
}
