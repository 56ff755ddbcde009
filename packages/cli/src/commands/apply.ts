import type { Change, Plan } from '@sallyport/api'
import { confirm } from '../ask.ts'
import { command, signed, type MakeCommand } from '../command.ts'
import { readDocuments } from '../documents.ts'
import { exit, Failure } from '../failure.ts'
import type { PrintOptions, Printer } from '../printer.ts'

type Options = PrintOptions & {
  readonly file: readonly string[]
  readonly dryRun?: boolean
  readonly prune?: boolean
  readonly yes?: boolean
}

export const apply: MakeCommand = (surroundings) =>
  command('apply', 'declare resources, policies, credentials and users; shows the plan first', [
    'sallyport apply -f resources.yaml -f policies/',
    'sallyport apply -f . --dry-run',
    'sallyport apply -f . --prune --yes   # in a pipeline',
  ])
    .requiredOption('-f, --file <path...>', 'YAML documents, Cedar policies, or folders of them')
    .option('--dry-run', 'show the plan, and change nothing')
    .option('--prune', 'also delete what is not declared, of the kinds that are; never users')
    .option('-y, --yes', 'do not ask')
    .action(async (options: Options) => {
      const { client, printer } = await signed(surroundings, options)
      const documents = [...(await readDocuments(options.file, surroundings.environment))]
      const ask = { documents, prune: options.prune === true }
      const plan = await client.apply.documents({ ...ask, dryRun: true })
      const changes = plan.plan.filter(({ action }) => action !== 'unchanged')
      if (options.dryRun === true || changes.length === 0)
        return printer.result(plan, () => planText(plan, printer))
      if (options.json !== true) printer.note(planText(plan, printer).trimEnd())
      const isWanted =
        options.yes === true || !surroundings.input.isTTY || (await confirm(surroundings, 'Apply?'))
      if (!isWanted) throw new Failure('nothing was changed', { exitCode: exit.failed })
      const done = await client.apply.documents({ ...ask, dryRun: false })
      printer.result(
        done,
        () =>
          `Applied ${changes.length} change${changes.length === 1 ? '' : 's'}; policy set ${done.policyVersion} is in force.\n`,
      )
    })

const signs = { create: '+', update: '~', delete: '-', unchanged: ' ' } as const

function planText(plan: Plan, printer: Printer): string {
  const changes = plan.plan.filter(({ action }) => action !== 'unchanged')
  const warnings = plan.warnings
    .map((warning) => `${printer.style('yellow', 'warning:')} ${warning}\n`)
    .join('')
  if (changes.length === 0) return `${warnings}Nothing to do: all of it is so already.\n`
  return changes.map((change) => changeText(change, printer)).join('') + warnings
}

function changeText(change: Change, printer: Printer): string {
  const colour = change.action === 'delete' ? 'red' : change.action === 'create' ? 'green' : 'yellow'
  const details = change.changes.map(({ path, from, to }) => `      ${path}: ${show(from)} → ${show(to)}\n`)
  const head = `  ${printer.style(colour, signs[change.action])} ${change.kind} ${change.name}\n`
  return change.action === 'update' ? head + details.join('') : head
}

function show(value: unknown): string {
  return value === undefined ? '(none)' : JSON.stringify(value)
}
