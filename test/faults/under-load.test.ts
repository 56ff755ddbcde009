import { afterAll, describe, expect, test } from 'vitest'
import { Campaign } from './campaign.ts'
import { freezes } from './kinds/freeze.ts'
import { killAgent, killGateway, killTarget } from './kinds/kill.ts'
import { linkFaults } from './kinds/link.ts'
import type { Fault } from './fault.ts'
import { again } from './verdict-lines.ts'

/** Another one each time; the one of a failure is in its words. */
const seed = Math.floor(Math.random() * 1e6)

const named = (faults: readonly Fault[], name: string): Fault => faults.find((fault) => fault.name === name)!

describe('under load, nothing is lost, unrecorded, wrong or left behind when', () => {
  const campaign = new Campaign()
  afterAll(() => campaign[Symbol.asyncDispose]())

  test.for(
    [
      killGateway,
      killAgent,
      killTarget,
      named(linkFaults, 'tunnel cut'),
      named(freezes, 'gateway frozen for 8 s'),
    ].map((fault, i) => ({ name: fault.name, fault, seed: seed + i })),
  )('$name (seed $seed)', { timeout: 600_000 }, async (point, { skip }) => {
    const verdict = await campaign.run(point.fault, point.seed)
    if (verdict.skipped !== undefined) skip(verdict.skipped)
    expect(verdict.findings, `again: ${again(verdict)}`).toEqual([])
  })
})
