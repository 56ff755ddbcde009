import { setTimeout as sleep } from 'node:timers/promises'
import type { AccessRequest, Client, Grant } from '@sallyport/api'
import { groupsIn, needsInWords } from '@sallyport/core'
import { command, signed, type MakeCommand } from '../command.ts'
import { seconds } from '../duration.ts'
import { exit } from '../failure.ts'
import type { PrintOptions } from '../printer.ts'
import { distance } from '../table.ts'

interface Options extends PrintOptions {
  readonly account?: string
  readonly for?: string
  readonly reason: string
  readonly ticket?: string
  readonly breakGlass?: boolean
  readonly wait?: boolean
}

export const request: MakeCommand = (surroundings, done) =>
  command('request', 'ask for access to a resource, for a time', [
    'sallyport request orders-db --for 2h --reason "look into OPS-7"',
    'sallyport request orders-db --account app_rw --for 30m --reason "a broken import" --ticket OPS-7 --wait',
    'sallyport request orders-db --break-glass --reason "the shop is down"',
  ])
    .argument('<resource>')
    .option('--account <name>', 'the account on the resource; its first where left out')
    .option('--for <time>', '30m, 2h, 1d; an hour, or what policy allows, where left out')
    .requiredOption('--reason <text>', 'why: reviewers read it, and it goes into the audit log')
    .option('--ticket <reference>', 'where it is written down')
    .option(
      '--break-glass',
      'be let in at once, where policy allows: reviewers are told, and review it afterwards',
    )
    .option('--wait', 'wait for the answer; exit code 1 where it is no')
    .action(async (resource: string, options: Options) => {
      const { client, printer } = await signed(surroundings, options)
      const asked = await client.requests.create({
        resource,
        reason: options.reason,
        breakGlass: options.breakGlass === true,
        ...(options.account === undefined ? {} : { account: options.account }),
        ...(options.for === undefined ? {} : { durationSeconds: seconds(options.for) }),
        ...(options.ticket === undefined ? {} : { ticket: options.ticket }),
      })
      const isAnswered = asked.request.state !== 'open'
      if (options.wait === true && !isAnswered) {
        printer.note(waitingText(asked.request, surroundings.now()))
        const answered = await answerOf(client, asked.request.id)
        printer.result({ request: answered }, () => answeredText(answered))
        done(answered.state === 'approved' ? exit.ok : exit.failed)
        return
      }
      printer.result(asked, () =>
        asked.grant === undefined
          ? `${waitingText(asked.request, surroundings.now())}\n`
          : grantedText(asked.grant, asked.request, surroundings.now()),
      )
    })

function waitingText({ id, resource, account, needs, expiresAt }: AccessRequest, now: number): string {
  const left = distance(Date.parse(expiresAt) - now)
  return `${id}: ${resource} as ${account} waits for ${needsInWords(needs)}, at most ${left}.`
}

function grantedText(
  { id, endsAt }: Grant,
  { resource, account, needs }: AccessRequest,
  now: number,
): string {
  const left = distance(Date.parse(endsAt) - now)
  return `${id}: you may reach ${resource} as ${account} for ${left}. ${groupsIn(needs).join(', ')} will review it.\n`
}

function answeredText({ id, state, answers }: AccessRequest): string {
  const words = answers.map(({ by, verdict, comment }) => {
    const said = comment === undefined ? '' : `: ${comment}`
    return `  ${verdict} by ${by.name}${said}\n`
  })
  return `${id}: ${state}\n${words.join('')}`
}

async function answerOf(client: Client, id: string): Promise<AccessRequest> {
  for (;;) {
    const request = await client.requests.get({ id })
    if (request.state !== 'open') return request
    await sleep(pollMs)
  }
}

const pollMs = 2000
