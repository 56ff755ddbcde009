import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { AuditChain, auditHash, syslogMessages, type AuditEntry } from '@sallyport/core'
import { command, group, signed, type MakeCommand } from '../command.ts'
import { exit, Failure } from '../failure.ts'
import { Printer, type PrintOptions } from '../printer.ts'
import { distance, table } from '../table.ts'

type Listing = PrintOptions & { readonly limit: string }
type Exporting = PrintOptions & { readonly format: string; readonly from: string; readonly follow?: boolean }
type Verifying = PrintOptions & { readonly head?: string }

export const audit: MakeCommand = (surroundings) =>
  group(
    'audit',
    'changes to the gateway itself, and who came in or did not',
    command('ls', 'the last entries, newest first', ['sallyport audit', 'sallyport audit ls --limit 200'])
      .option('--limit <number>', 'how many; 500 at most', '50')
      .action(async (options: Listing) => {
        const { client, printer } = await signed(surroundings, options)
        const { items } = await client.audit.list({ limit: whole(options.limit, '--limit') })
        printer.result(items, () =>
          table(
            ['NO.', 'WHEN', 'KIND', 'BY', 'FROM', 'WHAT'],
            items.map((it) => [
              String(it.sequence),
              `${distance(surroundings.now() - Date.parse(it.at))} ago`,
              it.kind ?? '',
              it.by === 'system' ? (it.principal ?? it.by) : it.by,
              it.address ?? '',
              printer.shown(it.changes.join('; ')).slice(0, maxShown),
            ]),
          ),
        )
      }),
    command('export', 'all entries as they are chained, oldest first', [
      'sallyport audit export > audit.jsonl',
      'sallyport audit export --from 1200 --follow --format syslog',
    ])
      .option('--format <form>', 'jsonl, or syslog: messages of RFC 5424, one a line', 'jsonl')
      .option('--from <number>', 'the first entry wanted', '1')
      .option('--follow', 'go on with what comes from now on')
      .action(async ({ format, from, follow, ...options }: Exporting) => {
        if (format !== 'jsonl' && format !== 'syslog')
          throw new Failure(`there is no form ${format}: jsonl or syslog`, { exitCode: exit.usage })
        const { client, gateway } = await signed(surroundings, options)
        const host = new URL(gateway).hostname
        const asked = { from: whole(from, '--from'), follow: follow === true }
        for await (const entry of client.audit.export(asked)) {
          const lines =
            format === 'jsonl'
              ? [JSON.stringify(entry)]
              : syslogMessages(entry as AuditEntry, { host, maxCharacters: 4000 })
          surroundings.output.write(lines.map((line) => `${line}\n`).join(''))
        }
        if (follow === true)
          throw new Failure('you may not follow the audit log any more: your access has changed or expired', {
            next: 'sign in again, and go on after the last entry: sallyport login',
          })
      }),
    command(
      'verify',
      'whether each entry follows from the one before: at the gateway, or in an exported file',
      ['sallyport audit verify', 'sallyport audit verify audit.jsonl --head 5891b5b5…   # without a gateway'],
    )
      .argument('[file]', 'what `sallyport audit export` wrote')
      .option('--head <hash>', 'an entry’s hash that was noted before: it must be in there')
      .action(async (file: string | undefined, { head, ...options }: Verifying) => {
        const printer = new Printer(surroundings, options)
        const found = file === undefined ? await atGateway(head) : await inFile(file, head)
        printer.result(found, () =>
          found.sound
            ? `Sound: ${found.entries} entries, head ${found.head}\nNote the head where the gateway cannot write.\n`
            : '',
        )
        if (!found.sound)
          throw new Failure(
            found.brokenAt === undefined
              ? 'the hash that was noted is not in there: entries are missing, or others'
              : `entry ${found.brokenAt} does not follow from the one before: it, or what was before it, is not what was written`,
            { exitCode: exit.failed },
          )

        async function atGateway(noted: string | undefined): Promise<Found> {
          const { client } = await signed(surroundings, options)
          if (noted === undefined) return client.audit.verify({})
          return follow(client.audit.export({}) as AsyncIterable<AuditEntry>, noted)
        }
      }),
  )

interface Found {
  readonly sound: boolean
  readonly entries?: number | undefined
  readonly head?: string | undefined
  readonly brokenAt?: number | undefined
}

/** @throws Failure where it is no such file */
async function inFile(path: string, noted: string | undefined): Promise<Found> {
  const lines = createInterface({
    input: createReadStream(path, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  })
  return follow(entriesIn(lines, path), noted)
}

async function* entriesIn(lines: AsyncIterable<string>, path: string): AsyncGenerator<AuditEntry> {
  let number = 0
  try {
    for await (const line of lines) {
      number++
      if (line !== '') yield JSON.parse(line) as AuditEntry
    }
  } catch (thrown) {
    if (thrown instanceof SyntaxError)
      throw new Failure(`${path}: line ${number} is no JSON`, { exitCode: exit.usage })
    throw new Failure(`${path} cannot be read`, { exitCode: exit.usage })
  }
}

/** A file may begin later than the log: its first entry's place is taken as it is. */
async function follow(entries: AsyncIterable<AuditEntry>, noted: string | undefined): Promise<Found> {
  let chain: AuditChain | undefined
  const seen = new Map<number, string>()
  let count = 0
  let isThere = noted === undefined
  for await (const entry of entries) {
    chain ??= new AuditChain(entry.seq === 1 ? undefined : { seq: entry.seq - 1, hash: entry.previous })
    // What was sent twice counts once.
    if (entry.hash === auditHash(entry) && seen.get(entry.seq) === entry.hash) continue
    if (!chain.take(entry)) return { sound: false, brokenAt: chain.seq + 1 }
    count++
    seen.set(entry.seq, entry.hash)
    seen.delete(entry.seq - maxRepeated)
    isThere ||= entry.hash === noted
  }
  if (!isThere) return { sound: false }
  return { sound: true, entries: count, head: chain?.head ?? '0'.repeat(64) }
}

function whole(text: string, option: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1)
    throw new Failure(`${option} is a number from 1`, { exitCode: exit.usage })
  return number
}

const maxShown = 160
/** So many entries are sent again at most. */
const maxRepeated = 1000
