import type { Message } from './message.ts'

/**
 * An adaptive card, as workflows of Microsoft Teams take it: https://adaptivecards.io/explorer. Text runs hold people's words: no markup
 * is read in them.
 */
export function teamsForm({ title, facts, code, command }: Message): object {
  const run = (text: string, more: object = {}): object => ({ type: 'TextRun', text, ...more })
  const line = (...inlines: readonly object[]): object => ({ type: 'RichTextBlock', inlines })
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          fallbackText: title,
          body: [
            line(run(title, { weight: 'Bolder', size: 'Medium' })),
            ...facts.map(([label, value]) => line(run(`${label}: `, { weight: 'Bolder' }), run(value))),
            ...[code, command].flatMap((text) =>
              text === undefined ? [] : line(run(text, { fontType: 'Monospace' })),
            ),
          ],
        },
      },
    ],
  }
}
