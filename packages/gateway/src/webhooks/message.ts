import {
  needsInWords,
  whoInWords,
  type BlastRadius,
  type ReviewNeed,
  type Told,
  type WebhookEvent,
  type WebhookNews,
} from '@sallyport/core'

/** What people are told in a chat. None of its texts is markup: each form sees to that. */
export interface Message {
  readonly title: string
  readonly facts: readonly (readonly [label: string, value: string])[]
  /** A statement, as far as it is told. */
  readonly code?: string | undefined
  /** The command that shows it, or answers it. */
  readonly command?: string | undefined
}

export function messageOf(event: WebhookEvent | 'test', news: WebhookNews): Message {
  switch (news.about) {
    case 'review':
      return reviewMessage(event, news)
    case 'request':
      return requestMessage(event, news)
    case 'grant': {
      const { grant } = news
      const facts: (readonly [string, string])[] = [
        ['Who', whoOf(grant)],
        ['Access', `${grant.resource} as ${grant.account}`],
        ...(grant.revokedBy === null ? [] : [['Revoked by', grant.revokedBy] as const]),
        ...(grant.revokedWhy === null ? [] : [['Why', grant.revokedWhy] as const]),
      ]
      const how = grant.revokedBy === null ? 'has ended' : 'was revoked'
      return { title: `A grant of ${grant.resource} ${how}`, facts, command: 'sallyport grants ls --ended' }
    }
    case 'refused': {
      const { code, count, clientAddress, resource } = news.refused
      return {
        title: count === 1 ? 'A log-in was refused' : `${count} log-ins were refused`,
        facts: [
          ['Why', code],
          ['Last from', clientAddress],
          ['To', resource],
        ],
      }
    }
    case 'test':
      return { title: 'A test of this webhook', facts: [['It', 'works']] }
  }
}

function reviewMessage(
  event: WebhookEvent | 'test',
  { review, answer }: Extract<WebhookNews, { about: 'review' }>,
): Message {
  const ends = new Date(review.expiresAt).toISOString()
  const facts: (readonly [string, string])[] = [
    ['Who', whoOf(review)],
    ['On', `${review.resource} as ${review.account}`],
    ...(review.reason === null ? [] : [['Reason', review.reason] as const]),
    ...(review.blastRadius === null ? [] : [['Rows', rowsInWords(review.blastRadius)] as const]),
    ...answerFacts(answer),
    ...(event === 'review-asked'
      ? [['Reviewers', reviewersOf(review)] as const, ['Until', ends] as const]
      : missingOf(review)),
  ]
  const titles: Partial<Record<WebhookEvent | 'test', string>> = {
    'review-asked': `${whoOf(review)} waits for a review on ${review.resource}`,
    'review-answered': `${answer?.by.name ?? 'Somebody'} answered a review on ${review.resource}: ${answer?.verdict ?? ''}`,
  }
  return {
    title: titles[event] ?? `A review on ${review.resource} is ${endings[review.state]}`,
    facts,
    code: event === 'review-asked' && review.text !== '' ? review.text : undefined,
    command: `sallyport reviews show ${review.id}`,
  }
}

function requestMessage(
  event: WebhookEvent | 'test',
  { request, answer }: Extract<WebhookNews, { about: 'request' }>,
): Message {
  const { requester, resource } = request
  const who = whoOf(request)
  const isAsked = event === 'access-requested'
  const titles: Partial<Record<WebhookEvent | 'test', string>> = {
    'access-answered': `${answer?.by.name ?? 'Somebody'} approved access to ${resource} for ${who}`,
    'access-requested': `${who} asks for access to ${resource}`,
    'access-granted': `${who} has access to ${resource}`,
    'access-denied': `Access to ${resource} was denied to ${who}`,
    'break-glass': `Break-glass: ${requester.name} let themselves in to ${resource}`,
    'break-glass-reviewed': `The break-glass of ${requester.name} to ${resource} is reviewed`,
  }
  return {
    title: titles[event] ?? `A request for access to ${resource} is ${request.state}`,
    facts: [
      ['Who', whoOf(request)],
      ['Access', `${resource} as ${request.account}, for ${Math.round(request.durationMs / 60_000)} min`],
      ['Reason', request.reason],
      ...(request.ticket === null ? [] : [['Ticket', request.ticket] as const]),
      ...answerFacts(answer),
      ...(isAsked
        ? [
            ['Reviewers', reviewersOf(request)] as const,
            ['Until', new Date(request.expiresAt).toISOString()] as const,
          ]
        : missingOf(request)),
    ],
    command: `sallyport requests show ${request.id}`,
  }
}

interface Needing {
  readonly reviewers: readonly string[]
  readonly approvalsNeeded: number
  readonly needs?: readonly ReviewNeed[]
  readonly stillNeeded?: readonly ReviewNeed[]
}

function reviewersOf({ reviewers, approvalsNeeded, needs }: Needing): string {
  const all = needs ?? [{ groups: reviewers, approvals: approvalsNeeded }]
  return all.map(({ groups, approvals }) => `${approvals} of ${groups.join(' or ')}`).join(', and ')
}

function missingOf({ stillNeeded = [] }: Needing) {
  return stillNeeded.length === 0 ? [] : [['Still needed', needsInWords(stillNeeded)] as const]
}

function answerFacts(answer: { by: Told; verdict: string; comment: string | null } | null) {
  if (answer === null) return []
  return [
    ['Answered by', answer.by.name] as const,
    ...(answer.comment === null ? [] : [['Comment', answer.comment] as const]),
  ]
}

function whoOf({ requester, actor }: { requester: Told; actor: Told }): string {
  return whoInWords(requester, [actor])
}

function rowsInWords(radius: BlastRadius): string {
  return radius.kind === 'rows' ? `about ${radius.rows}` : `unknown, because ${radius.why}`
}

const endings = {
  open: 'open',
  approved: 'approved',
  denied: 'denied',
  expired: 'expired: nobody answered in time',
  withdrawn: 'withdrawn',
  used: 'over: it was approved, and ran',
} as const
