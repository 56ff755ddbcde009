import type { ResourceView } from '@sallyport/api'
import { command, signed, type MakeCommand } from '../command.ts'
import { inUnits } from '../duration.ts'
import type { PrintOptions } from '../printer.ts'
import { distance, table } from '../table.ts'

export const ls: MakeCommand = (surroundings) =>
  command('ls', 'resources that you can reach, until when, and what you may ask for', [
    'sallyport ls',
    'sallyport ls --all   # administrators: all of them',
  ])
    .option('--all', 'administrators: also those that you cannot reach')
    .action(async (options: PrintOptions & { readonly all?: boolean }) => {
      const { client, printer } = await signed(surroundings, options)
      const { items } = await client.resources.list({ all: options.all === true })
      printer.result(items, () =>
        items.length === 0
          ? 'No resource can be reached, or asked for. Ask the platform team for a policy that lets you connect.\n'
          : table(
              ['NAME', 'PROTOCOL', 'ACCOUNTS', 'MAY ASK FOR', 'AGENTS', 'MASKED', 'LABELS'],
              items.map((it) => [
                it.name,
                it.protocol,
                it.accounts.map((one) => accountText(one, surroundings.now())).join(', ') || '-',
                it.mayRequest.map(requestableText).join(', ') || '-',
                it.agents === 0 ? 'none attached' : String(it.agents),
                it.maskedTags.join(', ') || '-',
                Object.entries(it.labels)
                  .map(([key, value]) => `${key}=${value}`)
                  .join(' '),
              ]),
            ),
      )
    })

/** `app`, or `admin (2 h left)` where it is granted. */
function accountText({ name, grant }: ResourceView['accounts'][number], now: number): string {
  return grant === undefined ? name : `${name} (${distance(Date.parse(grant.endsAt) - now)} left)`
}

function requestableText({ name, maxSeconds, mayBreakGlass }: ResourceView['mayRequest'][number]): string {
  return `${name} (up to ${inUnits(maxSeconds)}${mayBreakGlass ? ', break-glass' : ''})`
}
