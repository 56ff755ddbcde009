import { command, group, signed, type MakeCommand } from '../command.ts'
import { exit, Failure } from '../failure.ts'
import type { PrintOptions } from '../printer.ts'
import { distance, table } from '../table.ts'

export const webhooks: MakeCommand = (surroundings) =>
  group(
    'webhooks',
    'addresses that are told of what happens; declare them with apply',
    command('ls', 'webhooks, and how much has not reached them', ['sallyport webhooks']).action(
      async (options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const { items } = await client.webhooks.list()
        printer.result(items, () =>
          items.length === 0
            ? 'No webhooks.\n'
            : table(
                ['NAME', 'TO', 'FORM', 'SIGNED', 'WAITING', 'GIVEN UP', 'EVENTS'],
                items.map((it) => [
                  it.name,
                  it.to,
                  it.form,
                  it.isSigned ? 'yes' : 'no',
                  String(it.waiting),
                  String(it.dead),
                  it.events.join(', '),
                ]),
              ),
        )
      },
    ),
    command('failures', 'messages that were given up', [
      'sallyport webhooks failures',
      'sallyport webhooks failures ops',
    ])
      .argument('[webhook]')
      .action(async (webhook: string | undefined, options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const { items } = await client.webhooks.failures(webhook === undefined ? {} : { webhook })
        const now = surroundings.now()
        printer.result(items, () =>
          items.length === 0
            ? 'No failures.\n'
            : table(
                ['ID', 'WEBHOOK', 'EVENT', 'HAPPENED', 'ATTEMPTS', 'WHY'],
                items.map((it) => [
                  it.id,
                  it.webhook,
                  it.event,
                  `${distance(now - Date.parse(it.at))} ago`,
                  String(it.attempts),
                  it.problem ?? '',
                ]),
              ),
        )
      }),
    command('resend', 'send what was given up again: one message, or all of a webhook', [
      'sallyport webhooks resend whd_01J…',
      'sallyport webhooks resend --all ops',
    ])
      .argument('<id>')
      .option('--all', 'the argument names a webhook')
      .action(async (id: string, options: PrintOptions & { readonly all?: boolean }) => {
        const { client, printer } = await signed(surroundings, options)
        const result = await client.webhooks.resend(options.all === true ? { webhook: id } : { id })
        printer.result(result, () => `Sent again: ${result.resent}.\n`)
      }),
    command('test', 'send a message now, and see whether it arrives', ['sallyport webhooks test ops'])
      .argument('<webhook>')
      .action(async (name: string, options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const result = await client.webhooks.test({ name })
        printer.result(result, () => (result.arrived ? 'It arrived.\n' : ''))
        if (!result.arrived)
          throw new Failure(`it did not arrive: ${result.problem ?? 'unknown'}`, { exitCode: exit.failed })
      }),
  )
