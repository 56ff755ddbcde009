import { command, group, signed, type MakeCommand } from '../command.ts'
import { secondsOrNumber } from '../duration.ts'
import type { PrintOptions } from '../printer.ts'
import { distance, table } from '../table.ts'

type TokenOptions = PrintOptions & { readonly pool: string; readonly ttl: string; readonly uses: string }

export const agents: MakeCommand = (surroundings) =>
  group(
    'agents',
    'the dialers in private networks',
    command('ls', 'enrolled agents, and which are attached', ['sallyport agents']).action(
      async (options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const { items } = await client.agents.list()
        printer.result(items, () =>
          items.length === 0
            ? 'No agents. `sallyport agents join-token --pool NAME` makes a token to start one with.\n'
            : table(
                ['ID', 'POOL', 'STATE', 'ADDRESS', 'VERSION', 'STREAMS', 'ROUND TRIP', 'CERTIFICATE ENDS'],
                items.map(({ id, pool, state, attachment, certificateExpiresAt }) => [
                  id,
                  pool,
                  state,
                  attachment?.address ?? '-',
                  attachment?.version ?? '-',
                  String(attachment?.streams ?? '-'),
                  attachment?.roundTripMs === undefined ? '-' : `${attachment.roundTripMs.toFixed(1)} ms`,
                  `in ${distance(Date.parse(certificateExpiresAt) - surroundings.now())}`,
                ]),
              ),
        )
      },
    ),
    command('join-token', 'a token with which an agent enrols', [
      'sallyport agents join-token --pool dc1',
      'sallyport agents join-token --pool dc1 --uses 5 --ttl 10m',
    ])
      .requiredOption('--pool <name>', 'agents of one pool stand in for one another')
      .option('--ttl <time>', 'how long it serves, such as 10m; at most 1h', '1h')
      .option('--uses <n>', 'how many agents may use it', '1')
      .action(async (options: TokenOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const made = await client.joinTokens.create({
          pool: options.pool,
          ttlSeconds: secondsOrNumber(options.ttl),
          uses: Number(options.uses),
        })
        printer.result(made, () => `sallyport agent --gateway ${made.gateway} --token ${made.token}\n`)
      }),
    command('revoke', 'revoke an agent’s certificate and cut its tunnel at once', [
      'sallyport agents revoke 3f2a…',
    ])
      .argument('<id>')
      .action(async (id: string, options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        await client.agents.revoke({ id })
        printer.note('Revoked; its tunnel is cut.')
      }),
  )
