import { command, group, signed, type MakeCommand } from '../command.ts'
import type { PrintOptions } from '../printer.ts'
import { distance, table } from '../table.ts'

export const authorities: MakeCommand = (surroundings) =>
  group(
    'authorities',
    'the authorities by which targets know the gateway over TLS',
    command('ls', 'which there are: one, or two while one takes the place of the other', [
      'sallyport authorities',
    ]).action(async (options: PrintOptions) => {
      const { client, printer } = await signed(surroundings, options)
      const { items } = await client.authorities.list()
      printer.result(items, () =>
        table(
          ['FINGERPRINT', 'STATE', 'ENDS'],
          items.map(({ fingerprint, state, expiresAt }) => [
            fingerprint,
            state,
            `in ${distance(Date.parse(expiresAt) - surroundings.now())}`,
          ]),
        ),
      )
    }),
    command('print', 'their certificates, for a target to trust', [
      'sallyport authorities print > sallyport.pem',
      "# and in the target's postgresql.conf: ssl_ca_file = '/etc/postgresql/sallyport.pem'",
      '# in its pg_hba.conf:     hostssl all app_ro all cert',
    ]).action(async (options: PrintOptions) => {
      const { client, printer } = await signed(surroundings, options)
      const { items } = await client.authorities.list()
      printer.result(items, () => items.map(({ certificate }) => `${certificate.trim()}\n`).join(''))
    }),
    command('prepare', 'make a second one, which waits until targets trust it, too', [
      'sallyport authorities prepare',
      'sallyport authorities print   # both: give them to every target, then switch',
    ]).action(async (options: PrintOptions) => {
      const { client, printer } = await signed(surroundings, options)
      await client.authorities.prepare()
      printer.note(
        'Made. Give both to your targets (sallyport authorities print), then: sallyport authorities switch',
      )
    }),
    command('switch', 'have the one sign that waits; the other one is kept, so that you can switch back', [
      'sallyport authorities switch',
    ]).action(async (options: PrintOptions) => {
      const { client, printer } = await signed(surroundings, options)
      await client.authorities.switch()
      printer.note('Switched. Where log-ins work: sallyport authorities retire')
    }),
    command('retire', 'forget the one that waits', ['sallyport authorities retire']).action(
      async (options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        await client.authorities.retire()
        printer.note('Forgotten. Targets need not trust it any more.')
      },
    ),
  )
