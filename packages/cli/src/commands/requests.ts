import type { AccessRequest } from '@sallyport/api'
import { needsAsWritten, needsInWords } from '@sallyport/core'
import { command, group, signed, type MakeCommand } from '../command.ts'
import { inUnits } from '../duration.ts'
import type { PrintOptions } from '../printer.ts'
import { reviewersText } from '../needs.ts'
import { distance, oneLine, table } from '../table.ts'
import { who } from '../who.ts'

type Answer = PrintOptions & { readonly comment?: string }
type State = AccessRequest['state'] | 'waiting' | 'any'

export const requests: MakeCommand = (surroundings) =>
  group(
    'requests',
    'requests for access: yours, and those that you review',
    command('ls', 'requests that wait for somebody', [
      'sallyport requests',
      'sallyport requests ls --state any',
    ])
      .option(
        '--state <state>',
        'waiting, open, approved, denied, expired, withdrawn, unreviewed, reviewed, or any',
        'waiting',
      )
      .action(async (options: PrintOptions & { readonly state: State }) => {
        const { client, printer } = await signed(surroundings, options)
        const { items } = await client.requests.list({ state: options.state })
        printer.result(items, () =>
          items.length === 0 ? 'No requests.\n' : printer.shown(listText(items, surroundings.now())),
        )
      }),
    command('show', 'one request, whole', ['sallyport requests show req_01J…'])
      .argument('<id>')
      .action(async (id: string, options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const request = await client.requests.get({ id })
        printer.result(request, () => printer.shown(requestText(request, surroundings.now())))
      }),
    command('approve', 'approve it; the last approval that is needed lets them in', [
      'sallyport requests approve req_01J…',
      'sallyport requests approve req_01J… --comment "agreed in OPS-7"',
    ])
      .argument('<id>')
      .option('--comment <text>', 'goes into the audit log')
      .action(async (id: string, options: Answer) => {
        const { client, printer } = await signed(surroundings, options)
        const answered = await client.requests.approve({ id, ...commented(options) })
        printer.result(answered, () =>
          answered.grant === undefined
            ? `Your approval counts; it waits for ${needsInWords(answered.request.stillNeeded)}.\n`
            : `Approved: ${answered.grant.id} is good for ${inUnits(lengthOf(answered.grant))}.\n`,
        )
      }),
    command('deny', 'deny it: one denial is enough', [
      'sallyport requests deny req_01J… --comment "use the read-only account"',
    ])
      .argument('<id>')
      .option('--comment <text>', 'goes into the audit log; the requester reads it')
      .action(async (id: string, options: Answer) => {
        const { client, printer } = await signed(surroundings, options)
        const request = await client.requests.deny({ id, ...commented(options) })
        printer.result(request, () => 'Denied.\n')
      }),
    command('close', 'close the review after a break-glass', [
      'sallyport requests close req_01J… --comment "was needed, see INC-12"',
    ])
      .argument('<id>')
      .requiredOption('--comment <text>', 'what came of the review; goes into the audit log')
      .action(async (id: string, options: PrintOptions & { readonly comment: string }) => {
        const { client, printer } = await signed(surroundings, options)
        const request = await client.requests.close({ id, comment: options.comment })
        printer.result(request, () => 'Closed.\n')
      }),
    command('withdraw', 'take back a request of yours', ['sallyport requests withdraw req_01J…'])
      .argument('<id>')
      .action(async (id: string, options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const request = await client.requests.withdraw({ id })
        printer.result(request, () => 'Withdrawn.\n')
      }),
  )

function commented({ comment }: Answer): { comment?: string } {
  return comment === undefined ? {} : { comment }
}

function lengthOf({ startsAt, endsAt }: { readonly startsAt: string; readonly endsAt: string }): number {
  return Math.round((Date.parse(endsAt) - Date.parse(startsAt)) / 1000)
}

function listText(items: readonly AccessRequest[], now: number): string {
  return table(
    ['ID', 'STATE', 'REQUESTER', 'RESOURCE', 'ACCOUNT', 'FOR', 'ENDS', 'WAITS FOR', 'REASON'],
    items.map((it) => [
      it.id,
      it.state,
      who(it.requester, it.actor),
      it.resource,
      it.account,
      inUnits(it.durationSeconds),
      it.state === 'open' ? `in ${distance(Date.parse(it.expiresAt) - now)}` : '-',
      needsAsWritten(it.stillNeeded) || '-',
      oneLine(it.reason, 60),
    ]),
  )
}

function requestText(it: AccessRequest, now: number): string {
  const isTaken = it.state === 'unreviewed' || it.state === 'reviewed'
  const lines = [
    `${it.id}  ${it.state}`,
    `requester   ${who(it.requester, it.actor)}, from ${it.askedFrom}`,
    `access      ${it.resource} as ${it.account} for ${inUnits(it.durationSeconds)}${isTaken ? ', taken at once (break-glass)' : ''}`,
    `reason      ${oneLine(it.reason, 2000)}`,
    ...(it.ticket === undefined ? [] : [`ticket      ${oneLine(it.ticket, 200)}`]),
    `policy      ${it.policies.join(', ')}${it.policyReason === undefined ? '' : `: ${it.policyReason}`}`,
    `reviewers   ${reviewersText(it.needs)}`,
    ...(it.stillNeeded.length === 0 ? [] : [`waits for   ${needsInWords(it.stillNeeded)}`]),
    ...(it.state === 'open' ? [`ends        in ${distance(Date.parse(it.expiresAt) - now)}`] : []),
    ...it.answers.map(({ verdict, by, answeredFrom, comment }) => {
      const words = comment === undefined ? '' : `: ${oneLine(comment, 2000)}`
      return `${verdict.padEnd(12)}${by.name}, from ${answeredFrom}${words}`
    }),
  ]
  return `${lines.join('\n')}\n`
}
