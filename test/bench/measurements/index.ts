import type { Measurement } from '../measurement.ts'
import { atRest } from './at-rest.ts'
import { bulk } from './bulk.ts'
import { distance } from './distance.ts'
import { idleSessions } from './idle-sessions.ts'
import { latency } from './latency.ts'
import { newSessions } from './new-sessions.ts'
import { processes } from './processes.ts'
import { simulation } from './simulation.ts'
import { sshFiles } from './ssh-files.ts'
import { sshIdle } from './ssh-idle.ts'
import { sshKeystroke } from './ssh-keystroke.ts'
import { sshSessions } from './ssh-sessions.ts'
import { stalledClient } from './stalled-client.ts'
import { throughputs } from './throughput.ts'
import { uncachedDecisions } from './uncached-decisions.ts'

/** In the order in which a round takes them. */
export const measurements: readonly Measurement[] = [
  latency,
  ...throughputs,
  newSessions,
  ...bulk,
  ...distance,
  ...processes,
  ...sshFiles,
  sshKeystroke,
  sshSessions,
  atRest,
  idleSessions,
  sshIdle,
  stalledClient,
  uncachedDecisions,
  simulation,
]
