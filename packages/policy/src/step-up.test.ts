import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { onOwnBehalf, type Decision, type SignedIn, type Subject } from '@sallyport/core'
import { checkPolicies } from './check.ts'
import type { DecisionPoint } from './decision-point.ts'
import { explain } from './explain.ts'
import { inquire, tellStep } from './inquiry.ts'
import { runPolicyTests } from './policy-test.ts'
import { postgresVocabulary } from './testing/postgres-vocabulary.ts'
import { agentOf, ordersDb, person, pointFor, statement } from './testing/world.ts'

const now = Date.UTC(2026, 0, 5, 12)
const minuteMs = 60_000
const dana = person('dana', 'developers')
const as = (signedIn: Partial<SignedIn>, subject = dana): Subject => ({
  ...subject,
  signedIn: { acr: [], amr: [], ...signedIn },
})
const read = statement({ read: ['shop/public/orders'] })
const remove = statement({ delete: ['shop/public/orders'] })
const at = (text: string, ms = now): DecisionPoint => pointFor(text).at(ms)
const decide = (point: DecisionPoint, who: Subject, ...facts: (typeof read)[]): Decision =>
  point.decide(who, ordersDb, 'app', facts)

describe('a permit that asks for a sign-in', () => {
  const point = at(`
    @id("reads") permit (principal, action in [Action::"connect", Action::"read"], resource);
    @id("deletes") @stepup("phr,phrh") @max_age("15m") @reason("deletes take a key") permit (principal, action == Action::"delete", resource);`)

  test('permits who has signed in so, and asks everybody else to', () => {
    expect(decide(point, as({ acr: ['phrh'], atMs: now }), remove)).toMatchObject({ effect: 'allow' })
    const missing = {
      effect: 'step-up',
      policies: ['step-up', 'deletes'],
      reason: 'deletes take a key',
      signIn: { acr: ['phr', 'phrh'], maxAgeMs: 15 * minuteMs },
    }
    for (const who of [
      dana,
      as({}),
      as({ acr: ['phr'] }),
      as({ acr: ['phr'], atMs: now - 15 * minuteMs }),
      as({ acr: ['phr'], atMs: now + 2 * minuteMs }),
      as({ acr: ['PHR', 'ph', 'phrhh', ' phr', 'phr,phrh'], atMs: now }),
      as({ amr: ['phr'], atMs: now }),
    ]) {
      expect(decide(point, who, remove)).toMatchObject(missing)
      expect(decide(point, who, read, remove)).toMatchObject(missing)
      expect(decide(point, who, read)).toMatchObject({ effect: 'allow' })
    }
    expect(explain(decide(point, dana, remove))).toBe(
      'allowed with a sign-in by phr or phrh, at most 15 min ago, which deletes asks for: deletes take a key',
    )
  })

  test('is not asked for where something else is missing, or another permit does', () => {
    const denied = decide(point, dana, remove, statement({ ddl: ['shop/public/orders'] }))
    expect(denied).toMatchObject({ effect: 'deny', reason: 'no policy permits ddl on shop.public.orders' })
    const either = at(`
      @id("a") @stepup("phr") permit (principal, action, resource);
      @id("b") @review("dba") permit (principal, action == Action::"delete", resource);`)
    expect(decide(either, dana, remove)).toMatchObject({ effect: 'review', policies: ['b'] })
    expect(decide(either, as({ acr: ['phr'] }), remove)).toMatchObject({ effect: 'allow', policies: ['a'] })
  })

  test('asks before reviewers are asked, and before a grant is', () => {
    const both = at(`
      @id("r") @stepup("phr") @review("dba") permit (principal, action == Action::"delete", resource);
      @id("c") @max_age("1h") @request("dba") permit (principal, action == Action::"connect", resource);`)
    expect(decide(both, dana, remove).effect).toBe('step-up')
    expect(decide(both, as({ acr: ['phr'] }), remove).effect).toBe('review')
    expect(both.connect(dana, ordersDb, 'app').effect).toBe('step-up')
    expect(both.connect(as({ atMs: now }), ordersDb, 'app').effect).toBe('request')
    expect(both.signedInAsAsked().connect(dana, ordersDb, 'app').effect).toBe('request')
  })

  test('is for agents as their person has signed in, and for nothing that nobody signs in', () => {
    const agent = agentOf(dana, 'helper')
    expect(decide(point, agent, remove).effect).toBe('step-up')
    expect(decide(point, as({ acr: ['phr'], atMs: now }, agent), remove).effect).toBe('allow')
    const job = onOwnBehalf({ ...dana.principal, kind: 'workload' })
    expect(decide(point, job, remove).effect).toBe('step-up')
  })

  test('shows values in clear, and lets them be used, only then', () => {
    const clear = at(`
      @id("all") permit (principal, action in Action::"read", resource);
      @id("clear") @stepup("phr") permit (principal, action == Action::"unmask", resource);`)
    const filter = statement({ read: ['shop/public/customers'] }, {}, ['pii.email'])
    expect([...clear.maskedTags(dana, ordersDb)]).toContain('pii.email')
    expect(decide(clear, dana, filter)).toMatchObject({ effect: 'step-up', signIn: { acr: ['phr'] } })
    const stepped = as({ acr: ['phr'] })
    expect([...clear.maskedTags(stepped, ordersDb)]).toEqual([])
    expect(decide(clear, stepped, filter).effect).toBe('allow')
  })
})

