import type { Webhook, WebhookEvent, WebhookNews } from '@sallyport/core'
import { messageOf } from './message.ts'
import { slackForm } from './slack.ts'
import { teamsForm } from './teams.ts'

/** What is told, of whichever webhook. */
export interface Notice {
  /** The same at every attempt. */
  readonly id: string
  readonly event: WebhookEvent | 'test'
  readonly at: number
  readonly news: WebhookNews
}

/** The body of a message. */
export function bodyOf(form: Webhook['form'], { id, event, at, news }: Notice): string {
  const message = messageOf(event, news)
  switch (form) {
    case 'json': {
      const { command } = message
      const answer = command === undefined ? {} : { command }
      return JSON.stringify({
        id,
        event,
        at: new Date(at).toISOString(),
        title: message.title,
        ...news,
        ...answer,
      })
    }
    case 'slack':
      return JSON.stringify(slackForm(message))
    case 'teams':
      return JSON.stringify(teamsForm(message))
  }
}
