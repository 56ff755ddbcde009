import { readFile, stat } from 'node:fs/promises'
import { text as readAll } from 'node:stream/consumers'
import type { TestedToken } from '@sallyport/api'
import { command, group, signed, type MakeCommand } from '../command.ts'
import { exit, Failure } from '../failure.ts'
import type { PrintOptions } from '../printer.ts'
import type { Surroundings } from '../surroundings.ts'
import { table } from '../table.ts'

export const federation: MakeCommand = (surroundings, done) =>
  group(
    'federation',
    'issuers whose tokens are taken in place of ours; declare them with apply',
    command('ls', 'issuers, and whom their rules let in', ['sallyport federation']).action(
      async (options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const { items } = await client.federation.list()
        printer.result(items, () =>
          items.length === 0
            ? 'No issuers.\n'
            : table(
                ['NAME', 'ISSUER', 'RULE', 'IS'],
                items.flatMap(({ name, issuer, rules }) =>
                  rules.map((rule, i) => [i === 0 ? name : '', i === 0 ? issuer : '', rule.name, rule.is]),
                ),
              ),
        )
      },
    ),
    command('test', 'whom a token would let in and by which rule, or why nobody', [
      'sallyport federation test token.jwt',
      'printf %s "$TOKEN" | sallyport federation test',
    ])
      .argument('[token]', 'a file with the token, or the token; standard input where left out, or -')
      .action(async (token: string | undefined, options: PrintOptions) => {
        const text = await tokenFrom(surroundings, token)
        const { client, printer } = await signed(surroundings, options)
        const tested = await client.federation.test({ token: text })
        printer.result(tested, () => words(tested))
        if (!tested.isGood) done(exit.failed)
      }),
  )

async function tokenFrom({ input }: Surroundings, given = '-'): Promise<string> {
  const isFile = given !== '-' && (await stat(given).catch(() => undefined))?.isFile() === true
  if (given !== '-' && !isFile && given.split('.').length !== 3)
    throw new Failure(`${given} is neither a file nor a token`, { exitCode: exit.usage })
  const text = given === '-' ? await readAll(input) : isFile ? await readFile(given, 'utf8') : given
  return text.trim()
}

function words({ isGood, why, issuer, rule, who, expiresAt }: TestedToken): string {
  const by = [issuer && `issuer ${issuer}`, rule && `rule ${rule}`].filter(Boolean).join(', ')
  const from = by === '' ? '' : ` (${by})`
  if (!isGood) return `Not taken: ${why ?? 'unknown'}${from}.\n`
  const groups =
    who === undefined || who.groups.length === 0 ? 'no groups' : `groups ${who.groups.join(', ')}`
  const until = expiresAt === undefined ? '' : ` until ${new Date(expiresAt).toLocaleTimeString()}`
  return `Taken as ${who?.id ?? 'nobody'} in ${groups}${until}${from}.\n`
}
