import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  approvalsIn,
  areMet,
  needsAsWritten,
  needsInWords,
  openNeeds,
  type ReviewNeed,
} from './review-needs.ts'

const need = (groups: string, approvals = 1): ReviewNeed => ({ groups: groups.split(','), approvals })
const both = [need('dba'), need('security')]

describe('approvals that several groups must give', () => {
  test('are complete when each group has given its own, in whatever order', () => {
    expect(openNeeds(both, [])).toEqual(both)
    expect(openNeeds(both, [['dba']])).toEqual([need('security')])
    expect(openNeeds(both, [['security']])).toEqual([need('dba')])
    expect(areMet(both, [['security'], ['dba']])).toBe(true)
  })

  test('of somebody in two of the groups count for one of them, whichever the others leave open', () => {
    const inBoth = ['dba', 'security']
    expect(openNeeds(both, [inBoth])).toEqual([need('dba,security')])
    expect(areMet(both, [inBoth])).toBe(false)
    for (const other of [['dba'], ['security'], inBoth]) {
      expect(areMet(both, [inBoth, other])).toBe(true)
      expect(areMet(both, [other, inBoth])).toBe(true)
    }
  })

  test('do not help beyond their number, nor from outside', () => {
    const needs = [need('dba', 2), need('security')]
    expect(openNeeds(needs, [['dba'], ['dba'], ['dba'], ['sales'], []])).toEqual([need('security')])
    expect(openNeeds(needs, [['dba'], ['security'], ['security']])).toEqual([need('dba')])
  })

  test('are never complete where nobody is asked for', () => {
    expect(areMet([], [['dba']])).toBe(false)
  })
})

test('what is needed in words, and as policies write it', () => {
  const needs = [need('dba,leads', 2), need('security')]
  expect(needsInWords([need('dba')])).toBe('approval by dba')
  expect(needsInWords([need('dba,leads', 2)])).toBe('2 approvals by dba or leads')
  expect(needsInWords(both)).toBe('approval by dba, and by security')
  expect(needsInWords(needs)).toBe('2 approvals by dba or leads, and 1 by security')
  expect(needsInWords(needs.toReversed())).toBe('1 approval by security, and 2 by dba or leads')
  expect(needsAsWritten(needs)).toBe('2 dba,leads & security')
})

describe('of any needs and approvers', () => {
  const group = fc.constantFrom<string[]>('a', 'b', 'c', 'd')
  const groups = fc.uniqueArray(group, { minLength: 1, maxLength: 3 })
  const needs = fc.array(fc.record({ groups, approvals: fc.integer({ min: 1, max: 2 }) }), {
    minLength: 1,
    maxLength: 3,
  })
  const approvers = fc.array(fc.uniqueArray(group, { maxLength: 3 }), { maxLength: 6 })

  /** The most seats that different people can fill, by trying everything. */
  const mostSeats = (
    seats: readonly (readonly string[])[],
    people: readonly (readonly string[])[],
  ): number => {
    const [person, ...others] = people
    if (person === undefined) return 0
    const taking = seats.flatMap((seat, i) =>
      person.some((one) => seat.includes(one)) ? 1 + mostSeats(seats.toSpliced(i, 1), others) : [],
    )
    return Math.max(mostSeats(seats, others), ...taking)
  }

  test('as many are missing as no choice of who stands for what could fill', () => {
    fc.assert(
      fc.property(needs, approvers, (all, people) => {
        const seats = all.flatMap((one) => Array.from({ length: one.approvals }, () => one.groups))
        const missing = approvalsIn(openNeeds(all, people))
        expect(missing).toBe(seats.length - mostSeats(seats, people))
        expect(areMet(all, people)).toBe(missing === 0)
      }),
      { numRuns: 400 },
    )
  })

  test('one more approver brings it nearer by one exactly where a group of theirs is said to be missing', () => {
    fc.assert(
      fc.property(needs, approvers, groups, (all, people, more) => {
        const before = openNeeds(all, people)
        const helps = before.some((one) => one.groups.some((missing) => more.includes(missing)))
        const after = approvalsIn(openNeeds(all, [...people, more]))
        expect(after).toBe(approvalsIn(before) - (helps ? 1 : 0))
      }),
      { numRuns: 400 },
    )
  })

  test('it does not matter who approved first, nor which need comes first', () => {
    fc.assert(
      fc.property(needs, approvers, (all, people) => {
        const missing = approvalsIn(openNeeds(all, people))
        expect(approvalsIn(openNeeds(all, people.toReversed()))).toBe(missing)
        expect(approvalsIn(openNeeds(all.toReversed(), people))).toBe(missing)
      }),
    )
  })
})
