import { createPublicKey } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { SessionView } from '@sallyport/api'
import { command, group, signed, type MakeCommand } from '../command.ts'
import { exit, Failure } from '../failure.ts'
import { Printer, type PrintOptions } from '../printer.ts'
import { replayLine } from '../replay.ts'
import type { Surroundings } from '../surroundings.ts'
import { distance, table } from '../table.ts'

type ListOptions = PrintOptions & {
  readonly user?: string
  readonly resource?: string
  readonly live?: boolean
  readonly since?: string
  readonly limit: string
}

export const sessions: MakeCommand = (surroundings, done) =>
  group(
    'sessions',
    'look back at what was done, and end what goes on',
    command('ls', 'sessions, newest first', [
      'sallyport sessions',
      'sallyport sessions ls --live',
      'sallyport sessions ls --user alice --since 2026-01-01T00:00:00Z',
    ])
      .option('--user <name>', 'of this person')
      .option('--resource <name>', 'on this resource')
      .option('--live', 'only those that go on')
      .option('--since <time>', 'begun since, ISO 8601')
      .option('--limit <n>', 'at most so many', '50')
      .action(async (options: ListOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const { items } = await client.sessions.list({
          limit: Number(options.limit),
          live: options.live === true,
          ...(options.user === undefined ? {} : { user: options.user }),
          ...(options.resource === undefined ? {} : { resource: options.resource }),
          ...(options.since === undefined ? {} : { since: options.since }),
        })
        printer.result(items, () =>
          items.length === 0 ? 'No sessions.\n' : listText(items, surroundings.now()),
        )
      }),
    command('show', 'one session', ['sallyport sessions show ses_01J…'])
      .argument('<id>')
      .action(async (id: string, options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        const session = await client.sessions.get({ id })
        printer.result(session, () => showText(session))
      }),
    command('replay', 'what happened in a session, statement by statement', [
      'sallyport sessions replay ses_01J…',
      'sallyport sessions replay ses_01J… --json | jq .text',
    ])
      .argument('<id>')
      .action(async (id: string, options: PrintOptions) => {
        const { client, printer } = await signed(surroundings, options)
        let startedAtMs: number | undefined
        for await (const event of client.sessions.events({ id })) {
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
    ])
      .argument('<id>')
      .option('-o, --output <file>', 'standard output where left out')
      .action(async (id: string, options: PrintOptions & { readonly output?: string }) => {
        const { client, printer } = await signed(surroundings, options)
        const bytes = Readable.from(client.sessions.export({ id }))
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
      who(it),
      it.resource,
      it.account,
      `${distance(now - Date.parse(it.startedAt))} ago`,
      String(it.operations),
      it.live ? 'live' : (it.reason ?? 'ended'),
    ]),
  )
}

function showText(it: SessionView): string {
  const lines = [
    `${it.id}  ${it.live ? 'live' : 'ended'}`,
    `who         ${who(it)}`,
    `resource    ${it.resource} (${it.protocol}) as ${it.account}`,
    ...(it.grant === undefined ? [] : [`grant       ${it.grant}`]),
    `client      ${it.clientAddress}`,
    `started     ${it.startedAt}`,
    ...(it.endedAt === undefined ? [] : [`ended       ${it.endedAt} (${it.reason ?? 'unknown'})`]),
    `operations  ${it.operations}`,
  ]
  return `${lines.join('\n')}\n`
}

function who(it: SessionView): string {
  return it.actor.id === it.principal.id ? it.principal.name : `${it.actor.name} for ${it.principal.name}`
}
