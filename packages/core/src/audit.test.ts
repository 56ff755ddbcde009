import { describe, expect, test } from 'vitest'
import { AuditChain, auditGenesis, auditHash, type AuditEntry } from './audit.ts'

function chained(...made: readonly Partial<AuditEntry>[]): AuditEntry[] {
  const entries: AuditEntry[] = []
  for (const [i, one] of made.entries()) {
    const entry = {
      seq: i + 1,
      at: 1000 + i,
      kind: 'token' as const,
      by: 'user:ann',
      principal: 'user:ann',
      actor: null,
      address: '10.0.0.1',
      why: 'token',
      changes: ['token t made'],
      previous: entries.at(-1)?.hash ?? auditGenesis,
      ...one,
    }
    entries.push({ ...entry, hash: auditHash(entry) })
  }
  return entries
}
const old = { kind: null, principal: null, actor: null, address: null }
const takes = (entries: readonly AuditEntry[]): number => {
  const chain = new AuditChain()
  return entries.findIndex((entry) => !chain.take(entry))
}

describe('a chain of audit entries', () => {
  test('is followed to its head', () => {
    const entries = chained({}, {}, {})
    const chain = new AuditChain()
    expect(entries.every((entry) => chain.take(entry))).toBe(true)
    expect([chain.seq, chain.head]).toEqual([3, entries[2]?.hash])
  })

  test('holds entries of older gateways by what they had, and then those of today', () => {
    const [first] = chained(old)
    // Of a gateway that had no kinds.
    expect(first?.hash).toBe('a6c1f95df5df6075474808bc131fd25bd6bc447ecbd2532f239671ddcebadcbb')
    expect(takes(chained(old, old, {}))).toBe(-1)
  })

  test('does not take what says less after what says more', () => {
    expect(takes(chained(old, {}, old))).toBe(2)
  })

  test.each<[string, Partial<AuditEntry>]>([
    ['time', { at: 7 }],
    ['kind', { kind: 'log-in' }],
    ['kind, taken away', old],
    ['author', { by: 'system' }],
    ['principal', { principal: 'user:bob' }],
    ['actor', { actor: 'agent:x' }],
    ['address', { address: null }],
    ['reason', { why: 'x' }],
    ['change', { changes: [] }],
    ['place', { seq: 3 }],
    ['predecessor', { previous: auditGenesis }],
  ])('is broken by an altered %s', (_what, altered) => {
    const entries = chained({}, {}, {})
    expect(takes(entries.map((entry, i) => (i === 1 ? { ...entry, ...altered } : entry)))).toBe(1)
  })

  test('is broken by an entry that is missing, or there twice', () => {
    const [one, two, three] = chained({}, {}, {}) as [AuditEntry, AuditEntry, AuditEntry]
    expect(takes([one, three])).toBe(1)
    expect(takes([one, two, two])).toBe(2)
    expect(new AuditChain(one).take(two)).toBe(true)
    expect(new AuditChain(one).take(three)).toBe(false)
  })
})
