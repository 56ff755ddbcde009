import type { CallOutput, RouteTable } from '@sallyport/api'
import { InvalidArgumentError } from 'commander'
import { stringify } from 'yaml'
import { command, group, signed, type MakeCommand } from '../command.ts'
import type { PrintOptions } from '../printer.ts'
import { table } from '../table.ts'

type Answer = Awaited<CallOutput<RouteTable['resources']['suggestTags']>>
type Options = PrintOptions & {
  readonly account?: string
  readonly database?: string
  readonly schema?: string
  readonly sample: number
}

export const tags: MakeCommand = (surroundings) =>
  group(
    'tags',
    'which columns hold what is sensitive',
    command('suggest', 'sample the tables of a resource and propose tags', [
      'sallyport tags suggest orders-db',
      'sallyport tags suggest orders-db --database shop --schema public --sample 200',
    ])
      .argument('<resource>')
      .option('--account <name>', 'as whom the gateway looks   (the first)')
      .option('--database <name>', "where it looks   (the resource's default)")
      .option('--schema <name>', 'look there only')
      .option('--sample <rows>', 'rows of each table, 1 to 5000', wholeNumber, 1_000)
      .action(async (name: string, { account, database, schema, sample, ...options }: Options) => {
        const { client, printer } = await signed(surroundings, options)
        const answer = await client.resources.suggestTags({
          name,
          rows: sample,
          ...(account !== undefined && { account }),
          ...(database !== undefined && { database }),
          ...(schema !== undefined && { schema }),
        })
        printer.result(answer, () => printer.shown(wordsFor(answer)))
        const { tables, leftOut } = answer
        printer.note(`${tables} tables looked at.`)
        if (leftOut.length > 0)
          printer.note(`Left out, as unreadable or for want of time: ${printer.shown(leftOut.join(', '))}`)
      }),
  )

function wordsFor({ items }: Answer): string {
  if (items.length === 0) return 'Nothing is proposed.\n'
  const rows = items.map((it) => [
    it.column,
    it.tag,
    `${it.found} of ${it.values}`,
    it.byName ? 'yes' : '-',
    it.isDeclared ? 'yes' : '-',
  ])
  return `${table(['COLUMN', 'TAG', 'FOUND', 'BY NAME', 'DECLARED'], rows)}${declaration(items)}`
}

/** For the resource's declaration: what it does not say yet. */
function declaration(items: Answer['items']): string {
  const columns: Record<string, string | string[]> = {}
  for (const { column, tag, isDeclared } of items) {
    if (isDeclared) continue
    const before = columns[column]
    columns[column] = before === undefined ? tag : [before, tag].flat()
  }
  return Object.keys(columns).length === 0 ? '' : `\n${stringify({ masking: { columns } })}`
}

function wholeNumber(text: string): number {
  if (!/^\d{1,4}$/.test(text) || Number(text) < 1) throw new InvalidArgumentError('give a whole number')
  return Number(text)
}
