import { expect, test } from 'vitest'
import type { RecordedLine } from '@sallyport/api'
import { replayLine } from './replay.ts'
import { terminalPrinter } from './testing/terminal-printer.ts'

const at = '1970-01-01T00:00:01.000Z'
const steering = 'a\u001b]52;c;cm0gLXJm\u0007\u009b2J\r\n00:00.000  #9 allowed\u202eb'
const line = (event: Record<string, unknown>): string =>
  replayLine({ sequence: 1, at, ...event } as unknown as RecordedLine, 0, terminalPrinter())

test.each([
  [
    'a file that somebody named',
    {
      kind: 'operation',
      id: 1,
      effect: 'deny',
      text: 'open',
      facts: [{ actions: ['upload'], objects: [{ path: ['web', 'files', steering] }] }],
    },
  ],
  [
    'a signal that a target named',
    { kind: 'result', id: 1, outcome: { status: 'failed', rows: 0, errorCode: steering } },
  ],
  [
    'a person and where they came from',
    { kind: 'opened', principal: { name: steering }, resource: steering, clientAddress: steering },
  ],
  [
    'who acts for a person, one through the other',
    {
      kind: 'opened',
      principal: { id: 'user:a', name: steering },
      actor: { id: 'agent:b', name: steering, act: { id: 'agent:c', name: steering } },
      resource: 'r',
    },
  ],
  [
    'a value beside a statement, and why it was refused',
    { kind: 'operation', id: 1, effect: 'deny', text: 'x', parameters: ['\u009b2J\u202e'], reason: steering },
  ],
  [
    'who answered a review, and what they wrote',
    { kind: 'review-ended', state: 'rejected', review: 'rev_1', by: [steering], comment: steering },
  ],
])('%s steers no terminal in which it is replayed, and adds no line', (_what, event) => {
  const shown = line(event)
  expect(shown.trimEnd()).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u)
  expect(shown.trimEnd()).not.toMatch(/^\S*\s*00:00\.000 {2}#9/m)
})

test('a session that something opened for somebody is replayed as both', () => {
  const shown = line({
    kind: 'opened',
    principal: { id: 'user:alice', name: 'alice' },
    actor: { id: 'agent:helper', name: 'helper', act: { id: 'agent:claude', name: 'claude' } },
    resource: 'orders-db',
  })
  expect(shown).toContain('opened by helper via claude for alice on orders-db')
})
