import {
  actorCalled,
  type ConnectDecision,
  type Facts,
  type Restriction,
  type Subject,
} from '@sallyport/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { agentOf, ordersDb, person, pointFor, statement } from './testing/world.ts'

const dana = person('dana', 'developers')
const claude: Subject = { principal: dana.principal, actor: actorCalled('agent', 'claude') }
const helper: Subject = { principal: dana.principal, actor: actorCalled('agent', 'helper', ['claude']) }
const read = statement({ read: ['shop/public/orders'] })
const change = statement({ update: ['shop/public/orders'] })

describe('what acts for somebody', () => {
  test('has no more than they have, though a policy permits it to agents', () => {
    const point = pointFor(`
      @id("agents") permit (principal, action, resource) when { context.actor.kind == "agent" };
      @id("people") permit (principal, action == Action::"read", resource) unless { context.actor.isDelegated };`)
    expect(point.decide(claude, ordersDb, 'app', [read]).effect).toBe('allow')
    expect(point.decide(claude, ordersDb, 'app', [change])).toMatchObject({
      effect: 'deny',
      reason: 'user:dana may not do it either: no policy permits update on shop.public.orders',
    })
    expect(point.connect(claude, ordersDb, 'app').effect).toBe('deny')
    expect(point.unmask(claude, ordersDb, 'pii.email').effect).toBe('deny')
    expect([...point.maskedTags(claude, ordersDb)]).toContain('pii.email')
  })

  test('has no more than the agent that has it act, whatever its own name is given', () => {
    const point = pointFor(`
      @id("people") permit (principal, action, resource) unless { context.actor.isDelegated };
      @id("helper") permit (principal, action, resource) when { context.actor.id == "agent:helper" };`)
    expect(point.decide(agentOf(dana, 'agent:helper'), ordersDb, 'app', [read]).effect).toBe('allow')
    expect(point.decide(helper, ordersDb, 'app', [read])).toMatchObject({
      effect: 'deny',
      reason: expect.stringContaining('agent:claude for user:dana may not do it either') as string,
    })
  })

  test('is told by the ids of all that act, and people by none', () => {
    const point = pointFor(`
      @id("all") permit (principal, action, resource);
      @id("not-through-claude") forbid (principal, action == Action::"connect", resource)
      when { context.actor.chain.contains("agent:claude") && context.actor.id != "agent:claude" };`)
    expect(point.connect(claude, ordersDb, 'app').effect).toBe('allow')
    expect(point.connect(helper, ordersDb, 'app').policies).toEqual(['not-through-claude'])
    const nobody = pointFor(`
      @id("x") permit (principal, action, resource) when { context.actor.chain.isEmpty() };`)
    expect(nobody.connect(dana, ordersDb, 'app').effect).toBe('allow')
    expect(nobody.connect(claude, ordersDb, 'app').effect).toBe('deny')
  })

  test('waits for whom its person would wait for, and for whom it is to wait itself', () => {
    const point = pointFor(`
      @id("people") @review("dba") permit (principal, action in Action::"write", resource) unless { context.actor.isDelegated };
      @id("agents") @review("owners") permit (principal, action in Action::"write", resource) when { context.actor.isDelegated };`)
    expect(point.decide(claude, ordersDb, 'app', [change])).toMatchObject({
      effect: 'review',
      terms: {
        needs: [
          { groups: ['owners'], approvals: 1 },
          { groups: ['dba'], approvals: 1 },
        ],
      },
    })
  })

  test('administers, replays and reviews nothing, though a policy permits it', () => {
    const point = pointFor('@id("all") permit (principal, action, resource);')
    for (const action of ['administer', 'replay', 'review'] as const) {
      expect(point.may(dana, action).effect).toBe('allow')
      expect(point.may(claude, action, ordersDb)).toMatchObject({
        effect: 'deny',
        policies: ['not-delegated'],
      })
    }
  })

  describe('and takes a grant', () => {
    const onRequest = `@id("asked") @request("dba") permit (principal, action == Action::"connect", resource)`
    test('of its own, where policy asks it for one', () => {
      const point = pointFor(`${onRequest};`)
      expect(point.connect(claude, ordersDb, 'app').effect).toBe('request')
      expect(point.holders(claude, ordersDb, 'app')).toEqual(['agent:claude'])
      expect(point.holders(helper, ordersDb, 'app')).toEqual(['agent:helper via agent:claude'])
      expect(point.holders(dana, ordersDb, 'app')).toEqual(['user:dana'])
    })

    test('of its person, where policy lets it go where they may', () => {
      const point = pointFor(`${onRequest} unless { context.actor.isDelegated };
        @id("agents") permit (principal, action, resource) when { context.actor.kind == "agent" };`)
      expect(point.connect(claude, ordersDb, 'app').effect).toBe('request')
      expect(point.holders(claude, ordersDb, 'app')).toEqual(['agent:claude', 'user:dana'])
    })
  })

  describe('is narrowed', () => {
    const point = pointFor(`
      @id("all") permit (principal, action, resource);
      @id("deletes") @review("dba") permit (principal, action == Action::"delete", resource);
      @id("no-plain-deletes") forbid (principal, action == Action::"delete", resource) when { context.dynamic };`)
    const narrowed = (...scope: Restriction[]): Subject => ({ ...claude, scope })
    const effect = (subject: Subject, facts: Facts): string =>
      point.decide(subject, ordersDb, 'app', [facts]).effect

    test('to resources and accounts', () => {
      const here = narrowed({ resources: ['orders-db', 'other'] }, { accounts: ['app'] })
      expect(point.connect(here, ordersDb, 'app').effect).toBe('allow')
      expect(point.connect(here, ordersDb, 'admin')).toMatchObject({
        effect: 'deny',
        policies: ['not-delegated'],
      })
      expect(point.connect(narrowed({ resources: ['other'] }), ordersDb, 'app').effect).toBe('deny')
      expect(effect(narrowed({ resources: ['other'] }), read)).toBe('deny')
      expect(point.decide(here, ordersDb, 'admin', [read]).effect).toBe('deny')
    })

    test('to actions, and groups of them, of which each restriction must name it', () => {
      expect(effect(narrowed({ actions: ['write'] }), change)).toBe('allow')
      expect(effect(narrowed({ actions: ['update'] }), change)).toBe('allow')
      expect(effect(narrowed({ actions: ['update'] }, { actions: ['read'] }), change)).toBe('deny')
      expect(effect(narrowed({ actions: ['read'] }), statement({ read: ['a'], update: ['a'] }))).toBe('deny')
      expect(point.decide(narrowed({ actions: ['read'] }), ordersDb, 'app', [read, change]).effect).toBe(
        'deny',
      )
      expect(point.connect(narrowed({ actions: ['read'] }), ordersDb, 'app').effect).toBe('allow')
    })

    test('to masked values, where actions are named and unmask is none of them', () => {
      const exposing = statement({ read: ['shop/public/customers'] }, {}, ['pii.email'])
      expect([...point.maskedTags(claude, ordersDb)]).toEqual([])
      for (const scope of [
        [{ actions: ['read'] }],
        [{ actions: ['unmask', 'read'] }, { actions: ['read'] }],
      ]) {
        const blind = narrowed(...scope)
        expect([...point.maskedTags(blind, ordersDb)].sort()).toEqual(['pii.card', 'pii.email', 'pii.phone'])
        expect(point.unmask(blind, ordersDb, 'pii.email').effect).toBe('deny')
        expect(point.decide(blind, ordersDb, 'app', [exposing]).policies).toContain('masked-column')
      }
      expect(effect(narrowed({ actions: ['read', 'unmask'] }), exposing)).toBe('allow')
    })

    test('to what nobody has to approve', () => {
      const reviewed = pointFor('@id("r") @review("dba") permit (principal, action, resource);')
      const asking = narrowed({ asksNobody: true })
      expect(reviewed.decide(claude, ordersDb, 'app', [read]).effect).toBe('review')
      expect(reviewed.decide(asking, ordersDb, 'app', [read])).toMatchObject({
        effect: 'deny',
        policies: ['not-delegated', 'r'],
      })
    })

    test('each as it is, though they share their policies', () => {
      const [wide, tight] = [narrowed({ actions: ['read', 'write'] }), narrowed({ actions: ['read'] })]
      expect([effect(wide, change), effect(tight, change), effect(wide, change)]).toEqual([
        'allow',
        'deny',
        'allow',
      ])
    })
  })
})

