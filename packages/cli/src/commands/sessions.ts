import { createPublicKey } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FoundSession, SessionView } from '@sallyport/api'
import { Option } from 'commander'
import { command, group, signed, type MakeCommand } from '../command.ts'
import { milliseconds } from '../duration.ts'
import { exit, Failure } from '../failure.ts'
import { Printer, type PrintOptions } from '../printer.ts'
import { replayLine } from '../replay.ts'
import type { Surroundings } from '../surroundings.ts'
import { distance, table } from '../table.ts'
import type { PlaybackOptions } from '../terminal/playback.ts'
import { who } from '../who.ts'

type ListOptions = PrintOptions & {
  readonly user?: string
  readonly resource?: string
  readonly live?: boolean
  readonly since?: string
  readonly ran?: string
  readonly before?: string
  readonly limit: string
}

type ReplayOptions = PrintOptions & {
  readonly speed: string
  readonly skipIdle: string
  readonly seek: string
  readonly operation?: string
  readonly events?: boolean
}

type ExportOptions = PrintOptions & {
  readonly output?: string
  readonly format: 'recording' | 'asciicast'
  readonly operation?: string
}

export const sessions: MakeCommand = (surroundings, done) =>
  group(
    'sessions',
    'look back at what was done, and end what goes on',
    command('ls', 'sessions, newest first', [
      'sallyport sessions',
      'sallyport sessions ls --live',
      'sallyport sessions ls --user alice --since 2026-01-01T00:00:00Z',
      'sallyport sessions --ran "drop table"   # best effort: in operations, and in shells as far as it was seen',
    ])
      .option('--user <name>', 'of this person')
      .option('--resource <name>', 'on this resource')
      .option('--live', 'only those that go on')
      .option('--since <time>', 'begun since, ISO 8601')
      .option('--ran <text>', 'in which something was run that has this in it; looks for 5 s')
      .option('--before <id>', 'older than this session')
      .option('--limit <n>', 'at most so many', '50')
      .action(async (options: ListOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const { items, search } = await client.sessions.list({
          limit: Number(options.limit),
          live: options.live === true,
          ...(options.user === undefined ? {} : { user: options.user }),
          ...(options.resource === undefined ? {} : { resource: options.resource }),
          ...(options.since === undefined ? {} : { since: options.since }),
          ...(options.ran === undefined ? {} : { ran: options.ran }),
          ...(options.before === undefined ? {} : { before: options.before }),
        })
        printer.result(items, () =>
          items.length === 0
            ? 'No sessions.\n'
            : `${listText(items, surroundings.now())}${items.map((it) => ranText(it, printer)).join('')}`,
        )
        if (search === undefined) return
        const older = search.before === undefined ? '' : `; for older ones: --before ${search.before}`
        printer.note(
          `Looked through ${search.sessions} sessions, as far as it was recorded what ran${older}.`,
        )
      }),
    command('show', 'one session', ['sallyport sessions show ses_01J…'])
      .argument('<id>')
      .action(async (id: string, options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const session = await client.sessions.get({ id })
        printer.result(session, () => showText(session))
      }),
    command('watch', 'a session while it goes on; q leaves it', [
      'sallyport sessions watch ses_01J…',
      'sallyport sessions watch ses_01J… --from-start',
      'sallyport sessions watch ses_01J… --json | jq .text',
    ])
      .argument('<id>')
      .option('--from-start', 'show first what was before')
      .action(async (id: string, options: PrintOptions & { readonly fromStart?: boolean }) => {
        const { client, printer } = await signed(surroundings, options)
        const { watch } = await import('../terminal/watch.ts')
        const how = { id, fromStart: options.fromStart === true, asJson: options.json === true }
        printer.note(`Over: ${await watch(client, how, surroundings, printer)}.`)
      }),
    command('replay', 'what happened in a session: a terminal as it was, or statement by statement', [
      'sallyport sessions replay ses_01J…',
      'sallyport sessions replay ses_01J… --speed 4 --seek 1m30s     # space pauses, q leaves',
      'sallyport sessions replay ses_01J… --json | jq .text',
    ])
      .argument('<id>')
      .option('--speed <n>', 'of a terminal: so many times as fast', '1')
      .option('--skip-idle <seconds>', 'of a terminal: wait no longer where nothing happens', '2')
      .option('--seek <time>', 'of a terminal: from this moment on, such as 1m30s', '0')
      .option('--operation <n>', 'of several terminals: that of this operation')
      .option('--events', 'event by event, a terminal too')
      .action(async (id: string, options: ReplayOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const playback = playbackOf(options, surroundings)
        const { begun, replayTerminal } = await import('../terminal/replay-terminal.ts')
        const { isOfTerminal, lines } = await begun(client.sessions.events({ id }))
        if (isOfTerminal && options.events !== true && options.json !== true) {
          const operation = options.operation === undefined ? undefined : wholeNumber(options.operation)
          await replayTerminal(lines, operation, playback, surroundings)
          return
        }
        let startedAtMs: number | undefined
        for await (const event of lines) {
          startedAtMs ??= Date.parse(event.at)
          const started = startedAtMs
          if (options.json === true) surroundings.output.write(`${JSON.stringify(event)}\n`)
          else printer.result(event, () => replayLine(event, started, printer))
        }
      }),
    command('verify', 'check that a recording is whole and unaltered', [
      'sallyport sessions verify ses_01J…',
      'sallyport sessions verify recording.jsonl --public-key gateway.pub   # needs no gateway',
    ])
      .argument('<id-or-file>')
      .option('--public-key <file>', 'PEM of the key that the gateway signs with: verify a file, offline')
      .action(async (what: string, options: PrintOptions & { readonly publicKey?: string }) => {
        const result =
          options.publicKey === undefined
            ? await verifyThere(surroundings, what, options)
            : await verifyFile(what, options.publicKey)
        new Printer(surroundings, options).result(result, () => `${result.state}: ${result.detail}\n`)
        if (result.state === 'broken') done(exit.failed)
      }),
    command('export', 'a recording as one file that verifies with nothing but the public key', [
      'sallyport sessions export ses_01J… --output session.jsonl',
      'sallyport sessions export ses_01J… --format asciicast --output session.cast   # for asciinema',
    ])
      .argument('<id>')
      .option('-o, --output <file>', 'standard output where left out')
      .addOption(
        new Option('--format <format>', 'asciicast: one terminal of it, for any player')
          .choices(['recording', 'asciicast'])
          .default('recording'),
      )
      .option('--operation <n>', 'of several terminals: that of this operation')
      .action(async (id: string, options: ExportOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const operation = options.operation === undefined ? {} : { operation: wholeNumber(options.operation) }
        const bytes = Readable.from(
          options.format === 'asciicast'
            ? client.sessions.asciicast({ id, ...operation })
            : client.sessions.export({ id }),
        )
        if (options.output === undefined) return pipeline(bytes, surroundings.output, { end: false })
        await pipeline(bytes, createWriteStream(options.output, { mode: 0o600 }))
        printer.note(`Wrote ${options.output} (${(await stat(options.output)).size} bytes).`)
      }),
    command('public-key', 'the key that recordings are signed with', [
      'sallyport sessions public-key > gateway.pub',
    ]).action(async (options: PrintOptions) => {
      const { client, printer } = await signed(surroundings, options)
      const key = await client.gateway.signingKey()
      printer.result(key, () => key.publicKey)
    }),
    command('kill', 'end a live session at once', [
      'sallyport sessions kill ses_01J… --reason "runaway query"',
    ])
      .argument('<id>')
      .option('--reason <text>', 'shown to whoever is in it')
      .action(async (id: string, options: PrintOptions & { readonly reason?: string }) => {
        const { client, printer } = await signed(surroundings, options)
        await client.sessions.kill({
          id,
          ...(options.reason === undefined ? {} : { reason: options.reason }),
        })
        printer.note('Ended.')
      }),
  )

