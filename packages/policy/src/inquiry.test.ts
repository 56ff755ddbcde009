import { expect, test } from 'vitest'
import { inquire, type Inquiry } from './inquiry.ts'
import { NotAsked } from './stated-facts.ts'
import { agentOf, ordersDb, person, pointFor } from './testing/world.ts'

const point = pointFor(`
  @id("connect") permit (principal in Group::"developers", action == Action::"connect", resource);
  @id("read") permit (principal in Group::"developers", action == Action::"read", resource in Object::"orders-db/shop");
  @id("stray") permit (principal, action == Action::"update", resource);
  @id("delete") @review("dba") permit (principal in Group::"developers", action == Action::"delete", resource);
  @id("all-rows") @reason("not all at once") forbid (principal, action == Action::"delete", resource) when { context.unfiltered };
  @id("sleep") forbid (principal, action == Action::"read", resource) when { context.functions.contains("pg_catalog.pg_sleep") };
  @id("mail") permit (principal in Group::"developers", action == Action::"unmask", resource == Tag::"pii.email") unless { context.actor.isDelegated };
  @id("ask") @request("dba") permit (principal in Group::"staff", action == Action::"connect", resource);
`)
const dana = person('dana', 'developers')
const ask = (inquiry: Inquiry, who = dana) => inquire(point, who, ordersDb, inquiry)

test.each([
  [{ action: 'connect' }, 'yes', ['connect']],
  [{ action: 'read', target: 'shop.public.orders' }, 'yes', ['connect', 'read']],
  [{ action: 'read', target: 'shop/public/odd.name' }, 'yes', ['connect', 'read']],
  [{ action: 'read', target: 'hr.public.pay' }, 'no', ['connect']],
  [{ action: 'delete', target: 'shop.public.orders' }, 'review', ['connect', 'delete']],
  [
    { action: 'delete', target: 'shop.public.orders', facts: { unfiltered: true } },
    'no',
    ['connect', 'all-rows'],
  ],
  [
    {
      action: 'read',
      target: 'shop.public.orders',
      facts: { functions: 'pg_catalog.lower,pg_catalog.pg_sleep' },
    },
    'no',
    ['connect', 'sleep'],
  ],
  [{ action: 'unmask', target: 'pii.email' }, 'yes', ['connect', 'mail']],
  [{ action: 'unmask', target: 'pii.phone' }, 'no', ['connect']],
  [{ action: 'administer' }, 'no', []],
] as const)('%j is answered %s', (inquiry, answer, policies) => {
  const finding = ask(inquiry)
  expect(finding.answer).toBe(answer)
  expect(finding.steps.flatMap(({ decision }) => decision.policies)).toEqual(policies)
})

test('what is permitted to somebody who may not connect is answered no', () => {
  expect(ask({ action: 'update', target: 'shop.public.orders' }, person('eve')).answer).toBe('no')
})

test('what takes a grant first is answered by request', () => {
  const finding = ask({ action: 'update', target: 'shop.public.orders' }, person('sam', 'staff'))
  expect(finding.answer).toBe('request')
})

test('an agent that acts for somebody is asked about as that', () => {
  expect(ask({ action: 'unmask', target: 'pii.email' }, agentOf(dana, 'helper')).answer).toBe('no')
})

test.each([
  [{ action: 'raed', target: 'shop.public.orders' }, /no action raed on orders-db; did you mean read\?/],
  [{ action: 'unmask' }, /tag/],
  [{ action: 'connect', target: 'shop' }, /alone/],
  [{ action: 'administer', target: 'shop' }, /gateway/],
  [{ action: 'read', account: 'root' }, /no account root/],
  [{ action: 'read', facts: { unfilterd: true } }, /no fact unfilterd; did you mean unfiltered\?/],
  [{ action: 'read', facts: { unfiltered: 'perhaps' } }, /of type boolean/],
] as const)('%j is not understood', (inquiry, words) => {
  expect(() => ask(inquiry)).toThrow(NotAsked)
  expect(() => ask(inquiry)).toThrow(words)
})
