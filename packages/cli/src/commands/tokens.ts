import type { Client } from '@sallyport/api'
import { command, group, signed, type MakeCommand } from '../command.ts'
import { secondsOrNumber } from '../duration.ts'
import { exit, Failure } from '../failure.ts'
import type { PrintOptions } from '../printer.ts'
import { scopeInWords } from '../scope.ts'
import { distance, table } from '../table.ts'
import { who } from '../who.ts'

interface CreateOptions extends PrintOptions {
  readonly label?: string
  readonly ttl?: string
  readonly forAgent?: string
  readonly resource?: readonly string[]
  readonly account?: readonly string[]
  readonly action?: readonly string[]
  readonly readOnly?: boolean
  readonly reviews: boolean
}

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
                ['ID', 'WHO', 'LABEL', 'NARROWED TO', 'ENDS'],
                items.map((it) => {
                  const user = { id: it.user, name: it.user }
                  return [
                    it.id,
                    who(user, it.actor ?? user),
                    it.label,
                    it.scope === undefined ? '-' : scopeInWords(it.scope),
                    `in ${distance(Date.parse(it.expiresAt) - surroundings.now())}`,
                  ]
                }),
              ),
        )
      }),
    command('create', 'a further token for yourself, or one by which an agent acts for you; shown once', [
      'sallyport tokens create --label "report job" --ttl 10m',
      'sallyport tokens create --for-agent claude --resource orders-db --read-only --ttl 30m',
    ])
      .option('--label <text>', 'what it is for')
      .option(
        '--ttl <time>',
        'such as 10m; at most 1h, and for an agent 12h; never beyond your own token (1h, for an agent 30m)',
      )
      .option('--for-agent <name>', 'an agent that acts for you, by any name that tells it from others')
      .option('--resource <name>', 'only this; may be given several times', collected)
      .option('--account <name>', 'only as this; may be given several times', collected)
      .option(
        '--action <name>',
        'only this action or group of actions; may be given several times',
        collected,
      )
      .option('--read-only', 'the same as --action read --action session')
      .option('--no-reviews', 'what somebody would have to approve is denied: nobody is asked')
      .action(async (options: CreateOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const made = await create(client, options)
        printer.result(made, () => `${made.token}\n`)
      }),
    command('revoke', 'revoke a token; its live sessions end at once, and what was delegated by it', [
      'sallyport tokens revoke tok_01J…',
    ])
      .argument('<id>')
      .action(async (id: string, options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        await client.tokens.revoke({ id })
        printer.note('Revoked; its live sessions have ended.')
      }),
  ).alias('token')

function create(client: Client, options: CreateOptions): ReturnType<Client['tokens']['delegate']> {
  const { label, ttl, forAgent, resource, account, reviews } = options
  const ttlSeconds = ttl === undefined ? {} : { ttlSeconds: secondsOrNumber(ttl) }
  const actions = [...(options.readOnly === true ? readOnly : []), ...(options.action ?? [])]
  const restriction = {
    ...(resource !== undefined && { resources: [...resource] }),
    ...(account !== undefined && { accounts: [...account] }),
    ...(actions.length > 0 && { actions }),
    ...(!reviews && { asksNobody: true as const }),
  }
  if (forAgent !== undefined)
    return client.tokens.delegate({
      agent: forAgent,
      ...(label !== undefined && { label }),
      ...ttlSeconds,
      restriction,
    })
  if (Object.keys(restriction).length > 0)
    throw new Failure('only a token for an agent is narrowed', {
      exitCode: exit.usage,
      next: 'name it: --for-agent NAME',
    })
  return client.tokens.create({ label: label ?? 'cli', ...ttlSeconds })
}

function collected(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

const readOnly = ['read', 'session']
