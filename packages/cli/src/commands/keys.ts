import { command, group, signed, type MakeCommand } from '../command.ts'
import type { PrintOptions } from '../printer.ts'

export const keys: MakeCommand = (surroundings) =>
  group(
    'keys',
    'SSH keys: those by which targets know the gateway',
    command('authority', 'the public key that sshd on targets is to trust, one line', [
      'sallyport keys authority | ssh root@web-1 "cat > /etc/ssh/sallyport.pub"',
      '# and in its sshd_config: TrustedUserCAKeys /etc/ssh/sallyport.pub',
    ]).action(async (options: PrintOptions) => {
      const { client, printer } = await signed(surroundings, options)
      const { targets } = await client.gateway.sshAuthorities()
      printer.result(targets, () => `${targets.publicKey}\n`)
    }),
  )
