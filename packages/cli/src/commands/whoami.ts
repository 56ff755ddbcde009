import { command, signed, type MakeCommand } from '../command.ts'
import type { PrintOptions } from '../printer.ts'
import { distance } from '../table.ts'
import { scopeInWords } from '../scope.ts'
import { who } from '../who.ts'

export const whoami: MakeCommand = (surroundings) =>
  command('whoami', 'who you are signed in as, and until when', [
    'sallyport whoami',
    'sallyport whoami --json',
  ]).action(async (options: PrintOptions) => {
    const { client, printer, gateway } = await signed(surroundings, options)
    const me = await client.whoami.get()
    printer.result(me, () => {
      const left = distance(Date.parse(me.token.expiresAt) - surroundings.now())
      const groups = me.principal.groups.join(', ') || 'no groups'
      const scope = me.scope === undefined ? '' : `narrowed to ${scopeInWords(me.scope)}\n`
      return `${who(me.principal, me.actor)} (${groups}) at ${gateway}, for ${left}\n${scope}`
    })
  })
