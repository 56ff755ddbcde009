import { expect, test } from 'vitest'
import type { Review } from '@sallyport/api'
import { terminalPrinter } from '../testing/terminal-printer.ts'
import { reviewText } from './reviews.ts'

const person = { kind: 'user', id: 'user:alice', name: 'alice' } as const

const review: Review = {
  id: 'rev_1',
  state: 'open',
  requester: person,
  actor: person,
  session: 'ses_1',
  resource: 'orders-db',
  account: 'app',
  text: 'drop table orders -- \u001b[1A\u001b[2K\r  select 1 \u202e\u009b8m',
  parameters: ['\u009b8m', 'terminal xterm'],
  reason: 'writes are reviewed',
  policies: ['writes'],
  reviewers: ['dba'],
  approvalsNeeded: 1,
  needs: [{ groups: ['dba'], approvals: 1 }],
  stillNeeded: [],
  answers: [],
  askedAt: '2026-01-01T00:00:00Z',
  expiresAt: '2026-01-01T00:15:00Z',
  mayAnswer: true,
}

test('who asks for a review does not choose what the reviewer’s terminal shows of it', () => {
  const shown = reviewText(review, 0, terminalPrinter())
  expect(shown).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u)
  expect(shown).toContain('  drop table orders -- ?[1A?[2K?  select 1 ??8m\n')
})

test('parameters are numbered, and are no parameters of a shell', () => {
  const shown = reviewText(review, 0, terminalPrinter())
  expect(shown).toContain('  parameter 2: "terminal xterm"\n')
  expect(shown).not.toContain('$2')
})
