import { spawn } from 'node:child_process'
import { fillHint, type ConnectHint } from '@sallyport/api'
import { command, signed, type MakeCommand, type Signed } from '../command.ts'
import { exit, Failure } from '../failure.ts'
import type { PrintOptions } from '../printer.ts'
import type { Surroundings } from '../surroundings.ts'

type Options = PrintOptions & { readonly print?: boolean }

export const connect: MakeCommand = (surroundings, done) =>
  command('connect', 'run a native client against a resource, with everything arranged', [
    'sallyport connect orders-db',
    'sallyport connect orders-db+app_ro -- psql -c "select 1"',
    'sallyport connect orders-db -- pg_dump shop > shop.sql',
    'sallyport connect orders-db --print',
  ])
    .argument('<name>', 'the resource, or RESOURCE+ACCOUNT')
    .argument('[command...]', "what to run; the protocol's own client where left out")
    .option('--print', 'print what to paste, and end')
    .action(async (name: string, run: readonly string[], options: Options) => {
      const me = await signed(surroundings, options)
      const hint = await hintFor(me, name)
      if (options.print === true) {
        me.printer.result(hint, () => toPaste(hint))
        return
      }
      done(await runClient(surroundings, run.length === 0 ? hint.command : run, hint.environment))
    })

async function hintFor({ client, token, caFile }: Signed, name: string): Promise<ConnectHint> {
  const [resourceName = '', accountName] = name.split('+')
  const resource = await client.resources.get({ name: resourceName })
  const account =
    accountName === undefined
      ? resource.accounts[0]
      : resource.accounts.find((one) => one.name === accountName)
  const hint = account?.hints[0]
  if (hint === undefined) {
    throw new Failure(`you cannot reach ${name}`, {
      exitCode: exit.notSignedIn,
      next: 'see `sallyport ls` for what you can',
    })
  }
  const filled = fillHint(hint, { token, caFile: caFile ?? 'system' })
  return accountName === undefined ? withoutAccount(filled, resourceName, account?.name) : filled
}

/** Whoever named no account gets the default one, whichever that is at the time. */
function withoutAccount(hint: ConnectHint, resource: string, account: string | undefined): ConnectHint {
  const environment = Object.entries(hint.environment).map(([key, value]) => [
    key,
    value === `${resource}+${account}` ? resource : value,
  ])
  return { ...hint, environment: Object.fromEntries(environment) as Record<string, string> }
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
