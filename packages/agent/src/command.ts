import { AgentCannotStart } from './cannot-start.ts'
import { AgentConfigError, loadAgentConfig, type AgentFlags } from './config.ts'
import { runAgent } from './run.ts'

export interface AgentCommand {
  /** Flags and environment alone where absent. */
  readonly configFile?: string
  /** By key of the configuration; undefined where not given. */
  readonly flags: AgentFlags
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly output: NodeJS.WritableStream
  readonly errors: NodeJS.WritableStream
  /** Where signals come from: the process. */
  readonly signals: Pick<NodeJS.EventEmitter, 'on' | 'removeListener'>
}

/**
 * `sallyport agent`, whole: until SIGTERM or SIGINT, which lets its connections end; a second one ends them.
 * @returns the exit code: 0 ended as asked, 1 failed, 2 bad configuration, 4 state directory, 6 not admitted
 */
export async function agentCommand(command: AgentCommand): Promise<number> {
  const say = (line: string): void => void command.errors.write(`${line}\n`)
  const stop = new AbortController()
  const hurry = new AbortController()
  const onSignal = (): void => (stop.signal.aborted ? hurry.abort() : stop.abort())
  for (const name of endSignals) command.signals.on(name, onSignal)
  const { configFile, flags, environment, output } = command
  try {
    const config = loadAgentConfig({
      flags,
      environment,
      ...(configFile === undefined ? {} : { file: configFile }),
    })
    await runAgent(config, stop.signal, { output, environment, hurry: hurry.signal })
    return 0
  } catch (thrown) {
    if (thrown instanceof AgentConfigError) {
      thrown.issues.forEach(say)
      return 2
    }
    say(`sallyport agent: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
    if (!(thrown instanceof AgentCannotStart)) return 1
    return thrown.kind === 'state' ? 4 : 6
  } finally {
    for (const name of endSignals) command.signals.removeListener(name, onSignal)
  }
}

const endSignals = ['SIGTERM', 'SIGINT'] as const
