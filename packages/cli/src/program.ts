import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import type { MakeCommand } from './command.ts'
import { agent } from './commands/agent.ts'
import { agents } from './commands/agents.ts'
import { apply } from './commands/apply.ts'
import { connect } from './commands/connect.ts'
import { doctor } from './commands/doctor.ts'
import { gateway } from './commands/gateway.ts'
import { login } from './commands/login.ts'
import { logout } from './commands/logout.ts'
import { ls } from './commands/ls.ts'
import { policy } from './commands/policy.ts'
import { reviews } from './commands/reviews.ts'
import { sessions } from './commands/sessions.ts'
import { tokens } from './commands/tokens.ts'
import { users } from './commands/users.ts'
import { whoami } from './commands/whoami.ts'
import { exit, explain } from './failure.ts'
import type { Surroundings } from './surroundings.ts'

/** By heading of the help. */
const commands: Readonly<Record<string, readonly MakeCommand[]>> = {
  'Daily:': [login, logout, whoami, ls, connect, reviews, sessions, tokens],
  'Platform:': [apply, policy, agents, users, doctor],
  'Processes:': [gateway, agent],
}

const about = `Identity-aware access to databases: short-lived identities in, policy, review, masking and recording in the data path.

Exit codes: ${exit.ok} done, ${exit.failed} failed, ${exit.usage} wrong usage or configuration, ${exit.notSignedIn} not signed in or not permitted, ${exit.unreachable} gateway out of reach.
SALLYPORT_GATEWAY, SALLYPORT_TOKEN and SALLYPORT_CA (a file) come before what \`sallyport login\` kept.`

export function program(surroundings: Surroundings, done: (exitCode: number) => void): Command {
  const version = (
    JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  ).version
  const root = new Command('sallyport').description(about).version(version).enablePositionalOptions()
  for (const [heading, makes] of Object.entries(commands)) {
    root.commandsGroup(heading)
    for (const make of makes) root.addCommand(make(surroundings, done))
  }
  const write = (to: 'output' | 'errors') => (text: string) => void surroundings[to].write(text)
  configure(root, (command) =>
    command.exitOverride().configureOutput({ writeOut: write('output'), writeErr: write('errors') }),
  )
  return root
}

function configure(command: Command, set: (command: Command) => void): void {
  set(command)
  for (const one of command.commands) configure(one, set)
}

/** Runs one command line. @returns the exit code */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  let exitCode: number = exit.ok
  try {
    await program(surroundings, (code) => (exitCode = code)).parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exit.ok : exit.usage
    const { lines, exitCode: code } = explain(thrown)
    surroundings.errors.write(lines.map((line) => `${line}\n`).join(''))
    return code
  }
}
