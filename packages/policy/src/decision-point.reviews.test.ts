import type { Facts } from '@sallyport/core'
import { describe, expect, test } from 'vitest'
import { ordersDb, person, pointFor, statement } from './testing/world.ts'

const dana = person('dana', 'developers')
const orders = 'shop/public/orders'

const decide = (policies: string, ...facts: Facts[]) =>
  pointFor(policies).decide(dana, ordersDb, 'app', facts)

describe('reviews', () => {
  const dba =
    '@id("dba") @review("dba") @reason("ask a dba") permit (principal, action == Action::"update", resource);'

  test('a permit with a review permits only after it, on its terms', () => {
    expect(decide(dba, statement({ update: [orders] }))).toMatchObject({
      effect: 'review',
      policies: ['dba'],
      reason: 'ask a dba',
      terms: { needs: [{ groups: ['dba'], approvals: 1 }], withinMs: 900_000 },
    })
  })

  test('a plain permit makes it unnecessary, a forbid pointless', () => {
    const plain = '@id("plain") permit (principal in Group::"developers", action, resource);'
    expect(decide(dba + plain, statement({ update: [orders] }))).toMatchObject({
      effect: 'allow',
      policies: ['plain'],
    })
    const forbid = '@id("never") forbid (principal, action, resource);'
    expect(decide(dba + forbid, statement({ update: [orders] })).effect).toBe('deny')
  })

  test('of two that permit the same, any group may answer, on the strictest terms', () => {
    const leads =
      '@id("leads") @review("leads, heads") @reviewers("2") @within("5m") permit (principal, action, resource);'
    expect(decide(dba + leads, statement({ update: [orders] }))).toMatchObject({
      policies: ['dba', 'leads'],
      terms: { needs: [{ groups: ['dba', 'leads', 'heads'], approvals: 2 }], withinMs: 300_000 },
    })
  })

  test('of two of which one asks for several groups, what each asks for is asked for', () => {
    const leads = '@id("leads") @review("2 leads & dba,heads") permit (principal, action, resource);'
    expect(decide(dba + leads, statement({ update: [orders] }))).toMatchObject({
      policies: ['dba', 'leads'],
      terms: {
        needs: [
          { groups: ['dba'], approvals: 1 },
          { groups: ['leads'], approvals: 2 },
        ],
      },
    })
  })

  test('parts that need reviews of different groups are answered by who is in both, or by some of each', () => {
    const policies = (groups: string): string => `
      @id("a") @review("dba, security") permit (principal, action, resource in Object::"orders-db/shop/a");
      @id("b") @review("${groups}") permit (principal, action, resource in Object::"orders-db/shop/b");`
    const both = statement({ update: ['shop/a/t', 'shop/b/t'] })
    expect(decide(policies('2 security'), both)).toMatchObject({
      effect: 'review',
      policies: ['a', 'b'],
      terms: { needs: [{ groups: ['security'], approvals: 2 }] },
    })
    expect(decide(policies('legal'), both)).toMatchObject({
      effect: 'review',
      policies: ['a', 'b'],
      terms: {
        needs: [
          { groups: ['dba', 'security'], approvals: 1 },
          { groups: ['legal'], approvals: 1 },
        ],
      },
    })
  })

  test('more approvals than ten are not asked for: it is denied', () => {
    const both = statement({ update: ['shop/a/t', 'shop/b/t'] })
    const policies = `
      @id("a") @review("6 dba") permit (principal, action, resource in Object::"orders-db/shop/a");
      @id("b") @review("5 security") permit (principal, action, resource in Object::"orders-db/shop/b");`
    expect(decide(policies, both)).toMatchObject({
      effect: 'deny',
      policies: ['too-many-approvals', 'a', 'b'],
      reason: 'the policies ask for 11 approvals in all, and 10 can be asked for',
    })
  })

  test('one part under review holds the whole operation', () => {
    const reader = '@id("r") permit (principal, action == Action::"read", resource);'
    expect(decide(dba + reader, statement({ read: [orders], update: [orders] })).effect).toBe('review')
    expect(decide(dba + reader, statement({ read: [orders] }), statement({ update: [orders] })).effect).toBe(
      'review',
    )
  })
})
