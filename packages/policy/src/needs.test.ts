import { approvalsIn, areMet, type ReviewNeed } from '@sallyport/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { allOf, anyOf, readNeeds } from './needs.ts'

describe('what a review asks for', () => {
  const need = (groups: readonly string[], approvals = 1): ReviewNeed => ({ groups, approvals })

  test.each<[string, ReviewNeed[], boolean]>([
    ['dba', [need(['dba'])], false],
    [' dba , security,dba ', [need(['dba', 'security'])], false],
    ['2 dba', [need(['dba'], 2)], true],
    ['dba & security', [need(['dba']), need(['security'])], true],
    ['dba&security', [need(['dba']), need(['security'])], true],
    ['2 dba,leads & security', [need(['dba', 'leads'], 2), need(['security'])], true],
    ['dba & dba', [need(['dba'], 2)], true],
    ['team:2 & 2', [need(['team:2']), need(['2'])], true],
  ])('is read from "%s"', (text, needs, isCounted) => {
    expect(readNeeds(text)).toEqual({ kind: 'needs', needs, isCounted })
  })
})

describe('of any reviews', () => {
  const group = fc.constantFrom<string[]>('a', 'b', 'c', 'd')
  const groups = fc.uniqueArray(group, { minLength: 1, maxLength: 3 })
  const needs = fc.array(fc.record({ groups, approvals: fc.integer({ min: 1, max: 2 }) }), {
    minLength: 1,
    maxLength: 2,
  })
  const approvers = fc.array(fc.uniqueArray(group, { minLength: 1, maxLength: 4 }), { maxLength: 8 })

  test('what meets all of them together meets each of them', () => {
    let met = 0
    fc.assert(
      fc.property(fc.array(needs, { minLength: 1, maxLength: 3 }), approvers, (all, people) => {
        if (!areMet(allOf(all), people)) return
        met++
        for (const each of all) expect(areMet(each, people)).toBe(true)
      }),
      { numRuns: 2000 },
    )
    expect(met).toBeGreaterThan(50)
  })

  test('where several permit the same, as many must approve as the one wants that wants most', () => {
    fc.assert(
      fc.property(fc.array(needs, { minLength: 1, maxLength: 3 }), (all) => {
        const most = Math.max(...all.map(approvalsIn))
        const isForOne = all.every(({ length }) => length === 1)
        expect(approvalsIn(anyOf(all))).toBeGreaterThanOrEqual(most)
        expect(isForOne && approvalsIn(anyOf(all)) > most).toBe(false)
      }),
      { numRuns: 500 },
    )
  })

  test('the same asked for twice is asked for once', () => {
    fc.assert(
      fc.property(needs, (one) => {
        const once = allOf([one, one])
        expect(allOf([once, once])).toEqual(once)
      }),
    )
  })
})
