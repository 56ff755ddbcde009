import { Command } from 'commander'
import type { Connection } from './connection.ts'
import { Printer, type PrintOptions } from './printer.ts'
import type { Surroundings } from './surroundings.ts'

/** Makes one command of the program. */
export type MakeCommand = (surroundings: Surroundings, done: (exitCode: number) => void) => Command

/** A command with the options that all of them share, and examples under its help. */
export function command(name: string, description: string, examples: readonly string[]): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'print JSON for scripts')
    .option('-q, --quiet', 'print results only')
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}\n`)
}

/** A group of commands under one noun: without a verb it does what its `ls` does. */
export function group(name: string, description: string, ...commands: readonly Command[]): Command {
  const noun = new Command(name).description(description)
  for (const one of commands) {
    const isDefault = one.name() === 'ls'
    noun.addCommand(isDefault ? alone(one, noun).alias('list') : one, { isDefault })
  }
  return noun
}

/** The default command gets what is no verb, too: that is answered with the verbs that there are. */
function alone(ls: Command, noun: Command): Command {
  return ls.allowExcessArguments(true).hook('preAction', () => {
    const [verb] = ls.args
    if (verb === undefined) return
    const verbs = noun.commands.map((one) => one.name()).join(', ')
    noun.error(`error: ${noun.name()} has no command ${verb}\n  next: one of ${verbs}`)
  })
}

export interface Signed extends Connection {
  readonly printer: Printer
}

/** For commands that ask the gateway: signs in as whoever is signed in, and sets up the printing. */
export async function signed(surroundings: Surroundings, options: PrintOptions): Promise<Signed> {
  // Not for an agent or a gateway, which ask nobody.
  const { connection } = await import('./connection.ts')
  return { ...(await connection(surroundings)), printer: new Printer(surroundings, options) }
}
