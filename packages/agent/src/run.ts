import { randomBytes } from 'node:crypto'
import { attach, HeldIdentity, type LinkEvent } from '@sallyport/tunnel'
import { pino, type Logger } from 'pino'
import description from '../package.json' with { type: 'json' }
import { allowlist } from './allowlist.ts'
import { heldCredential } from './credentials.ts'
import { keepRenewed, obtainIdentity } from './enrol.ts'
import type { AgentConfig } from './schema.ts'
import { AgentState } from './state.ts'

export interface AgentSurroundings {
  /** Where the log goes: JSON lines. */
  readonly output: NodeJS.WritableStream
  /** For credentials by reference. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Ends the time to drain early. */
  readonly hurry?: AbortSignal
}

/**
 * Runs an agent: enrols it where it is not, attaches it to each gateway, and keeps its certificate fresh. When `signal` aborts, its
 * connections may go on for `drainMs`.
 * @throws AgentCannotStart
 */
export async function runAgent(
  config: AgentConfig,
  signal: AbortSignal,
  { output, environment, hurry }: AgentSurroundings,
): Promise<void> {
  const log = openLog(config.log.level, output)
  const state = await AgentState.open(config.stateDirectory)
  const enrolment = { config, state, log, now: Date.now, random: Math.random }
  const credentials = await obtainIdentity(enrolment, signal).catch((thrown: unknown) => {
    if (signal.aborted) return undefined
    throw thrown
  })
  if (credentials === undefined) return
  const identity = new HeldIdentity(credentials)
  const allow = allowlist(config.allow)
  const credential = async (asked: { readonly name: string; readonly resource: string }) => {
    try {
      return await heldCredential(config.credentials, asked, environment)
    } catch (err) {
      log.error({ err, credential: asked.name, resource: asked.resource }, 'a credential cannot be read')
      return undefined
    }
  }
  const instance = randomBytes(16)
  const { drainMs } = config
  const links = config.gateways.map((gateway) => {
    const onEvent = logged(log.child({ gateway }))
    const { version } = description
    const link = { gateway, identity, instance, version, allow, credential, drainMs, onEvent }
    return attach(hurry === undefined ? link : { ...link, hurry }, signal)
  })
  await Promise.all([...links, keepRenewed(enrolment, identity, signal)])
}

function openLog(level: AgentConfig['log']['level'], output: NodeJS.WritableStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    output,
  )
}

function logged(log: Logger): (event: LinkEvent) => void {
  return ({ kind, ...about }) => {
    const level = levels[kind]
    if ('cause' in about) {
      const { cause, ...rest } = about
      log[level]({ ...rest, err: cause }, kind)
    } else if (kind === 'detached' && 'why' in about && about.why === 'refused') log.error(about, kind)
    else log[level](about, kind)
  }
}

const levels: Readonly<Record<LinkEvent['kind'], 'debug' | 'info' | 'warn'>> = {
  attached: 'info',
  detached: 'warn',
  'gateway-draining': 'info',
  dialled: 'debug',
  'dial-failed': 'warn',
  'credential-released': 'info',
  'credential-refused': 'warn',
}
