import { exit } from '../../failure.ts'
import { command, signed, type MakeCommand } from '../../command.ts'
import { carryOut, type PlanOptions } from '../../plan.ts'
import type { PrintOptions, Printer } from '../../printer.ts'
import { table } from '../../table.ts'

export const history: MakeCommand = (surroundings) =>
  command('history', 'sets of policies that are or were in force, newest first', [
    'sallyport policy history',
  ]).action(async (options: PrintOptions) => {
    const { client, printer } = await signed(surroundings, options)
    const { items } = await client.policies.versions()
    printer.result(items, () =>
      items.length === 0
        ? 'No policies were applied yet.\n'
        : table(
            ['VERSION', 'APPLIED', 'BY', 'NOTE'],
            items.map(({ version, at, by, note }) => [version, at.slice(0, 19) + 'Z', by, note]),
          ),
    )
  })

export const show: MakeCommand = (surroundings) =>
  command('show', 'the policies of one version', [
    'sallyport policy show 12',
    'sallyport policy show current',
  ])
    .argument('<version>', 'a number of the history, or: current')
    .action(async (version: string, options: PrintOptions) => {
      const { client, printer } = await signed(surroundings, options)
      const set =
        version === 'current' ? await client.policies.current() : await client.policies.version({ version })
      printer.result(set, () => {
        const files = set.policies.map(({ name, text }) => `// ${name}.cedar\n${text.replace(/\n*$/, '\n')}`)
        const head = `// Version ${set.version}, by ${set.by}, ${set.at}${set.note === '' ? '' : `: ${set.note}`}\n\n`
        return printer.shown(head + files.join('\n'))
      })
    })

export const diff: MakeCommand = (surroundings, done) =>
  command('diff', 'what two versions differ in; exits 1 where they do', [
    'sallyport policy diff 11      # against what is in force',
    'sallyport policy diff 11 12',
  ])
    .argument('<from>', 'a number of the history')
    .argument('[to]', 'another; what is in force where absent')
    .action(async (from: string, to: string | undefined, options: PrintOptions) => {
      const { client, printer } = await signed(surroundings, options)
      const found = await client.policies.difference({ from, ...(to === undefined ? {} : { to }) })
      printer.result(found, () =>
        found.difference === ''
          ? `Version ${found.from} and version ${found.to} are the same.\n`
          : coloured(found.difference, printer),
      )
      if (found.difference !== '') done(exit.failed)
    })

export const rollback: MakeCommand = (surroundings) =>
  command('rollback', 'put the policies of an earlier version in force again, as a new one', [
    'sallyport policy rollback 11 --note "the auditors cannot read"',
    'sallyport policy rollback 11 --dry-run',
  ])
    .argument('<version>', 'a number of the history')
    .option('--note <text>', 'why, for the history')
    .option('--dry-run', 'show the plan, and change nothing')
    .option('-y, --yes', 'do not ask')
    .action(async (version: string, options: PlanOptions) => {
      const { client, printer } = await signed(surroundings, options)
      const note = options.note === undefined ? {} : { note: options.note }
      await carryOut(surroundings, printer, options, `Roll back to version ${version}?`, (how) =>
        client.policies.rollback({ version, ...note, ...how }),
      )
    })

function coloured(difference: string, printer: Printer): string {
  return printer.shown(difference).replaceAll(/^[-+@].*$/gm, (line) => printer.style(colourOf(line), line))
}

function colourOf(line: string) {
  if (/^(---|\+\+\+) /.test(line)) return 'bold'
  return line.startsWith('-') ? 'red' : line.startsWith('+') ? 'green' : 'cyan'
}
