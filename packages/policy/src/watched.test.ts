import type { Facts } from '@sallyport/core'
import { describe, expect, test } from 'vitest'
import { compilePolicies } from './decision-point.ts'
import { explain } from './explain.ts'
import { PolicyError } from './problem.ts'
import { ordersDb, person, pointFor, statement } from './testing/world.ts'
import { postgresVocabulary } from './testing/postgres-vocabulary.ts'

const dana = person('dana', 'developers')
const orders = 'shop/public/orders'

const decide = (policies: string, ...facts: Facts[]) =>
  pointFor(policies).decide(dana, ordersDb, 'app', facts)

const security =
  '@id("watched") @watched("security") permit (principal, action == Action::"update", resource);'

describe('a permit with @watched', () => {
  test('permits while somebody of its group watches', () => {
    const decision = decide(security, statement({ update: [orders] }))
    expect(decision).toMatchObject({ effect: 'allow', obligations: { watchers: [['security']] } })
    expect(explain(decision)).toBe('allowed by watched while somebody of security watches')
  })

  test('says nothing where another permits without', () => {
    const plain = '@id("plain") permit (principal, action, resource);'
    const { policies, obligations } = decide(security + plain, statement({ update: [orders] }))
    expect(policies).toEqual(['plain'])
    expect(obligations.watchers).toBe(undefined)
  })

  test('asks for any of the groups of several that permit the same, and for somebody of each where one asks for that', () => {
    const leads = '@id("w2") @watched("leads, dba") permit (principal, action, resource);'
    const both = '@id("w3") @watched("dba & security") permit (principal, action, resource);'
    const update = statement({ update: [orders] })
    expect(decide(security + leads, update).obligations.watchers).toEqual([['leads', 'dba', 'security']])
    expect(decide(both, update).obligations.watchers).toEqual([['dba'], ['security']])
    expect(decide(security + both, update).obligations.watchers).toEqual([['dba'], ['security']])
  })

  test('asks for all that parts of one operation ask for', () => {
    const read = '@id("r") @watched("dba") permit (principal, action == Action::"read", resource);'
    const facts = statement({ update: [orders], read: ['shop/public/customers'] })
    expect(decide(security + read, facts).obligations.watchers).toEqual([['security'], ['dba']])
  })

  test('goes together with a review, and is kept where one of several reviewed permits asks for it', () => {
    const reviewed = '@id("a") @review("dba") @watched("security") permit (principal, action, resource);'
    const other = '@id("b") @review("dba") permit (principal, action, resource);'
    const update = statement({ update: [orders] })
    expect(decide(reviewed, update)).toMatchObject({
      effect: 'review',
      obligations: { watchers: [['security']] },
    })
    expect(decide(reviewed + other, update).obligations.watchers).toEqual([['security']])
  })

  test('does not unmask, administer or replay: nobody can watch that', () => {
    const point = pointFor('@id("all") @watched("security") permit (principal, action, resource);')
    expect(point.unmask(dana, ordersDb, 'pii.email').effect).toBe('deny')
    expect([...point.maskedTags(dana, ordersDb)]).toContain('pii.email')
    expect(point.may(dana, 'administer').effect).toBe('deny')
    expect(point.may(dana, 'replay', ordersDb).effect).toBe('deny')
    expect(point.connect(dana, ordersDb, 'app').effect).toBe('allow')
  })

  test.each([
    ['@watched("") permit (principal, action, resource);', '@watched needs the group that watches'],
    ['@watched permit (principal, action, resource);', '@watched needs the group that watches'],
    ['@watched("2 dba") permit (principal, action, resource);', '@watched needs the group that watches'],
    ['@watched("dba") forbid (principal, action, resource);', '@watched belongs on a permit'],
    [
      '@watched("dba") @request("dba") permit (principal, action == Action::"connect", resource);',
      'write it on the permit for the operations',
    ],
  ])('is refused where it says nothing of use: %s', (text, message) => {
    const compile = () =>
      compilePolicies({
        policies: [{ name: 'p.cedar', text: `@id("p") ${text}` }],
        vocabulary: [postgresVocabulary],
        version: '1',
      })
    expect(compile).toThrow(PolicyError)
    expect(compile).toThrow(message)
  })
})
