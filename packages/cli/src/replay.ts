import type { RecordedLine } from '@sallyport/api'
import {
  actorsOf,
  needsInWords,
  watchersInWords,
  whoInWords,
  type Actor,
  type Principal,
  type ReviewNeed,
  type Watchers,
} from '@sallyport/core'
import type { Printer } from './printer.ts'
import { bytesOf } from './terminal/recorded.ts'

interface ShownFacts {
  readonly actions?: readonly string[]
  readonly objects?: readonly { readonly path: readonly string[] }[]
}

/** One recorded event for a terminal: when, what was asked, what was decided, what came of it. */
export function replayLine(event: RecordedLine, startedAtMs: number, printer: Printer): string {
  const at = printer.style('dim', clock(Date.parse(event.at) - startedAtMs))
  const text = (key: string): string => {
    const value = event[key]
    return typeof value === 'string' || typeof value === 'number' ? inLine(value, printer) : ''
  }
  switch (event.kind) {
    case 'opened': {
      const grant = text('grant') === '' ? '' : `, by ${text('grant')}`
      return `${at}  opened by ${inLine(whoOpened(event), printer)} on ${text('resource')} as ${text('account')} from ${text('clientAddress')}${grant}\n`
    }
    case 'operation':
      return `${at}  ${decision(event, printer)} ${statement(event, printer)}\n`
    case 'result':
      return `${at}  ${printer.style('dim', `   #${text('id')} ${inLine(outcome(event), printer)}`)}\n`
    case 'review-asked':
      return `${at}  ${printer.style('yellow', 'held')}   ${text('review')}: waits for ${inLine(waitsFor(event), printer)}\n`
    case 'review-ended':
      return `${at}  ${printer.style('yellow', text('state'))} ${text('review')}${inLine(by(event['by']), printer)}${text('comment') === '' ? '' : `: ${text('comment')}`}\n`
    case 'terminal':
      return `${at}  ${printer.style('dim', `   #${text('id')} in a terminal of ${text('columns')}x${text('rows')} (${text('term')})`)}\n`
    case 'output':
    case 'input':
      return `${at}  ${printer.style('dim', `   #${text('id')} ${event.kind === 'input' ? 'typed' : text('stream')}:`)} ${passed(event, printer)}\n`
    case 'output-left-out':
      return `${at}  ${printer.style('dim', `   #${text('id')} ${text('sizeBytes')} bytes of ${text('stream')} are not recorded, SHA-256 ${text('sha256')}`)}\n`
    case 'transfer':
      return `${at}  ${printer.style('dim', `   #${text('id')} ${text('direction')} of ${text('path')}, ${text('sizeBytes')} bytes`)}${event['isWhole'] === true ? '' : ' (not whole)'}\n`
    case 'command-seen':
      return `${at}  ${printer.style('dim', `   #${text('id')} seen on the screen (no proof):`)} ${text('text')}\n`
    case 'target-user':
      return `${at}  on the target: ${text('user')}\n`
    case 'watch-asked':
      return `${at}  ${printer.style('yellow', 'waits')}  for ${inLine(watchersOf(event), printer)} to watch: ${text('text')}\n`
    case 'watcher':
      return `${at}  ${text('by')} ${text('state') === 'came' ? 'watches' : 'watches no more'}\n`
    case 'closed':
      return `${at}  closed: ${text('reason')}, ${text('operations')} operations, ${text('bytesDown')} bytes sent\n`
    default:
      return `${at}  ${event.kind}\n`
  }
}

function watchersOf({ watchers }: RecordedLine): string {
  return Array.isArray(watchers) ? watchersInWords(watchers as Watchers) : ''
}

/** On one line: how it looked, a terminal shows. */
function passed(event: RecordedLine, printer: Printer): string {
  const shown = printer.shown(bytesOf(event).toString().trimEnd())
  return shown.replaceAll('\n', '\n            ')
}

/** Older recordings say the groups alone. */
function waitsFor({ needs, reviewers }: RecordedLine): string {
  return Array.isArray(needs) ? needsInWords(needs as ReviewNeed[]) : list(reviewers)
}

function decision(event: RecordedLine, printer: Printer): string {
  const id = `#${String(event['id'])}`
  const effect = String(event['effect'])
  if (effect === 'deny') return printer.style('red', `${id} DENIED`)
  return effect === 'review'
    ? printer.style('yellow', `${id} REVIEWED`)
    : printer.style('green', `${id} allowed`)
}

function statement(event: RecordedLine, printer: Printer): string {
  const facts = (event['facts'] ?? []) as readonly ShownFacts[]
  const actions = [...new Set(facts.flatMap((one) => one.actions ?? []))].join(', ')
  const objects = [
    ...new Set(facts.flatMap((one) => one.objects ?? []).map(({ path }) => path.slice(1).join('.'))),
  ].join(', ')
  const reason =
    typeof event['reason'] === 'string' ? `\n            reason: ${inLine(event['reason'], printer)}` : ''
  const parameters = (event['parameters'] ?? []) as readonly unknown[]
  const values =
    parameters.length === 0
      ? ''
      : `\n            with ${inLine(parameters.map((value) => JSON.stringify(value)).join(', '), printer)}`
  const does = inLine(`${actions}${objects === '' ? '' : ` ${objects}`}`, printer)
  return `[${does}] ${printer.shown(String(event['text'])).trim().replace(/\n/g, '\n            ')}${values}${reason}`
}

function outcome(event: RecordedLine): string {
  const it = (event['outcome'] ?? {}) as Record<string, unknown>
  const ms = Number(event['durationMs'] ?? 0)
  const masked = Number(it['maskedValues'] ?? 0)
  const parts = [
    String(it['status']),
    `${String(it['rows'])} rows`,
    `${ms.toFixed(1)} ms`,
    ...(masked > 0 ? [`${masked} values masked in ${list(it['maskedColumns'])}`] : []),
    ...(typeof it['errorCode'] === 'string' ? [`SQLSTATE ${it['errorCode']}`] : []),
  ]
  return parts.join(', ')
}

/** What others named, on one line: it adds none, and steers no terminal. */
function inLine(value: string | number, printer: Printer): string {
  return printer.shown(String(value)).replaceAll('\n', '?')
}

function list(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : ''
}

function by(value: unknown): string {
  return Array.isArray(value) && value.length > 0 ? ` by ${value.join(', ')}` : ''
}

function clock(ms: number): string {
  const total = Math.max(0, ms)
  const minutes = Math.floor(total / 60_000)
  return `${String(minutes).padStart(2, '0')}:${((total % 60_000) / 1000).toFixed(3).padStart(6, '0')}`
}

/** Recordings of older versions are shown, too. */
function whoOpened({ principal, actor }: RecordedLine): string {
  const [person, acting] = [principal as Principal | undefined, actor as Actor | undefined]
  if (person === undefined) return '?'
  return acting === undefined ? person.name : whoInWords(person, actorsOf(acting))
}
