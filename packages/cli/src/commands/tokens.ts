import { command, group, signed, type MakeCommand } from '../command.ts'
import type { PrintOptions } from '../printer.ts'
import { distance, table } from '../table.ts'

export const tokens: MakeCommand = (surroundings) =>
  group(
    'tokens',
    'access tokens: what clients show as their password',
    command('ls', 'living tokens', [
      'sallyport tokens',
      'sallyport tokens ls --all   # administrators: everybody’s',
    ])
      .option('--all', 'everybody’s')
      .action(async (options: PrintOptions & { readonly all?: boolean }) => {
        const { client, printer } = await signed(surroundings, options)
        const { items } = await client.tokens.list({ all: options.all === true })
        printer.result(items, () =>
          items.length === 0
            ? 'No tokens.\n'
            : table(
                ['ID', 'USER', 'LABEL', 'STATE', 'ENDS'],
                items.map((it) => [
                  it.id,
                  it.user,
                  it.label,
                  it.state,
                  `in ${distance(Date.parse(it.expiresAt) - surroundings.now())}`,
                ]),
              ),
        )
      }),
    command('create', 'a further token for yourself, shown once', [
      'sallyport tokens create --label "report job" --ttl 600',
    ])
      .option('--label <text>', 'what it is for', 'cli')
      .option('--ttl <seconds>', 'at most an hour', '3600')
      .action(async (options: PrintOptions & { readonly label: string; readonly ttl: string }) => {
        const { client, printer } = await signed(surroundings, options)
        const made = await client.tokens.create({ label: options.label, ttlSeconds: Number(options.ttl) })
        printer.result(made, () => `${made.token}\n`)
      }),
    command('revoke', 'revoke a token; its live sessions end at once', ['sallyport tokens revoke tok_01J…'])
      .argument('<id>')
      .action(async (id: string, options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        await client.tokens.revoke({ id })
        printer.note('Revoked; its live sessions have ended.')
      }),
  )