describe('over any policies, chain and restrictions', () => {
  const words = ['read', 'update', 'delete', 'ddl'] as const
  const policy = fc
    .record({
      effect: fc.constantFrom(
        'permit',
        'permit',
        'permit',
        'forbid',
        '@review("dba") permit',
        '@watched("ops") permit',
        '@stepup("phr") permit',
        '@request("dba") @duration("1h") permit',
      ),
      action: fc.constantFrom(
        'action',
        'action == Action::"connect"',
        'action in [Action::"read", Action::"write"]',
        'action == Action::"unmask"',
        'action in Action::"write"',
      ),
      condition: fc.constantFrom(
        '',
        'when { context.actor.kind == "agent" }',
        'unless { context.actor.isDelegated }',
        'when { context.actor.id == "agent:b" }',
        'when { context.actor.chain.contains("agent:a") }',
        'unless { context.actor.chain.contains("agent:b") }',
        'when { context.actor.id == "user:bob" }',
      ),
    })
    // What is asked for or watched is said of connections, or of operations.
    .map(({ effect, action, condition }) => {
      const on = effect.startsWith('@request') ? 'action == Action::"connect"' : action
      const what = effect.startsWith('@') && !effect.startsWith('@request') ? 'action in Action::"write"' : on
      return `${effect} (principal, ${what}, resource) ${condition};`
    })
  /** Something to take away from. */
  const base = fc.constantFrom(
    [],
    ['permit (principal, action, resource);'],
    [
      'permit (principal, action in [Action::"connect", Action::"read", Action::"unmask"], resource);',
      '@review("dba") permit (principal, action in Action::"write", resource);',
    ],
    [
      '@request("dba") permit (principal, action == Action::"connect", resource);',
      'permit (principal, action in [Action::"read", Action::"write"], resource);',
    ],
  )
  const restriction: fc.Arbitrary<Restriction> = fc.record(
    {
      resources: fc.constantFrom(['orders-db'], ['orders-db', 'other'], ['other']),
      accounts: fc.constantFrom(['app'], ['app', 'admin'], ['admin', 'app', 'other']),
      actions: fc.subarray([...words, 'write', 'dangerous', 'unmask'], { minLength: 4 }),
      asksNobody: fc.constant(true as const),
    },
    { requiredKeys: [] },
  )
  const link = fc.record({
    name: fc.constantFrom('agent:a', 'agent:b', 'agent:ci/b', 'user:bob'),
    restriction: fc.option(restriction, { nil: undefined }),
  })
  const facts = fc
    .record({
      actions: fc.subarray([...words], { minLength: 1, maxLength: 2 }),
      exposes: fc.subarray(['pii.email']),
    })
    .map(({ actions, exposes }) =>
      statement(Object.fromEntries(actions.map((one) => [one, ['shop/public/orders']])), {}, exposes),
    )

  /** The principal, and then who acts for them, one through the other. */
  const chainOf = (links: readonly { name: string; restriction: Restriction | undefined }[]): Subject[] => {
    const subjects: Subject[] = [dana]
    for (const { name, restriction: own } of links) {
      const last = subjects.at(-1) ?? dana
      const kind = name.startsWith('user:') ? 'user' : 'agent'
      const scope = [...(last.scope ?? []), ...(own === undefined ? [] : [own])]
      subjects.push({
        principal: dana.principal,
        actor: { kind, id: name, name, ...(last === dana ? {} : { act: last.actor }) },
        ...(scope.length > 0 && { scope }),
      })
    }
    return subjects
  }

  const strictness: Readonly<Record<ConnectDecision['effect'], number>> = {
    allow: 0,
    request: 1,
    review: 2,
    'step-up': 3,
    deny: 4,
  }
  const isAsStrict = (child: ConnectDecision, parent: ConnectDecision): void => {
    expect(strictness[child.effect]).toBeGreaterThanOrEqual(strictness[parent.effect])
    if (child.effect === 'deny') return
    for (const tag of parent.obligations.maskedTags) expect(child.obligations.maskedTags).toContain(tag)
    for (const group of (parent.obligations.watchers ?? []).flat())
      expect((child.obligations.watchers ?? []).flat()).toContain(group)
  }

  test('nobody who acts has more than whom they act for, to connect, to do anything and to see it in clear', () => {
    const seen = { allow: 0, deny: 0, request: 0, review: 0, 'step-up': 0 }
    fc.assert(
      fc.property(
        base,
        fc.array(policy, { maxLength: 3 }),
        fc.array(link, { minLength: 1, maxLength: 4 }),
        fc.array(facts, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('app', 'admin'),
        (some, policies, links, asked, account) => {
          const point = pointFor([...some, ...policies].map((text, i) => withId(text, i)).join('\n'))
          const chain = chainOf(links)
          chain.slice(1).forEach((child, i) => {
            const parent = chain[i] ?? dana
            const connects = point.connect(child, ordersDb, account)
            seen[connects.effect]++
            isAsStrict(connects, point.connect(parent, ordersDb, account))
            for (const some of [asked, ...asked.map((one) => [one])]) {
              const decision = point.decide(child, ordersDb, account, some)
              seen[decision.effect]++
              isAsStrict(decision, point.decide(parent, ordersDb, account, some))
              // What is remembered is the same.
              expect(point.decide(child, ordersDb, account, some)).toEqual(decision)
            }
            for (const tag of ['pii.email', 'pii.unknown'])
              isAsStrict(point.unmask(child, ordersDb, tag), point.unmask(parent, ordersDb, tag))
            for (const tag of point.maskedTags(parent, ordersDb))
              expect(point.maskedTags(child, ordersDb)).toContain(tag)
            for (const action of ['administer', 'replay', 'review'] as const)
              expect(point.may(child, action).effect).toBe('deny')
          })
        },
      ),
      { numRuns: 100 },
    )
    // It is not true for want of anything permitted.
    expect(Math.min(seen.allow, seen.deny, seen.review + seen.request)).toBeGreaterThan(0)
  })

  const withId = (text: string, i: number): string => `@id("p${i}") ${text}`
})