describe('a forbid that asks for a sign-in', () => {
  const point = at(`
    @id("all") permit (principal, action, resource);
    @id("strong") @stepup("phr") @reason("production takes a key") forbid (principal, action in [Action::"write", Action::"administer", Action::"review"], resource);
    @id("never") forbid (principal, action == Action::"update", resource);`)

  test('forbids nobody who has signed in so, and asks everybody else to', () => {
    expect(decide(point, as({ acr: ['phr'] }), remove)).toMatchObject({ effect: 'allow', policies: ['all'] })
    expect(decide(point, as({ acr: ['pwd'] }), remove)).toMatchObject({
      effect: 'step-up',
      policies: ['step-up', 'strong'],
      reason: 'production takes a key',
    })
  })

  test('is not asked for where another forbids, or nothing permits', () => {
    const update = statement({ update: ['shop/public/orders'] })
    expect(decide(point, dana, update)).toMatchObject({ effect: 'deny' })
    expect(decide(point, as({ acr: ['phr'] }), update)).toMatchObject({ effect: 'deny', policies: ['never'] })
    const closed = at('@id("strong") @stepup("phr") forbid (principal, action, resource);')
    expect(decide(closed, dana, read)).toMatchObject({
      effect: 'deny',
      reason: 'no policy permits read on shop.public.orders',
    })
  })

  test('holds for what is done to the gateway, built-in permits or not', () => {
    const admin = person('root', 'administrators')
    expect(point.may(admin, 'administer')).toMatchObject({ effect: 'step-up', signIn: { acr: ['phr'] } })
    expect(point.may(as({ acr: ['phr'] }, admin), 'administer').effect).toBe('allow')
    expect(point.may(dana, 'review').effect).toBe('step-up')
    expect(point.signedInAsAsked().may(dana, 'review').effect).toBe('allow')
  })

  test('with others asks for what meets them all, and denies where nothing does', () => {
    const both = at(`
      @id("all") @stepup("a,b,c") permit (principal, action, resource);
      @id("f") @stepup("b,c") @max_age("2h") forbid (principal, action, resource);
      @id("g") @stepup("c,d") @max_age("1h") forbid (principal, action == Action::"delete", resource);`)
    expect(decide(both, dana, read)).toMatchObject({ signIn: { acr: ['b', 'c'], maxAgeMs: 120 * minuteMs } })
    expect(decide(both, dana, read, remove)).toMatchObject({
      signIn: { acr: ['c'], maxAgeMs: 60 * minuteMs },
    })
    const none = at(`
      @id("all") @stepup("a") permit (principal, action, resource);
      @id("f") @stepup("b") forbid (principal, action, resource);`)
    expect(decide(none, dana, read)).toMatchObject({
      effect: 'deny',
      policies: ['no-sign-in-fits', 'all', 'f'],
    })
  })
})

describe('what was decided', () => {
  const text = `
    @id("all") @max_age("15m") permit (principal, action, resource);
    @id("hour") @hours("mon-fri 08:00-18:00 UTC") permit (principal, action == Action::"ddl", resource);`

  test('lapses with the sign-in, whoever asked before, and never comes back', () => {
    const point = pointFor(text)
    const who = as({ atMs: now })
    const ms = [0, 14, 15, 60].map((minutes) => now + minutes * minuteMs)
    const effects = () => ms.map((one) => decide(point.at(one), who, read).effect)
    expect(effects()).toEqual(['allow', 'allow', 'step-up', 'step-up'])
    expect(effects()).toEqual(
      ['allow', 'allow', 'step-up', 'step-up'].map((it, i) => (i < 2 ? 'step-up' : it)),
    )
    expect(point.judgesAges).toBe(true)
  })

  test('is not what is decided of the same person who has signed in anew', () => {
    const point = at(text)
    const old = as({ atMs: now - 20 * minuteMs })
    expect(decide(point, old, read).effect).toBe('step-up')
    expect(decide(point, as({ atMs: now }), read).effect).toBe('allow')
    expect(decide(point, old, read).effect).toBe('step-up')
  })

  test('before any time is told permits nobody for being new', () => {
    expect(decide(pointFor(text), as({ atMs: now }), read).effect).toBe('step-up')
  })
})

