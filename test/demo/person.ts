import { join } from 'node:path'
import { run, startProcess, type RunningProcess } from '../world/process.ts'

const cli = new URL('../../packages/cli/src/main.ts', import.meta.url).pathname

/** Somebody at a terminal, with a sign-in of their own. Everything goes through the `sallyport` command. */
export class Person {
  readonly name: string
  readonly environment: NodeJS.ProcessEnv
  readonly #directory: string

  constructor(name: string, directory: string, environment: NodeJS.ProcessEnv = {}) {
    this.name = name
    this.#directory = directory
    this.environment = {
      PATH: process.env['PATH'],
      HOME: join(directory, name),
      SALLYPORT_STATE_HOME: join(directory, name),
      PSQLRC: '/nonexistent',
      PAGER: '',
      LC_ALL: 'C.UTF-8',
      ...environment,
    }
  }

  /** At the same terminal, with more in the environment. */
  with(environment: NodeJS.ProcessEnv): Person {
    return new Person(this.name, this.#directory, { ...this.environment, ...environment })
  }

  /** Runs a command line and waits. */
  async sallyport(
    args: readonly string[],
    input = '',
  ): Promise<{ readonly code: number | null; readonly text: string; readonly stdout: string }> {
    const { code, stdout, stderr } = await run(process.execPath, [cli, ...args], {
      environment: this.environment,
      input,
    })
    return { code, stdout, text: `${stdout}${stderr}` }
  }

  /** The same, where it must succeed. */
  async must(args: readonly string[], input = ''): Promise<string> {
    const { code, text, stdout } = await this.sallyport(args, input)
    if (code !== 0) throw new Error(`sallyport ${args.join(' ')} ended with ${code}:\n${text}`)
    return stdout
  }

  /** Starts one that takes a while. */
  start(args: readonly string[]): Promise<RunningProcess> {
    return startProcess(process.execPath, [cli, ...args], { environment: this.environment })
  }
}
