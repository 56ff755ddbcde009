import { command, type MakeCommand } from '../command.ts'

export const agent: MakeCommand = (surroundings, done) =>
  command('agent', 'run an agent: it dials out to the gateway, and needs no inbound port', [
    'sallyport agent --gateway gateway.example:8444 --token spj_…',
    'sallyport agent --config /etc/sallyport/agent.yaml',
    "sallyport agent --gateway gateway.example:8444 --token-file join.token --allow '*.orders.internal:5432'",
  ])
    .option(
      '--config <file>',
      'configuration in YAML; every key is also an environment variable SALLYPORT_AGENT_…',
    )
    .option('--gateway <host:port...>', 'the gateways to attach to')
    .option('--token <token>', 'join token, for the first start')
    .option('--token-file <file>', 'file with the join token')
    .option('--name <name>', 'what people call this agent')
    .option('--state-directory <directory>', 'holds its key and certificate')
    .option(
      '--allow <pattern...>',
      'what it may dial, whatever the gateway says: host:port, *.domain:port, range/bits:port',
    )
    .action(async (options: Options) => {
      const { agentCommand } = await import('@sallyport/agent')
      const { environment, output, errors, signals } = surroundings
      done(
        await agentCommand({
          environment,
          output,
          errors,
          signals,
          flags: {
            gateways: options.gateway,
            token: options.token,
            tokenFile: options.tokenFile,
            name: options.name,
            stateDirectory: options.stateDirectory,
            allow: options.allow,
          },
          ...(options.config === undefined ? {} : { configFile: options.config }),
        }),
      )
    })

interface Options {
  readonly config?: string
  readonly gateway?: readonly string[]
  readonly token?: string
  readonly tokenFile?: string
  readonly name?: string
  readonly stateDirectory?: string
  readonly allow?: readonly string[]
}
