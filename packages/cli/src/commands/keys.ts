import { readFile } from 'node:fs/promises'
import { looksLikePrivateKey } from '@sallyport/openssh'
import { Secret } from '@sallyport/core'
import { command, group, signed, type MakeCommand } from '../command.ts'
import { seconds } from '../duration.ts'
import { exit, Failure } from '../failure.ts'
import { signedElsewhere, signWithKey } from '../key-signature.ts'
import type { PrintOptions } from '../printer.ts'
import { distance, table } from '../table.ts'

type Adding = PrintOptions & {
  readonly expires: string
  readonly label?: string
  readonly elsewhere?: boolean
}

export const keys: MakeCommand = (surroundings) =>
  group(
    'keys',
    'SSH keys by which you log in, and by which targets know the gateway',
    command('ls', 'your registered keys', [
      'sallyport keys',
      'sallyport keys list --all   # administrators: everybody’s',
    ])
      .option('--all', 'everybody’s')
      .action(async (options: PrintOptions & { readonly all?: boolean }) => {
        const { client, printer } = await signed(surroundings, options)
        const { items } = await client.keys.list({ all: options.all === true })
        const since = (at: string): string => distance(surroundings.now() - Date.parse(at))
        printer.result(items, () =>
          items.length === 0
            ? 'No keys.\n'
            : table(
                ['ID', 'USER', 'LABEL', 'TYPE', 'FINGERPRINT', 'ENDS', 'LAST USED'],
                items.map((it) => [
                  it.id,
                  it.user,
                  printer.shown(it.label),
                  it.type,
                  it.fingerprint,
                  it.state === 'expired'
                    ? 'over'
                    : `in ${distance(Date.parse(it.expiresAt) - surroundings.now())}`,
                  it.lastUsedAt === undefined ? 'never' : `${since(it.lastUsedAt)} ago`,
                ]),
              ),
        )
      }),
    command('add', 'register a public key of yours: who has its private half logs in over SSH as you', [
      'sallyport keys add ~/.ssh/id_ed25519.pub',
      'sallyport keys add ~/.ssh/id_ed25519.pub --expires 30d --label "my laptop"',
      'sallyport keys add build.pub --elsewhere   # its private half is on another machine',
    ])
      .argument('<file>', 'the public key: a .pub file')
      .option('--expires <time>', 'how long it is good for, such as 12h or 30d; 366d at most', '90d')
      .option('--label <text>', 'what it is for; the comment in the file where left out')
      .option('--elsewhere', 'print what to run where the private half is, and read what that prints')
      .action(async (file: string, options: Adding) => {
        const publicKey = await publicKeyIn(file)
        const ttlSeconds = seconds(options.expires)
        const { client, gateway, printer } = await signed(surroundings, options)
        const { challenge, message, namespace } = await client.keys.challenge()
        const sign = options.elsewhere === true ? signedElsewhere : signWithKey
        const signature = await sign(surroundings, { file, message, namespace, gateway })
        const { label } = options
        const named = label === undefined ? {} : { label }
        const added = await client.keys.add({ publicKey, challenge, signature, ttlSeconds, ...named })
        const until = distance(Date.parse(added.expiresAt) - surroundings.now())
        printer.result(added, () => `${added.id}: ${added.fingerprint}, good for ${until}\n`)
      }),
    command('remove', 'remove a key; sessions that were opened by it end at once', [
      'sallyport keys remove key_01J…',
    ])
      .argument('<id>')
      .action(async (id: string, options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        await client.keys.remove({ id })
        printer.note('Removed; what it opened has ended.')
      }),
    command('authority', 'the public key that sshd on targets is to trust, one line', [
      'sallyport keys authority | ssh root@web-1 "cat > /etc/ssh/sallyport.pub"',
      '# and in its sshd_config: TrustedUserCAKeys /etc/ssh/sallyport.pub',
      'sallyport keys authority --of users   # of the certificates that people log in to the gateway with',
    ])
      .option('--of <whom>', 'targets, or users', 'targets')
      .action(async (options: PrintOptions & { readonly of: string }) => {
        if (options.of !== 'targets' && options.of !== 'users')
          throw new Failure(`there is no authority of ${options.of}`, {
            exitCode: exit.usage,
            next: 'use targets or users',
          })
        const { client, printer } = await signed(surroundings, options)
        const authority = (await client.gateway.sshAuthorities())[options.of]
        printer.result(authority, () => `${authority.publicKey}\n`)
      }),
  )

/** @throws Failure where it is a private key, which must not leave this machine, or cannot be read */
async function publicKeyIn(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((thrown: unknown) => {
    throw new Failure(`${file} cannot be read: ${thrown instanceof Error ? thrown.message : 'unknown'}`, {
      exitCode: exit.usage,
    })
  })
  if (!looksLikePrivateKey(new Secret(text))) return text
  throw new Failure(`${file} is a private key, and stays where it is`, {
    exitCode: exit.usage,
    next: `sallyport keys add ${file}.pub`,
  })
}
