import type { Change, Plan } from '@sallyport/api'
import { confirm } from './ask.ts'
import { exit, Failure } from './failure.ts'
import type { PrintOptions, Printer } from './printer.ts'
import type { Surroundings } from './surroundings.ts'

export type PlanOptions = PrintOptions & {
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly note?: string
}

/** How a plan is asked for, and how it is carried out. */
type How = { readonly dryRun: true } | { readonly dryRun: false; readonly basedOn: string }

/** Shows what would change, asks, and does it, where it would still change the same policies. @throws Failure where it is not wanted */
export async function carryOut(
  surroundings: Surroundings,
  printer: Printer,
  options: PlanOptions,
  question: string,
  ask: (how: How) => Promise<Plan>,
): Promise<void> {
  const plan = await ask({ dryRun: true })
  const { differenceOf } = await import('@sallyport/policy')
  const text = (): string => planText(plan, printer, differenceOf)
  const changes = plan.plan.filter(({ action }) => action !== 'unchanged')
  if (options.dryRun === true || changes.length === 0) return printer.result(plan, text)
  if (options.json !== true) printer.note(text().trimEnd())
  const isWanted =
    options.yes === true || !surroundings.input.isTTY || (await confirm(surroundings, question))
  if (!isWanted) throw new Failure('nothing was changed', { exitCode: exit.failed })
  const done = await ask({ dryRun: false, basedOn: plan.basedOn })
  printer.result(
    done,
    () =>
      `Applied ${changes.length} change${changes.length === 1 ? '' : 's'}; policy set ${done.policyVersion} is in force.\n`,
  )
}

type Difference = (
  before: readonly { name: string; text: string }[],
  after: readonly { name: string; text: string }[],
) => string

const signs = { create: '+', update: '~', delete: '-', unchanged: ' ' } as const

function planText(plan: Plan, printer: Printer, difference: Difference): string {
  const changes = plan.plan.filter(({ action }) => action !== 'unchanged')
  const warnings = plan.warnings
    .map((warning) => `${printer.style('yellow', 'warning:')} ${warning}\n`)
    .join('')
  if (changes.length === 0) return `${warnings}Nothing to do: all of it is so already.\n`
  return changes.map((change) => changeText(change, printer, difference)).join('') + warnings
}

function changeText(change: Change, printer: Printer, difference: Difference): string {
  const colour = change.action === 'delete' ? 'red' : change.action === 'create' ? 'green' : 'yellow'
  const head = `  ${printer.style(colour, signs[change.action])} ${change.kind} ${change.name}\n`
  if (change.action !== 'update') return head
  return head + change.changes.map((one) => detail(change, one, printer, difference)).join('')
}

function detail(
  { kind, name }: Change,
  { path, from, to }: Change['changes'][number],
  printer: Printer,
  difference: Difference,
): string {
  if (kind !== 'Policy' || typeof from !== 'string' || typeof to !== 'string')
    return `      ${path}: ${show(from)} → ${show(to)}\n`
  const [, , ...lines] = difference([{ name, text: from }], [{ name, text: to }])
    .trimEnd()
    .split('\n')
  return lines.map((line) => `      ${printer.shown(line)}\n`).join('')
}

function show(value: unknown): string {
  return value === undefined ? '(none)' : JSON.stringify(value)
}
