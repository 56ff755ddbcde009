import type { Finding } from '@sallyport/api'
import { command, signed, type MakeCommand } from '../../command.ts'
import { exit, Failure } from '../../failure.ts'
import { findOffline } from '../../offline.ts'
import { Printer, type PrintOptions } from '../../printer.ts'
import { table } from '../../table.ts'

type Options = PrintOptions & {
  readonly account?: string
  readonly fact?: readonly string[]
}

type CanOptions = Options & {
  readonly actor?: string
  readonly policies?: readonly string[]
  readonly group?: readonly string[]
}

export const can: MakeCommand = (surroundings, done) =>
  command('can', 'may they do this, and why? Exits 0 for yes, 1 for no, 3 where somebody has to approve it', [
    'sallyport policy can alice connect on orders-db',
    'sallyport policy can alice unmask pii.email on orders-db',
    'sallyport policy can alice delete shop.public.orders on orders-db --fact unfiltered=true',
    'sallyport policy can alice administer',
    'sallyport policy can alice read shop.public.orders on orders-db --policies . --group developers',
  ])
    .argument('<question...>', 'PRINCIPAL ACTION [OBJECT-OR-TAG] [on RESOURCE]')
    .option('--account <name>', "the account on the target; the resource's first where absent")
    .option('--fact <name=value...>', 'what else is known of the statement: unfiltered=true')
    .option('--actor <kind:id>', 'what acts for them: agent:helper')
    .option('--policies <path...>', 'ask files and folders as `apply` takes them, and no gateway')
    .option('--group <name...>', "with --policies: the person's groups, where no document declares them")
    .action(async ([principal = '', ...words]: readonly string[], options: CanOptions) => {
      const about = { principal, ...actorOf(options), ...inquiryOf(words, options) }
      const { printer, finding } =
        options.policies === undefined
          ? await signed(surroundings, options).then(async ({ client, printer }) => ({
              printer,
              finding: await client.policies.can(about),
            }))
          : {
              printer: new Printer(surroundings, options),
              finding: await findOffline(options.policies, options.group, about),
            }
      printer.result(finding, () => findingText(finding, printer))
      done(exitCodes[finding.answer])
    })

export const who: MakeCommand = (surroundings) =>
  command('who', 'all who may do this, at once or after somebody has approved it', [
    'sallyport policy who can unmask pii.email on orders-db',
    'sallyport policy who can administer',
  ])
    .argument('<question...>', 'can ACTION [OBJECT-OR-TAG] [on RESOURCE]')
    .option('--account <name>', "the account on the target; the resource's first where absent")
    .option('--fact <name=value...>', 'what else is known of the statement: unfiltered=true')
    .action(async ([first, ...words]: readonly string[], options: Options) => {
      if (first !== 'can')
        throw misunderstood('sallyport policy who can ACTION [OBJECT-OR-TAG] [on RESOURCE]')
      const { client, printer } = await signed(surroundings, options)
      const { items } = await client.policies.whoCan(inquiryOf(words, options))
      printer.result(items, () =>
        items.length === 0
          ? 'Nobody.\n'
          : table(
              ['WHO', 'ANSWER', 'GROUPS', 'POLICIES'],
              items.map(({ principal, answer, steps }) => [
                principal.id,
                said[answer],
                principal.groups.join(', ') || '-',
                [...new Set(steps.flatMap(({ policies }) => policies))].join(', '),
              ]),
            ),
      )
    })

const exitCodes = {
  yes: exit.ok,
  no: exit.failed,
  'step-up': exit.notYet,
  review: exit.notYet,
  request: exit.notYet,
} as const
const said = {
  yes: 'yes',
  no: 'no',
  'step-up': 'with another sign-in',
  review: 'by review',
  request: 'by request',
} as const

interface Inquiry {
  readonly action: string
  readonly target?: string
  readonly resource?: string
  readonly account?: string
  readonly facts?: Record<string, boolean | number | string>
}

/** `delete shop.public.orders on orders-db`. */
function inquiryOf(words: readonly string[], { account, fact = [] }: Options): Inquiry {
  const at = words.indexOf('on')
  const [action, target, ...rest] = at < 0 ? words : words.slice(0, at)
  const [resource, ...more] = at < 0 ? [] : words.slice(at + 1)
  if (action === undefined || rest.length + more.length > 0 || (at >= 0 && resource === undefined))
    throw misunderstood('sallyport policy can PRINCIPAL ACTION [OBJECT-OR-TAG] [on RESOURCE]')
  return {
    action,
    ...(target === undefined ? {} : { target }),
    ...(resource === undefined ? {} : { resource }),
    ...(account === undefined ? {} : { account }),
    ...(fact.length === 0 ? {} : { facts: Object.fromEntries(fact.map(factOf)) }),
  }
}

function factOf(text: string): [string, boolean | number | string] {
  const [, name = '', value = ''] = /^([a-z_]+)=(.*)$/s.exec(text) ?? []
  if (name === '') throw misunderstood('--fact NAME=VALUE, such as --fact unfiltered=true')
  if (value === 'true' || value === 'false') return [name, value === 'true']
  return [name, /^-?\d{1,15}$/.test(value) ? Number(value) : value]
}

function actorOf({ actor }: CanOptions): { actor?: { kind: 'user' | 'workload' | 'agent'; id: string } } {
  if (actor === undefined) return {}
  const [, kind, id = ''] = /^(user|workload|agent):(.+)$/.exec(actor) ?? []
  if (kind === undefined) throw misunderstood('--actor agent:ID')
  return { actor: { kind: kind as 'user' | 'workload' | 'agent', id: kind === 'agent' ? id : actor } }
}

function misunderstood(next: string): Failure {
  return new Failure('the question is not understood', { exitCode: exit.usage, next })
}

function findingText({ answer, steps }: Finding, printer: Printer): string {
  const colour = answer === 'yes' ? 'green' : answer === 'no' ? 'red' : 'yellow'
  const lines = steps.map(({ asked, words }) => `  ${asked}: ${words}\n`)
  return `${printer.style(colour, said[answer])}\n${lines.join('')}`
}
