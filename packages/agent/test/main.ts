import { agentCommand } from '../src/index.ts'

/** An agent as a process of its own: `main.ts KEY=JSON…`. */
const flags = Object.fromEntries(
  process.argv.slice(2).map((argument) => {
    const at = argument.indexOf('=')
    return [argument.slice(0, at), JSON.parse(argument.slice(at + 1)) as unknown]
  }),
)
process.exitCode = await agentCommand({
  flags,
  environment: process.env,
  output: process.stdout,
  errors: process.stderr,
  signals: process,
})
