import type { Review } from '@sallyport/api'
import { needsAsWritten, needsInWords } from '@sallyport/core'
import type { Command } from 'commander'
import { command, group, signed, type MakeCommand } from '../command.ts'
import type { Printer, PrintOptions } from '../printer.ts'
import type { Surroundings } from '../surroundings.ts'
import { reviewersText } from '../needs.ts'
import { distance, oneLine, table } from '../table.ts'
import { who } from '../who.ts'

type Answer = PrintOptions & { readonly comment?: string }

export const reviews: MakeCommand = (surroundings) =>
  group(
    'reviews',
    'operations that wait for an answer',
    command('ls', 'reviews that you asked for or may answer', [
      'sallyport reviews',
      'sallyport reviews ls --state any',
    ])
      .option('--state <state>', 'open, approved, denied, expired, withdrawn, used, or any', 'open')
      .action(async (options: PrintOptions & { readonly state: Review['state'] | 'any' }) => {
        const { client, printer } = await signed(surroundings, options)
        const { items } = await client.reviews.list({ state: options.state })
        printer.result(items, () =>
          items.length === 0 ? 'No reviews.\n' : printer.shown(listText(items, surroundings.now())),
        )
      }),
    command('show', 'one review, whole', ['sallyport reviews show rev_01J…'])
      .argument('<id>')
      .action(async (id: string, options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const review = await client.reviews.get({ id })
        printer.result(review, () => reviewText(review, surroundings.now(), printer))
      }),
    answer(surroundings, 'approve', 'let this very operation run, once', 'Approved: it runs now, this once.'),
    answer(surroundings, 'deny', 'refuse it; the waiting client is told at once', 'Denied.'),
  )

function answer(
  surroundings: Surroundings,
  verb: 'approve' | 'deny',
  description: string,
  done: string,
): Command {
  return command(verb, description, [
    `sallyport reviews ${verb} rev_01J…`,
    `sallyport reviews ${verb} rev_01J… --comment "checked with Bob"`,
  ])
    .argument('<id>')
    .option('--comment <text>', 'goes into the audit log and the recording')
    .action(async (id: string, options: Answer) => {
      const { client, printer } = await signed(surroundings, options)
      const review = await client.reviews[verb]({
        id,
        ...(options.comment === undefined ? {} : { comment: options.comment }),
      })
      printer.result(review, () =>
        review.state === 'open'
          ? `Your approval counts; it waits for ${needsInWords(review.stillNeeded)}.\n`
          : `${done}\n`,
      )
    })
}

function listText(items: readonly Review[], now: number): string {
  return table(
    ['ID', 'STATE', 'REQUESTER', 'RESOURCE', 'ENDS', 'WAITS FOR', 'OPERATION'],
    items.map((it) => [
      it.id,
      it.state,
      who(it.requester, it.actor),
      it.resource,
      it.state === 'open' ? `in ${distance(Date.parse(it.expiresAt) - now)}` : '-',
      needsAsWritten(it.stillNeeded) || '-',
      oneLine(it.text, 60),
    ]),
  )
}

/** Nothing in it steers the terminal: who asks must not choose what a reviewer sees. */
export function reviewText(it: Review, now: number, printer: Printer): string {
  const lines = [
    `${it.id}  ${it.state}`,
    `requester   ${who(it.requester, it.actor)}`,
    `resource    ${it.resource} as ${it.account}`,
    `session     ${it.session}`,
    ...(it.reason === undefined ? [] : [`reason      ${it.reason}`]),
    ...(it.blastRadius === undefined ? [] : [`rows        ${rowsText(it.blastRadius)}`]),
    `reviewers   ${reviewersText(it.needs)}`,
    ...(it.stillNeeded.length === 0 ? [] : [`waits for   ${needsInWords(it.stillNeeded)}`]),
    ...(it.state === 'open' ? [`ends        in ${distance(Date.parse(it.expiresAt) - now)}`] : []),
    ...it.answers.map(
      (one) =>
        `${one.verdict.padEnd(12)}${one.by.name}${one.comment === undefined ? '' : `: ${one.comment}`}`,
    ),
    '',
    ...it.text.split('\n').map((line) => `  ${line}`),
    // Not `$1`: of a command that has one, this would be another.
    ...it.parameters.map(
      (value, i) => `  parameter ${i + 1}: ${value === null ? 'NULL' : JSON.stringify(value)}`,
    ),
  ]
  return printer.shown(`${lines.join('\n')}\n`)
}

function rowsText(radius: NonNullable<Review['blastRadius']>): string {
  return 'rows' in radius
    ? `about ${radius.rows}, as the server estimates`
    : `unknown, because ${radius.unknown}`
}
