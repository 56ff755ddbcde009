import { command, group, signed, type MakeCommand } from '../command.ts'
import type { PrintOptions } from '../printer.ts'
import { table } from '../table.ts'

type Groups = PrintOptions & { readonly group?: readonly string[] }

export const users: MakeCommand = (surroundings) =>
  group(
    'users',
    'people that the gateway knows: its own, and those of your provider',
    command('ls', 'users, and who vouches for them', ['sallyport users']).action(
      async (options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const { items } = await client.users.list()
        printer.result(items, () =>
          table(
            ['NAME', 'STATE', 'GROUPS', 'PROVIDER'],
            items.map((it) => [it.name, it.state, it.groups.join(', '), it.provider ?? '-']),
          ),
        )
      },
    ),
    command('add', 'add a user; prints the one-time link by which they choose a password', [
      'sallyport users add bob --group dba --group developers',
    ])
      .argument('<name>')
      .option('--group <name...>', 'groups')
      .action(async (name: string, options: Groups) => {
        const { client, printer } = await signed(surroundings, options)
        const made = await client.users.create({ name, groups: [...(options.group ?? [])] })
        printer.result(made, () => linkInWords(name, made.setupLink))
      }),
    command(
      'setup-link',
      'a new one-time link for who has lost theirs, or their password; earlier ones end',
      ['sallyport users setup-link bob'],
    )
      .argument('<name>')
      .action(async (name: string, options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const link = await client.users.renewSetupLink({ name })
        printer.result(link, () => linkInWords(name, link))
      }),
    command('groups', 'set a user’s groups; live sessions are judged by them from now on', [
      'sallyport users groups bob --group dba',
    ])
      .argument('<name>')
      .option('--group <name...>', 'groups; none where left out')
      .action(async (name: string, options: Groups) => {
        const { client, printer } = await signed(surroundings, options)
        const user = await client.users.setGroups({ name, groups: [...(options.group ?? [])] })
        printer.result(user, () => `${name} is in ${user.groups.join(', ') || 'no groups'}.\n`)
      }),
    command('disable', 'shut a user out: tokens are revoked and live sessions end at once', [
      'sallyport users disable bob',
    ])
      .argument('<name>')
      .action(async (name: string, options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        await client.users.disable({ name })
        printer.note(`${name} is shut out.`)
      }),
    command('enable', 'let a user in again who was shut out', ['sallyport users enable bob'])
      .argument('<name>')
      .action(async (name: string, options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        await client.users.enable({ name })
        printer.note(`${name} may sign in again.`)
      }),
  )

function linkInWords(name: string, { url, expiresAt }: { url: string; expiresAt: string }): string {
  return `Give ${name} this link; it serves once, until ${expiresAt}:\n  ${url}\n`
}
