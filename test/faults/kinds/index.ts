import type { Fault } from '../fault.ts'
import { certificateRenewal, clockSteps } from './clock.ts'
import { descriptorFaults } from './descriptors.ts'
import { diskFaults } from './disk.ts'
import { agentSilent, freezes } from './freeze.ts'
import { killAgent, killGateway, killTarget } from './kill.ts'
import { linkFaults, roadSilent, tunnelHalfOpen } from './link.ts'
import { stalledClient } from './stalled-client.ts'

/** Injected at as many random points as are asked for. */
export const kills: readonly Fault[] = [killGateway, killAgent, killTarget]

/** Injected once each. */
export const others: readonly Fault[] = [
  ...linkFaults,
  ...freezes,
  stalledClient,
  ...descriptorFaults,
  ...diskFaults,
  clockSteps,
  roadSilent,
  agentSilent,
  tunnelHalfOpen,
  certificateRenewal,
]
