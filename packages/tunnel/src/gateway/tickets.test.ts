import { randomBytes } from 'node:crypto'
import { FakeClock } from '@sallyport/core/testing'
import { queryObjects } from 'node:v8'
import { expect, test } from 'vitest'
import { Tickets } from './tickets.ts'

function tickets(clock = new FakeClock()): { all: Tickets<string>; clock: FakeClock } {
  return {
    all: new Tickets<string>({ lifetimeMs: 10_000, elapsed: () => clock.elapsed(), random: randomBytes }),
    clock,
  }
}

test('a ticket is good once, for the agent it was made for', () => {
  const { all } = tickets()
  const ticket = all.issue('a', 'dial 1')
  expect(ticket).toHaveLength(16)
  expect(all.redeem(ticket, 'a')).toEqual({ kind: 'accepted', purpose: 'dial 1' })
  expect(all.redeem(ticket, 'a')).toEqual({ kind: 'misused', why: 'reused' })
})

test("another agent's attempt is refused and does not spend the ticket", () => {
  const { all } = tickets()
  const ticket = all.issue('a', 'dial 1')
  expect(all.redeem(ticket, 'b')).toEqual({ kind: 'misused', why: 'foreign' })
  expect(all.redeem(ticket, 'a').kind).toBe('accepted')
})

test('an unknown ticket is refused', () => {
  expect(tickets().all.redeem(Buffer.alloc(16), 'a')).toEqual({ kind: 'misused', why: 'unknown' })
  expect(tickets().all.redeem(Buffer.alloc(0), 'a')).toEqual({ kind: 'misused', why: 'unknown' })
})

test('a ticket is late after its time, and when nobody waits for it any more', () => {
  const { all, clock } = tickets()
  const [old, withdrawn] = [all.issue('a', 'old'), all.issue('a', 'withdrawn')]
  all.withdraw(withdrawn)
  expect(all.redeem(withdrawn, 'a')).toEqual({ kind: 'misused', why: 'late' })
  clock.advance(10_000)
  expect(all.purposeOf(old, 'a')).toBe('old')
  clock.advance(1)
  expect(all.redeem(old, 'a')).toEqual({ kind: 'misused', why: 'late' })
})

test('only open tickets of the agent are open', () => {
  const { all } = tickets()
  const used = all.issue('a', 'used')
  const open = all.issue('a', 'open')
  all.issue('b', "another's")
  all.redeem(used, 'a')
  expect(all.openOf('a')).toEqual(['open'])
  expect(all.purposeOf(open, 'b')).toBeUndefined()
  expect(all.purposeOf(used, 'a')).toBeUndefined()
})

test('old tickets are forgotten', () => {
  const { all, clock } = tickets()
  for (let i = 0; i < 1_000; i++) all.issue('a', 'x')
  clock.advance(70_001)
  all.issue('a', 'x')
  expect(all.size).toBe(1)
})

test('what a spent ticket was for is not kept', () => {
  class Purpose {}
  const { all } = tickets() as unknown as { all: Tickets<Purpose> }
  const [used, withdrawn, open] = [1, 2, 3].map(() => all.issue('a', new Purpose()))
  expect(queryObjects(Purpose)).toBe(3)
  all.redeem(used!, 'a')
  all.withdraw(withdrawn!)
  expect(queryObjects(Purpose)).toBe(1)
  expect(all.purposeOf(open!, 'a')).toBeInstanceOf(Purpose)
})
