import { command, group, signed, type MakeCommand } from '../command.ts'
import { exit, Failure } from '../failure.ts'
import type { PrintOptions } from '../printer.ts'
import { distance, table } from '../table.ts'

type Creating = PrintOptions & { readonly label: string; readonly days: string }

export const scim: MakeCommand = (surroundings) => {
  const token = group(
    'token',
    'tokens of SCIM connectors',
    command('ls', 'SCIM tokens, and when each was last used', ['sallyport scim token']).action(
      async (options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const { items } = await client.scimTokens.list()
        const now = surroundings.now()
        printer.result(items, () =>
          items.length === 0
            ? 'No SCIM tokens.\n'
            : table(
                ['ID', 'LABEL', 'STATE', 'ENDS', 'LAST USED', 'FROM', 'MADE BY'],
                items.map((it) => [
                  it.id,
                  printer.shown(it.label),
                  it.state,
                  it.state === 'living' ? `in ${distance(Date.parse(it.expiresAt) - now)}` : 'over',
                  it.lastUsedAt === undefined ? 'never' : `${distance(now - Date.parse(it.lastUsedAt))} ago`,
                  it.lastUsedFrom ?? '',
                  it.createdBy,
                ]),
              ),
        )
      },
    ),
    command('create', 'a token for the connector of your provider, shown once', [
      'sallyport scim token create --label "Entra ID"',
      'sallyport scim token create --label Okta --days 90',
    ])
      .requiredOption('--label <text>', 'which connector it is for')
      .option('--days <number>', 'how long it is good for; 365 at most', '365')
      .action(async (options: Creating) => {
        const ttlDays = Number(options.days)
        if (!Number.isInteger(ttlDays))
          throw new Failure(`${options.days} is no number of days`, { exitCode: exit.usage })
        const { client, printer } = await signed(surroundings, options)
        const made = await client.scimTokens.create({ label: options.label, ttlDays })
        printer.result(made, () => `${made.token}\n`)
      }),
    command('revoke', 'revoke a SCIM token; people and groups stay as they are', [
      'sallyport scim token revoke stk_01J…',
    ])
      .argument('<id>')
      .action(async (id: string, options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        await client.scimTokens.revoke({ id })
        printer.note('Revoked.')
      }),
  ).alias('tokens')
  return group('scim', 'people and groups that your provider’s SCIM connector keeps up to date', token)
}
