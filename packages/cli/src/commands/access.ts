import type { AccessLine } from '@sallyport/api'
import { command, group, signed, type MakeCommand } from '../command.ts'
import { csv } from '../csv.ts'
import type { PrintOptions } from '../printer.ts'
import { distance, oneLine, table } from '../table.ts'
import { who } from '../who.ts'

interface Options extends PrintOptions {
  readonly csv?: boolean
  readonly all?: boolean
  readonly resource?: string
  readonly user?: string
}

export const access: MakeCommand = (surroundings) =>
  group(
    'access',
    'who can reach what',
    command('report', 'who can reach what, why, and when they last did', [
      'sallyport access report',
      'sallyport access report --resource orders-db --all',
      'sallyport access report --csv > access.csv',
    ])
      .option('--csv', 'for spreadsheets')
      .option('--all', 'also who would have to be approved first')
      .option('--resource <name>', 'to this one only')
      .option('--user <name>', 'of this person only')
      .action(async (options: Options) => {
        const { client, printer } = await signed(surroundings, options)
        const lines: AccessLine[] = []
        for await (const line of client.access.report({
          ...(options.resource === undefined ? {} : { resource: options.resource }),
          ...(options.user === undefined ? {} : { user: options.user }),
        }))
          if (options.all === true || line.how !== 'request') lines.push(line)
        printer.result(lines, () => {
          if (options.csv === true) return csv(csvHeadings, lines.map(csvRow))
          return lines.length === 0
            ? 'Nobody can reach anything that you may look at.\n'
            : text(lines, surroundings.now())
        })
      }),
  )

const csvHeadings = [
  'principal',
  'name',
  'actor',
  'resource',
  'account',
  'how',
  'policies',
  'grant',
  'until',
  'reason',
  'approved by',
  'last used',
]

function csvRow({
  principal,
  actor,
  resource,
  account,
  how,
  policies,
  grant,
  lastUsedAt,
}: AccessLine): string[] {
  return [
    principal.id,
    principal.name,
    actor.id,
    resource,
    account,
    how,
    policies.join(' '),
    grant?.id ?? '',
    grant?.endsAt ?? '',
    grant?.reason ?? '',
    grant?.approvers.join(' ') ?? '',
    lastUsedAt ?? '',
  ]
}

function text(lines: readonly AccessLine[], now: number): string {
  return table(
    ['WHO', 'RESOURCE', 'ACCOUNT', 'HOW', 'UNTIL', 'WHY', 'LAST USED'],
    lines.map(({ principal, actor, resource, account, how, policies, grant, lastUsedAt }) => [
      who(principal, actor),
      resource,
      account,
      how,
      grant === undefined ? '-' : `in ${distance(Date.parse(grant.endsAt) - now)}`,
      grant === undefined
        ? policies.join(', ')
        : `${grant.approvers.join(', ') || 'break-glass'}: ${oneLine(grant.reason, 60)}`,
      lastUsedAt === undefined ? 'never' : `${distance(now - Date.parse(lastUsedAt))} ago`,
    ]),
  )
}