function playbackOf({ speed, skipIdle, seek }: ReplayOptions, { output }: Surroundings): PlaybackOptions {
  const factor = Number(speed)
  if (!(factor > 0 && factor <= 1000))
    throw new Failure(`${speed} is no speed`, { exitCode: exit.usage, next: 'from 0.1 to 1000' })
  // Where nobody looks, nobody waits.
  const skipIdleMs = output.isTTY === true ? milliseconds(skipIdle) : 0
  return { speed: factor, skipIdleMs, seekMs: milliseconds(seek) }
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new Failure(`${text} is no operation’s number`, { exitCode: exit.usage })
}

async function verifyThere(surroundings: Surroundings, id: string, options: PrintOptions) {
  const { client } = await signed(surroundings, options)
  return client.sessions.verify({ id })
}

async function verifyFile(file: string, keyFile: string) {
  const { verifyRecordingStream } = await import('@sallyport/recording')
  const pem = await readFile(keyFile).catch(() => undefined)
  if (pem === undefined || (await stat(file).catch(() => undefined)) === undefined) {
    throw new Failure(`no such file: ${pem === undefined ? keyFile : file}`, { exitCode: exit.usage })
  }
  const { state, events, detail } = await verifyRecordingStream(
    createReadStream(file) as AsyncIterable<Uint8Array>,
    createPublicKey(pem),
  )
  return { state, events, detail }
}

function listText(items: readonly SessionView[], now: number): string {
  return table(
    ['ID', 'WHO', 'RESOURCE', 'ACCOUNT', 'STARTED', 'OPERATIONS', 'STATE'],
    items.map((it) => [
      it.id,
      who(it.principal, it.actor),
      it.resource,
      it.account,
      `${distance(now - Date.parse(it.startedAt))} ago`,
      String(it.operations),
      it.live ? 'live' : (it.reason ?? 'ended'),
    ]),
  )
}

function ranText({ id, ran = [] }: FoundSession, printer: Printer): string {
  if (ran.length === 0) return ''
  const lines = ran.map(({ at, operation, text, by }) => {
    const oneLine = printer.shown(text).replaceAll(/\s+/g, ' ').slice(0, 160)
    return `  ${at}  #${operation} ${by === 'seen' ? 'seen on the screen (no proof): ' : ''}${oneLine}\n`
  })
  return `\n${id}\n${lines.join('')}`
}

function showText(it: SessionView): string {
  const lines = [
    `${it.id}  ${it.live ? 'live' : 'ended'}`,
    `who         ${who(it.principal, it.actor)}`,
    `resource    ${it.resource} (${it.protocol}) as ${it.account}`,
    ...(it.grant === undefined ? [] : [`grant       ${it.grant}`]),
    `client      ${it.clientAddress}`,
    `started     ${it.startedAt}`,
    ...(it.endedAt === undefined ? [] : [`ended       ${it.endedAt} (${it.reason ?? 'unknown'})`]),
    `operations  ${it.operations}`,
  ]
  return `${lines.join('\n')}\n`
}
