import { command, signed, type MakeCommand } from '../command.ts'
import { SessionFile, stateDirectory } from '../session-file.ts'
import { SshIdentity } from '../ssh-identity.ts'
import type { PrintOptions } from '../printer.ts'

export const logout: MakeCommand = (surroundings) =>
  command('logout', 'revoke the token that you are signed in with; its live sessions end', [
    'sallyport logout',
  ]).action(async (options: PrintOptions) => {
    const { client, printer } = await signed(surroundings, options)
    await client.whoami.logout()
    const directory = stateDirectory(surroundings.environment)
    await new SessionFile(directory).forget()
    await new SshIdentity(directory).forget()
    printer.note('Signed out.')
  })
