import { existsSync } from 'node:fs'
import { fillHint, type ConnectHint } from '@sallyport/api'
import { command, signed, type MakeCommand } from '../command.ts'
import { exit, Failure } from '../failure.ts'
import { HintFiles } from '../hint-files.ts'
import type { PrintOptions } from '../printer.ts'
import { stateDirectory } from '../session-file.ts'
import { SshIdentity } from '../ssh-identity.ts'

export const sshConfig: MakeCommand = (surroundings) =>
  command('ssh-config', 'print a Host block for each SSH resource that you may reach', [
    'sallyport ssh-config >> ~/.ssh/config',
    'sallyport ssh-config web-1',
  ])
    .argument('[names...]', 'resources; all that you may reach where left out')
    .action(async (names: readonly string[], options: PrintOptions) => {
      const { client, printer } = await signed(surroundings, options)
      const { items } = await client.resources.list({})
      const asked = items.filter(({ name }) => names.length === 0 || names.includes(name))
      const blocks = asked.flatMap(({ name, accounts }) =>
        accounts.flatMap(({ name: account, hints }, i) => {
          const hint = hints.find((one) => one.client === 'ssh')
          return hint === undefined ? [] : [{ host: i === 0 ? name : `${name}+${account}`, hint }]
        }),
      )
      if (blocks.length === 0)
        throw new Failure('there is no SSH resource that you may reach', {
          exitCode: exit.failed,
          next: 'see `sallyport ls` for what you can',
        })
      const directory = stateDirectory(surroundings.environment)
      const { keyFile } = new SshIdentity(directory)
      // Of whoever has signed in here: ssh complains of one that is not there.
      const identity = existsSync(keyFile) ? { IdentityFile: `"${keyFile}"` } : {}
      const written: HostBlock[] = []
      for (const { host, hint } of blocks) {
        const files = new HintFiles(directory, host)
        await files.lay(hint.files ?? [])
        written.push(blockOf(host, hint, files, identity))
      }
      printer.result(written, () => written.map(asText).join('\n'))
    })

/** What `ssh HOST` does. */
interface HostBlock {
  readonly host: string
  readonly settings: Readonly<Record<string, string>>
}

/** The hint's own command, in the form of ssh's configuration. */
function blockOf(
  host: string,
  hint: ConnectHint,
  files: HintFiles,
  identity: HostBlock['settings'],
): HostBlock {
  const { command: words } = fillHint(hint, { token: '', caFile: '', fileAt: (name) => files.at(name) })
  const [user = '', hostName = ''] = (words.at(-1) ?? '').split('@')
  const settings = words.flatMap((word, i) => (words[i - 1] === '-o' ? [word.split('=', 2)] : []))
  return {
    host,
    settings: {
      HostName: hostName,
      User: user,
      ...identity,
      ...(Object.fromEntries(settings.filter(([key = '']) => !ofTokens.has(key))) as Record<string, string>),
    },
  }
}

/** Settings by which a token is given without a question: here somebody may be asked. */
const ofTokens = new Set(['PreferredAuthentications', 'NumberOfPasswordPrompts'])

function asText({ host, settings }: HostBlock): string {
  const lines = Object.entries(settings).map(([key, value]) => `  ${key} ${value}\n`)
  return `Host ${host}\n${lines.join('')}`
}
