import { isRefusal, Secret, type Refusal, type Restriction } from '@sallyport/core'
import { Delegations, type Authenticated } from '@sallyport/identity'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { accounts, answer, ask, from, grant, hourMs, question, rules } from '../test/grants.ts'
import { facts, operation, pointOf, quietly, startWorld, type World } from '../test/world.ts'

describe('what acts for somebody', () => {
  let world: World
  let delegations: Delegations
  const begin = async (policy: string): Promise<void> => {
    world = await startWorld({ policy, resource: { accounts } })
    delegations = new Delegations(world)
  }
  afterEach(() => world[Symbol.asyncDispose]())

  const proven = async (token: Secret): Promise<Authenticated> => {
    const who = await world.tokens.authenticate(token)
    if (isRefusal(who)) throw new Error(who.reason)
    return who
  }
  const acting = async (
    by: Authenticated,
    agent = 'claude',
    restriction: Restriction = {},
  ): Promise<Authenticated & { secret: Secret }> => {
    const minted = await delegations.mint({ by, to: { agent }, restriction, label: agent })
    if (isRefusal(minted)) throw new Error(minted.reason)
    return { ...(await proven(minted.token)), secret: minted.token }
  }
  const alice = async (): Promise<Authenticated> => proven((await world.token('alice')).token)
  const codeOf = async (credential: Secret, account = 'admin'): Promise<string> => {
    const session = await world.log({ credential, account })
    return isRefusal(session) ? session.code : 'let in'
  }

  describe('and grants', () => {
    const onRequest = `@id("admins") @request("dba") permit (principal in Group::"developers", action == Action::"connect", resource)`
    const agentsGo = `@id("agents") permit (principal, action == Action::"connect", resource) when { context.actor.kind == "agent" };`

    test('goes by none of its person’s, nor they by its own', async () => {
      await begin(rules)
      await grant(world)
      const claude = await acting(await alice())
      expect(await codeOf(claude.secret)).toBe('not-granted')
      const own = await world.requests.ask(claude.subject, question)
      if (own.kind !== 'asked') throw new Error(own.reason)
      expect(await answer(world, 'alice', own.request)).toMatchObject({ why: 'own-request' })
      expect(await answer(world, 'bob', own.request)).toMatchObject({
        grant: { actor: { id: 'agent:claude' } },
      })
      expect(await codeOf(claude.secret)).toBe('let in')
    })

    test('goes by its person’s where policy lets it go where they may, for as long as that says so', async () => {
      await begin(`${onRequest} unless { context.actor.isDelegated };\n${agentsGo}`)
      const claude = await acting(await alice())
      expect(await codeOf(claude.secret)).toBe('not-granted')
      const { id } = await grant(world)
      const session = await world.session({ credential: claude.secret, account: 'admin' })
      expect(await world.recorded(session)).toMatchObject([
        { kind: 'opened', actor: { id: 'agent:claude' }, grant: id },
      ])
      world.policy.replace(pointOf(`${onRequest};`))
      expect(session.signal.reason).toMatchObject({ code: 'access-revoked' })
      expect(await codeOf(claude.secret)).toBe('not-granted')
    })

    test('ends with its person’s, where it goes by that', async () => {
      await begin(`${onRequest} unless { context.actor.isDelegated };\n${agentsGo}`)
      const claude = await acting(await alice())
      const { id } = await grant(world)
      const session = await world.session({ credential: claude.secret, account: 'admin' })
      await world.requests.revoke(await world.person('alice'), id)
      expect(session.signal.reason).toMatchObject({ code: 'access-revoked' })
    })

    test('does not come by one that its name was given, through somebody who has none', async () => {
      await begin(rules)
      const one = await acting(await alice(), 'deployer')
      const own = await world.requests.ask(one.subject, question)
      if (own.kind !== 'asked') throw new Error(own.reason)
      await answer(world, 'bob', own.request)
      expect(await codeOf(one.secret)).toBe('let in')
      const other = await acting(await acting(await alice(), 'other'), 'deployer')
      expect(await codeOf(other.secret)).toBe('not-granted')
      expect(
        world.requests.mayRevoke(other.subject, (await world.store.read.grants.list({ limit: 1 }))[0]!),
      ).toBe(false)
    })

    test('breaks no glass', async () => {
      await begin(rules)
      const dora = await proven((await world.token('dora')).token)
      const claude = await acting(dora)
      const asked = { ...question, durationMs: hourMs, isBreakGlass: true }
      expect(await world.requests.ask(claude.subject, asked)).toMatchObject({ why: 'no-break-glass' })
      await ask(world, 'dora', { isBreakGlass: true })
    })
  })

  test('reviews nothing: not what its person asked for, not what they may answer, nor what asks for another', async () => {
    await begin(rules)
    const request = await ask(world, 'alice')
    const bob = await proven((await world.token('bob')).token)
    const claude = await acting(bob)
    expect(await world.requests.answer(claude.subject, 'approve', { id: request.id, from })).toMatchObject({
      why: 'not-a-reviewer',
    })
    const minted = await delegations.mint({ by: await alice(), to: bob, restriction: {}, label: 'x' })
    if (isRefusal(minted)) throw new Error(minted.reason)
    const through = await proven(minted.token)
    const asked = await world.requests.ask(through.subject, question)
    if (asked.kind !== 'asked') throw new Error(asked.reason)
    // Bob acts in it, and so does not approve it.
    expect(await answer(world, 'bob', asked.request)).toMatchObject({ why: 'own-request' })
  })

  test('is ended, live, with any token before it', async () => {
    await begin(rules)
    const one = await acting(await alice())
    const two = await acting(one, 'helper')
    const session = await world.session({ credential: two.secret, account: 'app' })
    await world.tokens.revoke('system', one.token.id)
    expect(session.signal.reason).toMatchObject({ code: 'access-revoked' })
  })

  describe('over any chain', () => {
    const policy = `
      @id("connect") permit (principal in Group::"developers", action == Action::"connect", resource);
      @id("agents") permit (principal, action, resource) when { context.actor.kind == "agent" };
      @id("read") permit (principal in Group::"developers", action == Action::"read", resource);
      @id("update") @review("dba") permit (principal in Group::"developers", action == Action::"update", resource);
      @id("not-b") forbid (principal, action == Action::"read", resource) when { context.actor.id == "agent:b" };`
    beforeEach(() => begin(policy))
    const restriction: fc.Arbitrary<Restriction> = fc.record(
      {
        resources: fc.constantFrom(['orders-db'], ['orders-db', 'x'], ['x']),
        accounts: fc.constantFrom(['app'], ['admin'], ['app', 'admin']),
        actions: fc.subarray(['read', 'update', 'write', 'ddl'], { minLength: 1 }),
      },
      { requiredKeys: [] },
    )
    const links = fc.array(
      fc.record({
        agent: fc.constantFrom('a', 'b', 'c'),
        restriction,
        ms: fc.integer({ min: 1, max: 3_600_000 }),
      }),
      { minLength: 1, maxLength: 4 },
    )

    /** What somebody can do, tried at the gate: each account, and each action there. */
    const abilities = async (credential: Secret): Promise<Record<string, number>> => {
      const can: Record<string, number> = {}
      for (const account of ['app', 'admin']) {
        const session: Awaited<ReturnType<World['log']>> = await world.log({ credential, account })
        can[account] = isRefusal(session) ? 0 : 2
        for (const action of ['read', 'update', 'ddl']) {
          can[`${account} ${action}`] = isRefusal(session)
            ? 0
            : strength(session.authorize(operation(action), facts(action), quietly, AbortSignal.abort()))
        }
        if (!isRefusal(session)) await session[Symbol.asyncDispose]()
      }
      return can
    }
    /** 2 where it may, 1 where somebody has to approve it. */
    const strength = (answered: Refusal | object): number => {
      if (answered instanceof Promise) {
        answered.catch(() => undefined)
        return 1
      }
      return isRefusal(answered) ? 0 : 2
    }

    test('has at the gate no more than who had it act, and lives no longer', async () => {
      let reached = 0
      await fc.assert(
        fc.asyncProperty(links, async (chain) => {
          const { token: first } = await world.token('alice')
          let [by, before] = [await proven(first), await abilities(first)]
          for (const { agent, restriction: own, ms } of chain) {
            const minted = await delegations.mint({
              by,
              to: { agent },
              restriction: own,
              lifetimeMs: ms,
              label: agent,
            })
            if (isRefusal(minted)) throw new Error(minted.reason)
            const child = await proven(minted.token)
            const can = await abilities(minted.token)
            for (const [what, strong] of Object.entries(can)) {
              expect(strong).toBeLessThanOrEqual(before[what] ?? 0)
              reached += strong
            }
            expect(child.token.expiresAtMs).toBeLessThanOrEqual(by.token.expiresAtMs)
            expect(child.subject.principal).toEqual(by.subject.principal)
            ;[by, before] = [child, can]
          }
        }),
        { numRuns: 12 },
      )
      expect(reached).toBeGreaterThan(0)
    })
  })
})
