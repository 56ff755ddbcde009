import { command, signed, type MakeCommand } from '../command.ts'
import { exit } from '../failure.ts'
import type { PrintOptions } from '../printer.ts'

export const doctor: MakeCommand = (surroundings, done) =>
  command('doctor', 'check the set-up end to end, and say what is wrong', ['sallyport doctor']).action(
    async (options: PrintOptions) => {
      const { client, printer } = await signed(surroundings, options)
      const { checks } = await client.gateway.doctor()
      const marks = {
        good: printer.style('green', 'good   '),
        warning: printer.style('yellow', 'warning'),
        bad: printer.style('red', 'bad    '),
      }
      printer.result(checks, () =>
        checks
          .map(
            (it) =>
              `${marks[it.state]}  ${it.name}: ${it.detail}${it.next === undefined ? '' : `\n           next: ${it.next}`}\n`,
          )
          .join(''),
      )
      if (checks.some(({ state }) => state === 'bad')) done(exit.failed)
    },
  )
