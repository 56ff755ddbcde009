import { describe, expect, test } from 'vitest'
import type { Subject } from '@sallyport/core'
import { ordersDb, person, pointFor, statement } from './testing/world.ts'

const dana = person('dana', 'developers')
const at = (source: string): Subject => ({ ...dana, source })
const facts = [statement({ read: ['shop/public/orders'] })]
const everything = `@id("all") permit (principal, action, resource);`
const office = `@id("office") @reason("from the office alone") forbid (principal, action, resource)
  unless { context.source.isInRange(ip("10.20.0.0/16")) || context.source.isInRange(ip("2001:db8:20::/48")) };`

describe('a policy that pins where people come from', () => {
  const point = pointFor(everything + office)

  test.each([
    ['10.20.3.4', 'allow'],
    ['2001:db8:20::7', 'allow'],
    ['10.21.0.1', 'deny'],
    ['2001:db8:21::7', 'deny'],
    ['::1', 'deny'],
  ])('answers somebody at %s with %s, whatever they do', (source, effect) => {
    expect(point.connect(at(source), ordersDb, 'app').effect).toBe(effect)
    expect(point.decide(at(source), ordersDb, 'app', facts).effect).toBe(effect)
    expect(point.unmask(at(source), ordersDb, 'pii.email').effect).toBe(effect)
    expect(point.may(at(source), 'administer').effect).toBe(effect)
  })

  test('denies who comes from nowhere that is known, or from what is no address', () => {
    expect(point.connect(dana, ordersDb, 'app').effect).toBe('deny')
    expect(point.connect(at('no address'), ordersDb, 'app').effect).toBe('deny')
  })

  test('does not take one’s answer for another’s, however often both ask', () => {
    for (let i = 0; i < 3; i++) {
      expect(point.decide(at('10.20.0.1'), ordersDb, 'app', facts).effect).toBe('allow')
      expect(point.decide(at('10.99.0.1'), ordersDb, 'app', facts).effect).toBe('deny')
    }
  })

  test('counts for what acts for somebody, too', () => {
    const agent: Subject = { ...at('10.99.0.1'), actor: { kind: 'agent', id: 'agent:x', name: 'x' } }
    expect(point.connect(agent, ordersDb, 'app').effect).toBe('deny')
  })

  test('is what makes addresses count at all: without one, all of them share their decisions', () => {
    const plain = pointFor(everything)
    const [first, second] = ['10.0.0.1', '10.0.0.2'].map((source) =>
      plain.decide(at(source), ordersDb, 'app', facts),
    )
    expect(first?.effect).toBe('allow')
    expect(second).toBe(first)
  })
})
