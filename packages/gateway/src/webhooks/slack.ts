import type { Message } from './message.ts'

/** Blocks of Slack: https://docs.slack.dev/reference/block-kit. People's words stand where no markup is read, or are escaped. */
export function slackForm({ title, facts, code, command }: Message): object {
  return {
    // What notifications show; markup is read in it.
    text: escaped(title),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: cut(title, 150), emoji: false } },
      {
        type: 'rich_text',
        elements: facts.map(([label, value]) => ({
          type: 'rich_text_section',
          elements: [
            { type: 'text', text: `${label}: `, style: { bold: true } },
            { type: 'text', text: value },
          ],
        })),
      },
      ...[code, command].flatMap((text) =>
        text === undefined
          ? []
          : {
              type: 'rich_text',
              elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text }] }],
            },
      ),
    ],
  }
}

/** https://docs.slack.dev/messaging/formatting-message-text: without these three, no mention and no link. */
function escaped(text: string): string {
  return cut(text, 500).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function cut(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`
}
