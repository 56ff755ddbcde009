import { command, signed, type MakeCommand } from '../command.ts'
import type { PrintOptions } from '../printer.ts'
import { table } from '../table.ts'

export const ls: MakeCommand = (surroundings) =>
  command('ls', 'resources that you can reach', [
    'sallyport ls',
    'sallyport ls --all   # administrators: all of them',
  ])
    .option('--all', 'administrators: also those that you cannot reach')
    .action(async (options: PrintOptions & { readonly all?: boolean }) => {
      const { client, printer } = await signed(surroundings, options)
      const { items } = await client.resources.list({ all: options.all === true })
      printer.result(items, () =>
        items.length === 0
          ? 'No resource can be reached. Ask the platform team for a policy that lets you connect.\n'
          : table(
              ['NAME', 'PROTOCOL', 'ACCOUNTS', 'AGENTS', 'MASKED', 'LABELS'],
              items.map((it) => [
                it.name,
                it.protocol,
                it.accounts.map(({ name }) => name).join(', ') || '-',
                it.agents === 0 ? 'none attached' : String(it.agents),
                it.maskedTags.join(', ') || '-',
                Object.entries(it.labels)
                  .map(([key, value]) => `${key}=${value}`)
                  .join(' '),
              ]),
            ),
      )
    })
