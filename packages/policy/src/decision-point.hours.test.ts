import { describe, expect, test } from 'vitest'
import { ordersDb, person, pointFor, statement } from './testing/world.ts'

const dana = person('dana', 'developers')
const orders = 'shop/public/orders'

describe('a permit with hours', () => {
  const office = '@hours("mon-fri 08:00-18:00 Europe/Berlin")'
  const monday = Date.parse('2026-01-05T09:00:00Z')
  const sunday = Date.parse('2026-01-04T09:00:00Z')
  const read = (id: string, annotations: string) =>
    `@id("${id}") ${annotations} permit (principal, action in [Action::"read", Action::"connect", Action::"unmask"], resource);`
  const decideAt = (at: number, ...policies: string[]) =>
    pointFor(policies.join('\n'))
      .at(at)
      .decide(dana, ordersDb, 'app', [statement({ read: [orders] })])

  test('permits within them, and says when outside', () => {
    expect(decideAt(monday, read('office', office))).toMatchObject({ effect: 'allow', policies: ['office'] })
    expect(decideAt(sunday, read('office', office))).toMatchObject({
      effect: 'deny',
      policies: ['outside-hours', 'office'],
      reason: 'this is permitted at other hours: mon-fri 08:00-18:00 Europe/Berlin',
    })
    const point = pointFor(read('office', office)).at(sunday)
    expect(point.connect(dana, ordersDb, 'app').effect).toBe('deny')
    expect(point.unmask(dana, ordersDb, 'pii.email').effect).toBe('deny')
    expect([...point.maskedTags(dana, ordersDb)]).toContain('pii.email')
  })

  test('leaves to others what it does not permit: a plain permit, a review, a forbid', () => {
    expect(decideAt(sunday, read('office', office), read('always', ''))).toMatchObject({
      effect: 'allow',
      policies: ['always'],
    })
    expect(decideAt(monday, read('office', office), read('asked', '@review("dba")')).effect).toBe('allow')
    expect(decideAt(sunday, read('office', office), read('asked', '@review("dba")'))).toMatchObject({
      effect: 'review',
      policies: ['asked'],
    })
    expect(
      decideAt(sunday, read('office', office), '@id("no") forbid (principal, action, resource);'),
    ).toMatchObject({ effect: 'deny', policies: ['no'] })
  })

  test('makes another point only where something opens or closes', () => {
    const point = pointFor(read('office', office))
    expect(point.at(monday)).toBe(point)
    const closed = point.at(sunday)
    expect(closed).not.toBe(point)
    expect(closed.at(sunday + 3_600_000)).toBe(closed)
    expect(closed.at(monday)).toBe(point)
    expect(point.at(sunday)).toBe(closed)
    expect(closed.version).toBe(point.version)
    expect(closed.at(monday).connect(dana, ordersDb, 'app').effect).toBe('allow')
    expect(pointFor(read('always', '')).at(sunday).connect(dana, ordersDb, 'app').effect).toBe('allow')
  })
})
