import { Fault } from '@sallyport/core'
import { encodingName } from '../encoding/encodings.ts'

/** Start-up parameters that reach the target. Everything else is dropped, or refused where dropping it would change meaning. */
const passed: ReadonlySet<string> = new Set([
  'application_name',
  'datestyle',
  'timezone',
  'intervalstyle',
  'extra_float_digits',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'geqo',
  'bytea_output',
  'default_transaction_read_only',
  'default_transaction_isolation',
  'client_min_messages',
])

/** Ours, and not the target's. Any libpq can set it: by `options=-csallyport.auth=oauth`, or PGOPTIONS. */
const authSetting = 'sallyport.auth'

export interface StartupRequest {
  readonly user: string
  readonly database: string
  /** For the target, beside user and database. */
  readonly parameters: Readonly<Record<string, string>>
  readonly application?: string
  /** How the client says who it is: `password` unless it asks otherwise, since clients cannot do without being asked for one or the other. */
  readonly auth: 'password' | 'oauth'
  /** `_pq_.` options that we do not know, for NegotiateProtocolVersion. */
  readonly unknownOptions: readonly string[]
}

/**
 * What a client's start-up asks for, filtered: the target's start-up is built from scratch out of it.
 * @throws Fault client/unsupported for replication, an encoding that is not offered, or an option that may not be set here
 */
export function readStartup(sent: ReadonlyMap<string, string>): StartupRequest {
  const user = sent.get('user') ?? ''
  if (user === '')
    throw new Fault('client/malformed', "the start-up names no user; use the resource's name as the user")
  const parameters: Record<string, string> = { client_encoding: 'UTF8' }
  const unknownOptions: string[] = []
  for (const [name, value] of sent) {
    const folded = name.toLowerCase()
    if (folded === 'user' || folded === 'database') continue
    if (folded.startsWith('_pq_.')) unknownOptions.push(name)
    else if (folded === 'replication') refuseReplication(value)
    else if (folded === 'options') Object.assign(parameters, readOptions(value))
    else Object.assign(parameters, setting(name, value))
  }
  const { [authSetting]: auth = 'password', ...forTarget } = parameters
  if (auth !== 'password' && auth !== 'oauth')
    throw new Fault('client/unsupported', `${authSetting} is password or oauth`)
  const application = sent.get('application_name')
  return {
    user,
    database: sent.get('database') ?? user,
    parameters: forTarget,
    unknownOptions,
    auth,
    ...(application === undefined ? {} : { application }),
  }
}

function setting(name: string, value: string): Record<string, string> {
  const folded = name.toLowerCase()
  if (folded === 'client_encoding') {
    // libpq replaces `auto` by what it stands for; where a client does not, it is ours to choose.
    const name = value === 'auto' ? 'UTF8' : encodingName(value)
    if (name === undefined)
      throw new Fault(
        'client/unsupported',
        `the client encoding "${printable(value)}" is not offered: what the server reads in it cannot be told with certainty; use UTF8`,
      )
    return { client_encoding: name }
  }
  if (
    folded === authSetting ||
    passed.has(folded) ||
    (folded === 'standard_conforming_strings' && /^on$/i.test(value))
  )
    return { [folded]: value }
  throw new Fault(
    'client/unsupported',
    `the start-up parameter "${printable(name)}" may not be set through the gateway`,
  )
}

/**
 * `options=-c name=value --name=value`, with libpq's backslash escapes.
 * @see PostgreSQL source, pg_split_opts
 */
function readOptions(text: string): Record<string, string> {
  const words = (text.match(/(?:\\.|[^\s\\])+/gs) ?? []).map((word) => word.replace(/\\(.)/gs, '$1'))
  const found: Record<string, string> = {}
  while (words.length > 0) {
    const word = words.shift()!
    const assignment =
      word === '-c'
        ? words.shift()
        : word.startsWith('-c')
          ? word.slice(2)
          : word.startsWith('--')
            ? word.slice(2)
            : undefined
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(assignment ?? '') ?? []
    if (name === undefined || value === undefined) {
      throw new Fault(
        'client/unsupported',
        `the start-up option "${printable(word)}" may not be set through the gateway`,
      )
    }
    Object.assign(found, setting(name.replaceAll('-', '_'), value))
  }
  return found
}

function refuseReplication(value: string): void {
  if (/^(false|off|no|0|f|n)$/i.test(value)) return
  throw new Fault('client/unsupported', 'replication connections are not offered through the gateway')
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 63)
}