describe('over all policies, people and moments', () => {
  const acrs = ['pwd', 'phr', 'phrh']
  const terms = fc.record({
    acr: fc.option(fc.subarray(acrs, { minLength: 1 }), { nil: undefined }),
    minutes: fc.option(fc.constantFrom(5, 60), { nil: undefined }),
  })
  const policy = fc.record({
    effect: fc.constantFrom('permit', 'permit', 'forbid'),
    terms: fc.option(terms, { nil: undefined }),
    on: fc.constantFrom('action', 'action == Action::"read"', 'action in Action::"write"'),
  })
  type Written = typeof policy extends fc.Arbitrary<infer P> ? P : never
  const signedIn = fc.option(
    fc.record({
      acr: fc.subarray([...acrs, 'other']),
      agoMs: fc.option(fc.constantFrom(-120_000, -30_000, 0, 299_999, 300_000, 3_600_000), {
        nil: undefined,
      }),
    }),
    { nil: undefined },
  )
  const facts = fc.subarray([read, remove], { minLength: 1 })
  const write = ({ effect, terms: asked, on }: Written, i: number, isPlain = false): string => {
    const acr = asked?.acr === undefined || isPlain ? '' : `@stepup("${asked.acr.join()}") `
    const age = asked?.minutes === undefined || isPlain ? '' : `@max_age("${asked.minutes}m") `
    return `@id("p${i}") ${acr}${age}${effect} (principal, ${on}, resource);`
  }
  const isMet = ({ terms: asked }: Written, who: SignedIn | undefined): boolean => {
    if (asked === undefined || (asked.acr === undefined && asked.minutes === undefined)) return true
    if (who === undefined) return false
    const ageMs = who.atMs === undefined ? undefined : now - who.atMs
    const isNew = ageMs !== undefined && ageMs >= -minuteMs && ageMs < (asked.minutes ?? 0) * minuteMs
    return (asked.acr?.some((it) => who.acr.includes(it)) ?? true) && (asked.minutes === undefined || isNew)
  }
  const plainly = (policies: readonly Written[], asked: readonly (typeof read)[]): boolean =>
    decide(at(policies.map((one, i) => write(one, i, true)).join('\n')), dana, ...asked).effect === 'allow'

  test('it is permitted exactly by what asks for no more than there is, and asked for exactly where that would do', () => {
    const seen = { allow: 0, deny: 0, 'step-up': 0, review: 0 }
    fc.assert(
      fc.property(fc.array(policy, { maxLength: 5 }), signedIn, facts, (policies, how, asked) => {
        const sign = how && {
          acr: how.acr,
          amr: [],
          ...(how.agoMs !== undefined && { atMs: now - how.agoMs }),
        }
        const who: Subject = sign === undefined ? dana : { ...dana, signedIn: sign }
        const point = at(policies.map((one, i) => write(one, i)).join('\n'))
        const decision = decide(point, who, ...asked)
        seen[decision.effect]++
        const best = policies.filter(
          ({ effect, terms: of }) =>
            effect === 'permit' || of === undefined || (of.acr === undefined && of.minutes === undefined),
        )
        const good = policies.filter((one) =>
          one.effect === 'permit' ? isMet(one, sign) : !asksAnything(one) || !isMet(one, sign),
        )
        const isAllowed = plainly(good, asked)
        expect(decision.effect === 'allow').toBe(isAllowed)
        const wouldDo = plainly(best, asked)
        expect(decision.effect !== 'step-up' || wouldDo).toBe(true)
        const isNone = decision.policies[0] === 'no-sign-in-fits'
        expect(decision.effect !== 'deny' || isNone || !wouldDo).toBe(true)
        // Whoever signs in as is asked is not asked again, of one thing at a time.
        const named =
          decision.effect === 'step-up' && asked.length === 1 ? (decision.signIn.acr ?? ['other']) : []
        const then = named.map((acr) => decide(point, as({ acr: [acr], atMs: now }), ...asked).effect)
        expect(then.every((effect) => effect === 'allow')).toBe(true)
        expect(point.decide(who, ordersDb, 'app', asked)).toEqual(decision)
      }),
      { numRuns: 150 },
    )
    expect(Math.min(seen.allow, seen.deny, seen['step-up'])).toBeGreaterThan(10)
  })

  const asksAnything = ({ terms: of }: Written): boolean =>
    of !== undefined && (of.acr !== undefined || of.minutes !== undefined)

  test('whoever has signed in by nothing that is known is permitted nothing that asks for it', () => {
    fc.assert(
      fc.property(fc.array(policy, { maxLength: 5 }), facts, (policies, asked) => {
        const point = at(policies.map((one, i) => write(one, i)).join('\n'))
        const unasked = policies.filter((one) => !asksAnything(one))
        for (const who of [dana, as({})]) {
          const { effect } = decide(point, who, ...asked)
          expect(effect !== 'allow' || plainly(unasked, asked)).toBe(true)
        }
      }),
      { numRuns: 50 },
    )
  })
})

