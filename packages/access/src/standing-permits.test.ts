import { describe, expect, it } from 'vitest'
import { facts, operation, pointOf, quietly, rules, startWorld, type World } from '../test/world.ts'

describe('what was permitted', () => {
  const permitted = async (world: World) => {
    const session = await world.session()
    const asked = facts('read')
    const permit = await session.authorize(operation('select 1'), asked, quietly)
    if (permit.kind !== 'permit') throw new Error('not permitted')
    return { stands: () => session.stands(permit, asked) }
  }

  it('may go on where another policy decides the same', async () => {
    await using world = await startWorld()
    const { stands } = await permitted(world)
    expect(stands()).toBe(true)
    world.policy.replace(
      pointOf(`${rules} @id("more") permit (principal, action == Action::"update", resource);`),
    )
    expect(stands()).toBe(true)
  })

  it('may not where another policy forbids it, or has it reviewed', async () => {
    await using world = await startWorld()
    const { stands } = await permitted(world)
    world.policy.replace(
      pointOf(`${rules} @id("no") forbid (principal, action == Action::"read", resource);`),
    )
    expect(stands()).toBe(false)
    world.policy.replace(
      pointOf(`
        @id("in") permit (principal, action == Action::"connect", resource);
        @id("held") @review("dba") permit (principal, action == Action::"read", resource);`),
    )
    expect(stands()).toBe(false)
  })

  it('may not where more of it is to be hidden', async () => {
    const column = { column: 'public.customers.email', tag: 'pii.email' }
    const masking = { mode: 'strict', columns: [column], detectors: [], redactors: {} } as const
    await using world = await startWorld({ resource: { masking } })
    world.policy.replace(
      pointOf(`${rules} @id("all") permit (principal, action == Action::"unmask", resource);`),
    )
    const { stands } = await permitted(world)
    expect(stands()).toBe(true)
    world.policy.replace(pointOf(rules))
    expect(stands()).toBe(false)
  })

  it('may not once its session has ended', async () => {
    await using world = await startWorld()
    const { stands } = await permitted(world)
    world.policy.replace(pointOf('@id("none") permit (principal, action == Action::"review", resource);'))
    expect(stands()).toBe(false)
  })
})
