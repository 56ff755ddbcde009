import { command, signed, type MakeCommand } from '../command.ts'
import { SessionFile, stateDirectory } from '../session-file.ts'
import type { PrintOptions } from '../printer.ts'

export const logout: MakeCommand = (surroundings) =>
  command('logout', 'revoke the token that you are signed in with; its live sessions end', [
    'sallyport logout',
  ]).action(async (options: PrintOptions) => {
    const { client, printer } = await signed(surroundings, options)
    await client.whoami.logout()
    await new SessionFile(stateDirectory(surroundings.environment)).forget()
    printer.note('Signed out.')
  })
