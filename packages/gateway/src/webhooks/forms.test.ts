import type { WebhookNews } from '@sallyport/core'
import { describe, expect, test } from 'vitest'
import { bodyOf, type Notice } from './forms.ts'

const alice = { id: 'user:alice', name: 'alice' }
const both = [
  { groups: ['dba'], approvals: 2 },
  { groups: ['security'], approvals: 1 },
]
const asked = (text = "update orders set status = 'x' where id = 7"): Notice => ({
  id: 'whd_1',
  event: 'review-asked',
  at: Date.UTC(2026, 0, 1),
  news: {
    about: 'review',
    review: {
      id: 'rev_1',
      state: 'open',
      requester: alice,
      actor: { id: 'agent:robot', name: 'robot' },
      session: 'ses_1',
      resource: 'orders-db',
      account: 'app',
      text,
      reason: 'writes are *reviewed* <!channel>',
      blastRadius: { kind: 'rows', rows: 12 },
      reviewers: ['dba', 'security'],
      approvalsNeeded: 3,
      needs: both,
      stillNeeded: both,
      expiresAt: Date.UTC(2026, 0, 1, 0, 15),
    },
    answer: null,
  },
})

describe('a message about a review', () => {
  test('as JSON says all that webhooks are told', () => {
    expect(JSON.parse(bodyOf('json', asked()))).toMatchObject({
      id: 'whd_1',
      event: 'review-asked',
      at: '2026-01-01T00:00:00.000Z',
      about: 'review',
      review: { id: 'rev_1', requester: alice, blastRadius: { kind: 'rows', rows: 12 } },
      command: 'sallyport reviews show rev_1',
    })
  })

  test('for Slack is blocks in which nobody’s words are markup', () => {
    const body = JSON.parse(bodyOf('slack', asked('select 1 -- ``` <!channel>'))) as {
      text: string
      blocks: { type: string }[]
    }
    expect(body.text).toBe('robot for alice waits for a review on orders-db')
    expect(body.blocks.map(({ type }) => type)).toEqual(['header', 'rich_text', 'rich_text', 'rich_text'])
    const text = JSON.stringify(body.blocks)
    expect(text).not.toContain('mrkdwn')
    for (const words of [
      'robot for alice',
      'orders-db as app',
      'about 12',
      '2 of dba, and 1 of security',
      '``` <!channel>',
      'sallyport reviews show rev_1',
    ])
      expect(text).toContain(words)
  })

  test('for Teams is an adaptive card in which nobody’s words are markup', () => {
    const body = JSON.parse(bodyOf('teams', asked())) as {
      attachments: {
        contentType: string
        content: { type: string; version: string; body: { type: string }[] }
      }[]
    }
    const [card] = body.attachments
    expect(card).toMatchObject({
      contentType: 'application/vnd.microsoft.card.adaptive',
      content: { type: 'AdaptiveCard', version: '1.4' },
    })
    // TextBlock and FactSet read Markdown.
    expect(new Set(card?.content.body.map(({ type }) => type))).toEqual(new Set(['RichTextBlock']))
    expect(JSON.stringify(card)).toContain('sallyport reviews show rev_1')
  })
})

test('a message about an approval says whose is missing still', () => {
  const { news, ...rest } = asked()
  if (news.about !== 'review') throw new TypeError('it is about a review')
  const answer = { by: { id: 'user:bob', name: 'bob' }, verdict: 'approve', comment: null } as const
  const stillNeeded = [{ groups: ['security'], approvals: 1 }]
  const told: WebhookNews = { ...news, review: { ...news.review, stillNeeded }, answer }
  const body = bodyOf('slack', { ...rest, event: 'review-answered', news: told })
  expect(body).toContain('Still needed')
  expect(body).toContain('approval by security')
})

const request = {
  id: 'req_1',
  requester: alice,
  actor: alice,
  resource: 'orders-db',
  account: 'app_rw',
  durationMs: 7_200_000,
  reason: 'a broken import',
  ticket: 'OPS-7',
  reviewers: ['dba'],
  approvalsNeeded: 2,
  expiresAt: 0,
}
const grant = {
  id: 'grt_1',
  request: 'req_1',
  requester: alice,
  actor: alice,
  resource: 'orders-db',
  account: 'app',
  endsAt: 0,
}
const answer = { by: { id: 'user:bob', name: 'bob' }, verdict: 'deny', comment: 'not now' } as const

test.each<[Notice['event'], WebhookNews, string]>([
  [
    'access-requested',
    { about: 'request', request: { ...request, state: 'open' }, answer: null },
    'alice asks for access to orders-db',
  ],
  [
    'access-answered',
    { about: 'request', request: { ...request, state: 'open' }, answer: { ...answer, verdict: 'approve' } },
    'bob approved access to orders-db for alice',
  ],
  [
    'access-denied',
    { about: 'request', request: { ...request, state: 'denied' }, answer },
    'Access to orders-db was denied to alice',
  ],
  [
    'access-request-ended',
    { about: 'request', request: { ...request, state: 'expired' }, answer: null },
    'A request for access to orders-db is expired',
  ],
  [
    'break-glass',
    { about: 'request', request: { ...request, state: 'unreviewed' }, answer: null },
    'Break-glass: alice let themselves in to orders-db',
  ],
  [
    'grant-ended',
    { about: 'grant', grant: { ...grant, revokedBy: null, revokedWhy: null } },
    'A grant of orders-db has ended',
  ],
  [
    'grant-ended',
    { about: 'grant', grant: { ...grant, revokedBy: 'user:bob', revokedWhy: 'done' } },
    'A grant of orders-db was revoked',
  ],
  [
    'session-refused',
    {
      about: 'refused',
      refused: { code: 'no-such-access', count: 3, clientAddress: '10.0.0.9:4', resource: 'x' },
    },
    '3 log-ins were refused',
  ],
  ['test', { about: 'test' }, 'A test of this webhook'],
])('%s is said in a line, in every form', (event, news, title) => {
  for (const form of ['json', 'slack', 'teams'] as const)
    expect(bodyOf(form, { id: 'whd_1', event, at: 0, news })).toContain(title)
})
