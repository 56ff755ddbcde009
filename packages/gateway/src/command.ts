import { ConfigError, loadConfig } from './config/load.ts'
import { printConfig } from './config/print.ts'
import { CannotStart } from './cannot-start.ts'
import { runGateway } from './main.ts'
import { protocolKinds } from './protocols.ts'

export interface GatewayCommand {
  /** The defaults and the environment alone where absent. */
  readonly configFile?: string
  /** In place of the configuration's `processes`, as it was written. */
  readonly processes?: string
  /** Print the effective configuration with its sources, and end. */
  readonly printConfig?: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean }
  readonly errors: NodeJS.WritableStream
  /** Where signals come from: the process. */
  readonly signals: Pick<NodeJS.EventEmitter, 'on' | 'removeListener'>
}

/**
 * `sallyport gateway`, whole: until SIGTERM or SIGINT, which drains; a second one ends it at once.
 * @returns the exit code: 0 ended as asked, 1 failed, 2 bad configuration, 3 port taken, 4 data directory, 5 keys or certificates
 */
export async function gatewayCommand(command: GatewayCommand): Promise<number> {
  const say = (...lines: readonly string[]): void => {
    for (const line of lines) command.errors.write(`${line}\n`)
  }
  const stop = new AbortController()
  const hurry = new AbortController()
  const onSignal = (): void => (stop.signal.aborted ? hurry.abort() : stop.abort())
  for (const name of endSignals) command.signals.on(name, onSignal)
  const { environment, processes } = command
  try {
    const loaded = loadConfig({
      environment: processes === undefined ? environment : { ...environment, SALLYPORT_PROCESSES: processes },
      protocols: protocolKinds,
      ...(command.configFile === undefined ? {} : { file: command.configFile }),
    })
    if (command.printConfig === true) {
      command.output.write(printConfig(loaded))
      return 0
    }
    await runGateway(loaded.config, stop.signal, {
      environment,
      output: command.output,
      notices: command.errors,
      hurry: hurry.signal,
    })
    return 0
  } catch (error) {
    if (error instanceof ConfigError) {
      say(...error.issues)
      return 2
    }
    if (error instanceof CannotStart) {
      say(`sallyport gateway: ${error.message}`, `  ${error.next}`)
      return error.exitCode
    }
    say(`sallyport gateway: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    return 1
  } finally {
    for (const name of endSignals) command.signals.removeListener(name, onSignal)
  }
}

const endSignals = ['SIGTERM', 'SIGINT'] as const
