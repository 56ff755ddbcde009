import { Command, CommanderError, Help, type Option } from 'commander'
import description from '../package.json' with { type: 'json' }
import type { MakeCommand } from './command.ts'
import { exit, explain } from './failure.ts'
import type { Surroundings } from './surroundings.ts'

/** By heading of the help. Each is loaded when it is needed: an agent has nothing in memory that only other commands need. */
const commands: Readonly<Record<string, Readonly<Record<string, () => Promise<MakeCommand>>>>> = {
  'Daily:': {
    login: async () => (await import('./commands/login.ts')).login,
    logout: async () => (await import('./commands/logout.ts')).logout,
    whoami: async () => (await import('./commands/whoami.ts')).whoami,
    ls: async () => (await import('./commands/ls.ts')).ls,
    connect: async () => (await import('./commands/connect.ts')).connect,
    'ssh-config': async () => (await import('./commands/ssh-config.ts')).sshConfig,
    request: async () => (await import('./commands/request.ts')).request,
    requests: async () => (await import('./commands/requests.ts')).requests,
    grants: async () => (await import('./commands/grants.ts')).grants,
    reviews: async () => (await import('./commands/reviews.ts')).reviews,
    sessions: async () => (await import('./commands/sessions.ts')).sessions,
    tokens: async () => (await import('./commands/tokens.ts')).tokens,
    keys: async () => (await import('./commands/keys.ts')).keys,
  },
  'Platform:': {
    apply: async () => (await import('./commands/apply.ts')).apply,
    policy: async () => (await import('./commands/policy.ts')).policy,
    tags: async () => (await import('./commands/tags.ts')).tags,
    agents: async () => (await import('./commands/agents.ts')).agents,
    access: async () => (await import('./commands/access.ts')).access,
    federation: async () => (await import('./commands/federation.ts')).federation,
    users: async () => (await import('./commands/users.ts')).users,
    authorities: async () => (await import('./commands/authorities.ts')).authorities,
    audit: async () => (await import('./commands/audit.ts')).audit,
    scim: async () => (await import('./commands/scim.ts')).scim,
    webhooks: async () => (await import('./commands/webhooks.ts')).webhooks,
    doctor: async () => (await import('./commands/doctor.ts')).doctor,
  },
  'Processes:': {
    gateway: async () => (await import('./commands/gateway.ts')).gateway,
    agent: async () => (await import('./commands/agent.ts')).agent,
  },
}

const about = `Identity-aware access to databases: short-lived identities in, policy, review, masking and recording in the data path.

Exit codes: ${exit.ok} done, ${exit.failed} failed, ${exit.usage} wrong usage or configuration, ${exit.notYet} only after somebody has approved it, ${exit.notSignedIn} not signed in or not permitted, ${exit.unreachable} gateway out of reach.
SALLYPORT_GATEWAY, SALLYPORT_TOKEN and SALLYPORT_CA (a file) come before what \`sallyport login\` kept.`

/** @param first the first word of the command line: where it is a command, the others are left out */
export async function program(
  surroundings: Surroundings,
  done: (exitCode: number) => void,
  first?: string,
): Promise<Command> {
  const root = new Command('sallyport')
    .description(about)
    .version(description.version)
    .enablePositionalOptions()
  const isAlone = Object.values(commands).some((group) => first !== undefined && Object.hasOwn(group, first))
  for (const [heading, group] of Object.entries(commands)) {
    root.commandsGroup(heading)
    for (const [name, load] of Object.entries(group))
      if (!isAlone || name === first) root.addCommand((await load())(surroundings, done))
  }
  const write = (to: 'output' | 'errors') => (text: string) => void surroundings[to].write(text)
  configure(root, (command) =>
    command
      .exitOverride()
      .configureHelp({ optionDescription })
      .configureOutput({ writeOut: write('output'), writeErr: write('errors') }),
  )
  return root
}

function optionDescription(this: Help, option: Option): string {
  const words = Help.prototype.optionDescription.call(this, option)
  return option.mandatory ? `${words} (required)` : words
}

function configure(command: Command, set: (command: Command) => void): void {
  set(command)
  for (const one of command.commands) configure(one, set)
}

/** Runs one command line. @returns the exit code */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  let exitCode: number = exit.ok
  try {
    const root = await program(surroundings, (code) => (exitCode = code), args[0])
    await root.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exit.ok : exit.usage
    const { lines, exitCode: code } = explain(thrown)
    surroundings.errors.write(lines.map((line) => `${line}\n`).join(''))
    return code
  }
}
