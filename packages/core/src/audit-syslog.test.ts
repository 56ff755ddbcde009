import { describe, expect, test } from 'vitest'
import { syslogMessages } from './audit-syslog.ts'
import type { AuditEntry } from './audit.ts'

const entry: AuditEntry = {
  seq: 7,
  at: Date.UTC(2026, 0, 1),
  kind: 'log-in-failed',
  by: 'system',
  principal: 'user:ann',
  actor: null,
  address: '2001:db8::1',
  why: 'log-in',
  changes: ['log-in failed for user ann'],
  previous: 'p',
  hash: 'h',
}
const messages = (more: Partial<AuditEntry> = {}, maxCharacters = 4000) =>
  syslogMessages({ ...entry, ...more }, { host: 'gateway.example', maxCharacters })

describe('an audit entry as syslog', () => {
  test('has its fields as structured data and its changes as JSON', () => {
    expect(messages()).toEqual([
      '<108>1 2026-01-01T00:00:00.000Z gateway.example sallyport - log-in-failed [audit@32473 seq="7" kind="log-in-failed" by="system" principal="user:ann" address="2001:db8::1" why="log-in" previous="p" hash="h"] \u{feff}["log-in failed for user ann"]',
    ])
  })

  test('is a notice where it is no attempt that was refused', () => {
    expect(messages({ kind: 'policy' })[0]).toMatch(/^<109>1 /)
    expect(messages({ kind: null })[0]).toContain(' sallyport - audit [')
  })

  test('cannot be made to say more by what is in it', () => {
    const [message = ''] = messages({ by: 'a"] [x@1 y="\\\n<1>', changes: ['b\n<108>1 forged'] })
    expect(message).toContain('by="a\\"\\] [x@1 y=\\"\\\\\u{fffd}<1>"')
    expect(message).not.toContain('\n')
    expect(message.endsWith('["b\\n<108>1 forged"]')).toBe(true)
  })

  test('is cut where it is long, and whole again put together', () => {
    const changes = ['ü😀'.repeat(50)]
    const parts = messages({ changes }, 40)
    expect(parts.length).toBeGreaterThan(2)
    expect(parts.map((part) => /part="(\S+)"/.exec(part)?.[1])).toEqual(
      parts.map((_, i) => `${i + 1}/${parts.length}`),
    )
    const text = parts.map((part) => part.slice(part.indexOf('\u{feff}') + 1)).join('')
    expect(JSON.parse(text)).toEqual(changes)
  })
})
