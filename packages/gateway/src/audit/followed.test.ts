import type { Client } from '@sallyport/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { setUp, startWorld, type World } from '../testing/world.ts'

describe('the audit log, followed as it grows', () => {
  let world: World
  let root: Client
  beforeAll(async () => {
    world = await startWorld()
    root = await setUp(world)
  }, 60_000)
  afterAll(() => world[Symbol.asyncDispose]())

  test('is shown no further to whose token was revoked', async () => {
    const { id, token } = await root.tokens.create({ label: 'following', ttlSeconds: 600 })
    const last = (await root.audit.list({ limit: 1 })).items[0]?.sequence ?? 0
    const lines = world.client(token).audit.export({ from: last, follow: true })[Symbol.asyncIterator]()
    expect(await lines.next()).toMatchObject({ value: { seq: last } })
    await root.tokens.revoke({ id })
    const seen: unknown[] = []
    for (let next = await lines.next(); next.done !== true; next = await lines.next()) seen.push(next.value)
    await root.users.create({ name: 'late', groups: [] })
    expect(JSON.stringify(seen)).not.toContain('late')
  }, 10_000)
})
