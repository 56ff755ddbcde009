import type { SimulatedChange, SimulationLine } from '@sallyport/api'
import { watchersInWords } from '@sallyport/core'
import { command, signed, type MakeCommand } from '../../command.ts'
import { readDocuments } from '../../documents.ts'
import { exit, Failure } from '../../failure.ts'
import type { PrintOptions, Printer } from '../../printer.ts'

type Options = PrintOptions & {
  readonly since: string
  readonly resource?: string
  readonly principal?: string
  readonly prune?: boolean
}

type Report = Extract<SimulationLine, { kind: 'report' }>

export const simulate: MakeCommand = (surroundings) =>
  command('simulate', 'what changed policies would have decided otherwise of recorded operations', [
    'sallyport policy simulate policies/',
    'sallyport policy simulate policies/ --since 30d --resource orders-db --json',
  ])
    .argument('<path...>', 'policies as `apply` takes them: those in force that they do not replace stay')
    .option('--since <time>', 'how far back: 7d, 12h, or a time', '7d')
    .option('--resource <name>', 'sessions on this resource alone')
    .option('--principal <name>', 'sessions of this person or workload alone')
    .option('--prune', 'without the policies in force that are not among them, as `apply --prune`')
    .action(async (paths: readonly string[], options: Options) => {
      const { documents } = await readDocuments(paths, 'without secrets')
      const policies = documents.flatMap((it) =>
        it.kind === 'Policy' ? [{ name: it.name, text: it.text }] : [],
      )
      if (policies.length === 0) throw new Failure('there are no policies in it', { exitCode: exit.usage })
      const { client, printer } = await signed(surroundings, options)
      const told = client.policies.simulate({
        policies,
        prune: options.prune === true,
        since: timeOf(options.since, surroundings.now()),
        ...(options.resource === undefined ? {} : { resource: options.resource }),
        ...(options.principal === undefined ? {} : { principal: options.principal }),
      })
      let report: Report | undefined
      for await (const line of told) {
        if (line.kind === 'report') report = line
        else if (line.operations > 0)
          printer.progress(`${line.operations} operations of ${line.sessions} sessions`)
      }
      printer.progress('')
      if (report === undefined) throw new Failure('the simulation broke off')
      const found = report
      printer.result(found, () => reportText(found, printer))
    })

/** @throws Failure where it is no time */
function timeOf(text: string, now: number): string {
  const [, count, unit = ''] = /^(\d{1,5})([dhm])$/.exec(text) ?? []
  const at = count === undefined ? Date.parse(text) : now - Number(count) * (unitsMs[unit] ?? 0)
  if (Number.isNaN(at))
    throw new Failure(`--since ${text} is no time`, { exitCode: exit.usage, next: 'such as --since 7d' })
  return new Date(at).toISOString()
}

const unitsMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000 }

function reportText(report: Report, printer: Printer): string {
  const { sessions, operations, notJudged, leftOut, changes, otherChanges } = report
  const changed = changes.reduce((sum, { count }) => sum + count, otherChanges)
  const notes = [
    [
      notJudged,
      'operations could not be judged: refused before policies were asked, or recorded by another version',
    ],
    [leftOut.deletedResource, 'sessions were on resources that are gone'],
    [leftOut.notPermitted, 'sessions are on resources whose recordings you may not see'],
    [leftOut.unreadable, 'recordings could not be read'],
    [otherChanges, 'changes are not listed: there are too many kinds'],
  ] as const
  return [
    ...changes.map((change) => changeText(change, printer)),
    `${changed} changes in ${operations} operations of ${sessions} sessions.\n`,
    ...notes.flatMap(([count, words]) => (count === 0 ? [] : [`  ${count} ${words}.\n`])),
  ].join('')
}

function changeText(change: SimulatedChange, printer: Printer): string {
  const { from, to, actions, resource, policies, reason, masked, unmasked, watchers } = change
  const { count, principals, examples } = change
  const colour = to === 'deny' || masked.length > 0 ? 'red' : to === 'allow' ? 'green' : 'yellow'
  const turn = from === to ? to : `${from} → ${to}`
  const masks = [
    ...(masked.length === 0 ? [] : [`masking ${masked.join(', ')}`]),
    ...(unmasked.length === 0 ? [] : [`showing ${unmasked.join(', ')} in clear`]),
    ...(watchers === undefined
      ? []
      : [watchers.length === 0 ? 'watched no more' : `while ${watchersInWords(watchers)} watches`]),
  ]
  const by = policies.length === 0 ? '' : ` by ${policies.join(', ')}`
  const more = principals.length >= 10 ? ', …' : ''
  return [
    `${String(count).padStart(8)}  ${printer.style(colour, [turn, ...masks].join(', '))}  ${actions} on ${resource}${by}\n`,
    ...(reason === undefined ? [] : [`          ${reason}\n`]),
    `          ${principals.join(', ')}${more}\n`,
    ...examples.map(
      ({ session, operation, text }) =>
        `          ${session}${operation === undefined ? '' : ` #${operation}`}  ${printer.shown(text)}\n`,
    ),
  ].join('')
}
