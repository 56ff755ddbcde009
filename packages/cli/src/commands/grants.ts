import { command, group, signed, type MakeCommand } from '../command.ts'
import type { PrintOptions } from '../printer.ts'
import { distance, table } from '../table.ts'
import { who } from '../who.ts'

export const grants: MakeCommand = (surroundings) =>
  group(
    'grants',
    'access for a time: yours, and those that you may revoke',
    command('ls', 'grants that are good just now', ['sallyport grants', 'sallyport grants ls --ended'])
      .option('--ended', 'those that are over, too')
      .action(async (options: PrintOptions & { readonly ended?: boolean }) => {
        const { client, printer } = await signed(surroundings, options)
        const { items } = await client.grants.list({ ended: options.ended === true })
        const now = surroundings.now()
        printer.result(items, () =>
          items.length === 0
            ? 'No grants.\n'
            : table(
                ['ID', 'STATE', 'WHO', 'RESOURCE', 'ACCOUNT', 'ENDS', 'APPROVED BY', 'REQUEST'],
                items.map((it) => [
                  it.id,
                  it.state,
                  who(it.principal, it.actor),
                  it.resource,
                  it.account,
                  it.state === 'live'
                    ? `in ${distance(Date.parse(it.endsAt) - now)}`
                    : `${distance(now - Date.parse(it.revokedAt ?? it.endsAt))} ago`,
                  it.approvers.join(', ') || 'nobody (break-glass)',
                  it.request,
                ]),
              ),
        )
      }),
    command('revoke', 'end a grant now, with the sessions that stand on it', [
      'sallyport grants revoke grt_01J…',
      'sallyport grants revoke grt_01J… --reason "done early"',
    ])
      .argument('<id>')
      .option('--reason <text>', 'goes into the audit log')
      .action(async (id: string, options: PrintOptions & { readonly reason?: string }) => {
        const { client, printer } = await signed(surroundings, options)
        const grant = await client.grants.revoke({
          id,
          ...(options.reason === undefined ? {} : { reason: options.reason }),
        })
        printer.result(grant, () => 'Revoked; the sessions that stood on it have ended.\n')
      }),
  )
