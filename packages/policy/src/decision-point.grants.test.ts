import { describe, expect, test } from 'vitest'
import { explain } from './index.ts'
import { ordersDb, person, pointFor } from './testing/world.ts'

const dana = person('dana', 'developers')

describe('a connection that takes a grant', () => {
  const connect = (...policies: string[]) => pointFor(policies.join('\n')).connect(dana, ordersDb, 'app')
  const request = (id: string, annotations: string) =>
    `@id("${id}") ${annotations} permit (principal in Group::"developers", action == Action::"connect", resource);`
  const hourMs = 3_600_000

  test('is decided as one that may be asked for, with the terms of its policy', () => {
    const policy = request(
      'admins',
      '@request("dba, security") @reviewers("2") @within("8h") @duration("4h") @breakglass("oncall") @reason("asked for")',
    )
    expect(connect(policy)).toMatchObject({
      effect: 'request',
      policies: ['admins'],
      reason: 'asked for',
      terms: {
        needs: [{ groups: ['dba', 'security'], approvals: 2 }],
        withinMs: 8 * hourMs,
        durationMs: 4 * hourMs,
        breakGlass: ['oncall'],
      },
    })
    expect(explain(connect(policy))).toBe(
      'allowed by admins for up to 4 h when a request is approved 2 times by dba or security within 8 h: asked for',
    )
  })

  test('waits a day, lasts an hour, needs one approval and has no break-glass unless said', () => {
    expect(connect(request('a', '@request("dba")'))).toMatchObject({
      terms: {
        needs: [{ groups: ['dba'], approvals: 1 }],
        withinMs: 24 * hourMs,
        durationMs: hourMs,
        breakGlass: [],
      },
    })
  })

  test('needs none where a plain permit lets in, and has none where a forbid fits', () => {
    const asked = request('a', '@request("dba")')
    expect(connect(asked, request('plain', ''))).toMatchObject({ effect: 'allow', policies: ['plain'] })
    expect(connect(asked, '@id("no") forbid (principal, action, resource);')).toMatchObject({
      effect: 'deny',
      policies: ['no'],
    })
  })

  test('of several permits is asked of any of their groups, on the strictest terms', () => {
    const one = request('a', '@request("dba") @duration("4h") @breakglass("oncall")')
    const two = request('b', '@request("security") @reviewers("2") @duration("2h") @within("1h")')
    expect(connect(one, two)).toMatchObject({
      policies: ['a', 'b'],
      terms: {
        needs: [{ groups: ['dba', 'security'], approvals: 2 }],
        withinMs: hourMs,
        durationMs: 2 * hourMs,
        breakGlass: ['oncall'],
      },
    })
  })

  test('of several groups is asked of each, as of those of another permit that fits', () => {
    const both = request('a', '@request("dba & 2 security") @within("1h")')
    const needs = [
      { groups: ['dba'], approvals: 1 },
      { groups: ['security'], approvals: 2 },
    ]
    expect(connect(both)).toMatchObject({ effect: 'request', terms: { needs } })
    expect(explain(connect(both))).toBe(
      'allowed by a for up to 1 h when a request is approved once by dba, and 2 times by security within 1 h',
    )
    expect(connect(both, request('b', '@request("security")'))).toMatchObject({ terms: { needs } })
  })
})
