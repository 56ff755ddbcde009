import { spawn } from 'node:child_process'
import { fillHint, type ConnectHint } from '@sallyport/api'
import { command, signed, type MakeCommand, type Signed } from '../command.ts'
import { inUnits } from '../duration.ts'
import { exit, Failure } from '../failure.ts'
import { HintFiles } from '../hint-files.ts'
import type { PrintOptions } from '../printer.ts'
import { stateDirectory } from '../session-file.ts'
import type { Surroundings } from '../surroundings.ts'

type Options = PrintOptions & { readonly print?: boolean }

export const connect: MakeCommand = (surroundings, done) =>
  command('connect', 'run a native client against a resource, with everything arranged', [
    'sallyport connect orders-db',
    'sallyport connect orders-db+app_ro -- psql -c "select 1"',
    'sallyport connect orders-db -- pg_dump shop > shop.sql',
    'sallyport connect orders-db --print',
    'sallyport connect web-1+deploy',
  ])
    .argument('<name>', 'the resource, or RESOURCE+ACCOUNT')
    .argument('[command...]', "what to run; the protocol's own client where left out")
    .option('--print', 'print what to paste, and end')
    .action(async (name: string, run: readonly string[], options: Options) => {
      const me = await signed(surroundings, options)
      const hint = await hintFor(me, name, new HintFiles(stateDirectory(surroundings.environment), name))
      if (options.print === true) {
        me.printer.result(hint, () => toPaste(hint))
        return
      }
      done(await runClient(surroundings, run.length === 0 ? hint.command : run, hint.environment))
    })

async function hintFor(
  { client, token, caFile }: Signed,
  name: string,
  files: HintFiles,
): Promise<ConnectHint> {
  const [resourceName = '', accountName] = name.split('+')
  const resource = await client.resources.get({ name: resourceName })
  const account =
    accountName === undefined
      ? resource.accounts[0]
      : resource.accounts.find((one) => one.name === accountName)
  const hint = account?.hints[0]
  if (hint === undefined) {
    const asked = resource.mayRequest.find((one) => accountName === undefined || one.name === accountName)
    throw new Failure(`you cannot reach ${name}`, {
      exitCode: exit.notSignedIn,
      next:
        asked === undefined
          ? 'see `sallyport ls` for what you can'
          : `sallyport request ${resourceName} --account ${asked.name} --for ${inUnits(asked.maxSeconds)} --reason "…"`,
    })
  }
  await files.lay(hint.files ?? [])
  return fillHint(hint, { token, caFile: caFile ?? 'system', fileAt: (file) => files.at(file) })
}

function toPaste({ command: run, environment }: ConnectHint): string {
  const set = Object.entries(environment).map(([key, value]) => `export ${key}=${quoted(value)}\n`)
  return `${set.join('')}${run.map(quoted).join(' ')}\n`
}

function quoted(word: string): string {
  return /^[\w./:@=+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** Signals go to the client as from the terminal; its exit code becomes ours. */
function runClient(
  surroundings: Surroundings,
  run: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const [file = '', ...args] = run
  return new Promise((resolve, reject) => {
    const ignore = (): void => undefined
    surroundings.signals.on('SIGINT', ignore)
    const child = spawn(file, args, {
      stdio: 'inherit',
      env: { ...surroundings.environment, ...environment },
    })
    child.on('error', (error: NodeJS.ErrnoException) => {
      surroundings.signals.removeListener('SIGINT', ignore)
      reject(
        error.code === 'ENOENT'
          ? new Failure(`${file} is not installed on this machine`, {
              next: 'install it, or use --print to see what another client needs',
            })
          : error,
      )
    })
    child.on('exit', (code, signal) => {
      surroundings.signals.removeListener('SIGINT', ignore)
      resolve(code ?? (signal === null ? exit.failed : 128))
    })
  })
}