describe('policy files', () => {
  const problems = (annotation: string, effect = 'permit'): string =>
    checkPolicies(
      [{ name: 'a.cedar', text: `@id("a") ${annotation} ${effect} (principal, action, resource);` }],
      [postgresVocabulary],
    )
      .map(({ message }) => message)
      .join('; ')

  test('are told what is wrong with what they ask for', () => {
    for (const good of [
      '@stepup("phr")',
      '@stepup("urn:x:1, c2")',
      '@max_age("15m")',
      '@stepup("a") @max_age("1h")',
    ])
      for (const effect of ['permit', 'forbid']) expect(problems(good, effect)).toBe('')
    const many = Array.from({ length: 11 }, (_, i) => `a${i}`).join()
    for (const bad of [
      '@stepup',
      '@stepup("")',
      '@stepup("a,,b")',
      '@stepup("a b")',
      '@stepup("\u00fc")',
      `@stepup("${many}")`,
    ])
      expect(problems(bad)).toContain('@stepup needs what the provider calls such a sign-in')
    for (const bad of ['@max_age', '@max_age("15")', '@max_age("0m")', '@max_age("169h")'])
      expect(problems(bad)).toContain('@max_age needs a number')
    expect(problems('@step_up("phr")')).toContain('did you mean @stepup')
  })

  test('have cases of people who have signed in somehow', () => {
    const point = pointFor(`
      @id("deletes") @stepup("phr") @max_age("15m") permit (principal, action == Action::"delete", resource);
      @id("office") @hours("mon-fri 08:00-18:00 UTC") permit (principal, action == Action::"read", resource);`)
    const report = runPolicyTests(point, [
      {
        name: 'a.cases.yaml',
        text: `
people:
  dana: { user: dana, signedIn: { acr: phr, ago: 5m } }
  old: { user: dana, signedIn: { acr: [pwd, phr], amr: hwk, ago: 1h } }
  nobody: { user: dana }
resources: { db: { protocol: postgres } }
cases:
  - { name: a, who: dana, resource: db, does: { actions: [delete] }, expect: allow }
  - { name: b, who: dana, resource: db, does: { actions: [delete] }, expect: allow, at: '2026-01-05T09:00:00+01:00' }
  - { name: c, who: old, resource: db, does: { actions: [delete] }, expect: step-up, policies: [deletes] }
  - { name: d, who: nobody, resource: db, does: { actions: [delete] }, expect: step-up }
  - { name: e, who: nobody, resource: db, does: { actions: [delete] }, expect: deny }
`,
      },
    ])
    expect(report.results.map(({ passed }) => passed)).toEqual([true, true, true, true, false])
    expect(report.results.at(-1)?.message).toContain(
      'got      allowed with a sign-in by phr, at most 15 min ago',
    )
  })

  test('answer those who ask who may do what', () => {
    const point = at(
      '@id("c") permit (principal, action == Action::"connect", resource); @id("d") @stepup("phr") permit (principal, action == Action::"delete", resource);',
    )
    const { answer, steps } = inquire(point, dana, ordersDb, { action: 'delete' })
    expect(answer).toBe('step-up')
    expect(steps.map(tellStep).at(-1)).toMatchObject({ effect: 'step-up', signIn: { acr: ['phr'] } })
  })
})
