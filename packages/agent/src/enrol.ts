import { createHash, X509Certificate } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  enrol,
  EnrolmentFailure,
  newKey,
  parseJoinToken,
  renew,
  renewalAtMs,
  retryDelayMs,
  type AgentCredentials,
  type HeldIdentity,
  type JoinToken,
} from '@sallyport/tunnel'
import type { Logger } from 'pino'
import { AgentCannotStart } from './cannot-start.ts'
import { readSecret } from './credentials.ts'
import type { AgentConfig } from './schema.ts'
import type { AgentState } from './state.ts'

export interface EnrolParts {
  readonly config: AgentConfig
  readonly state: AgentState
  readonly log: Logger
  readonly now: () => number
  /** 0 to 1. */
  readonly random: () => number
}

/**
 * The agent's certificate: the one it keeps, or one for the join token. A gateway that cannot be reached is asked again until
 * `signal` aborts.
 * @throws AgentCannotStart where there is neither, or the gateway refuses the token
 */
export async function obtainIdentity(parts: EnrolParts, signal: AbortSignal): Promise<AgentCredentials> {
  const { config, state, log, now } = parts
  const kept = await state.identity()
  const end = kept === undefined ? undefined : new X509Certificate(kept.certificate).validToDate
  const isGood = end !== undefined && end.getTime() > now()
  const token = await joinToken(config, isGood)
  // A token of another authority is for another gateway: what was kept is of no use there.
  if (kept !== undefined && isGood && (token === undefined || isOf(kept.authority, token))) return kept
  if (token === undefined) {
    const why =
      end === undefined
        ? 'it has no certificate yet'
        : `its certificate ended at ${end.toISOString()}, and it is ${new Date(now()).toISOString()} here`
    throw new AgentCannotStart(
      'join',
      `this agent needs a join token: ${why}. Give one with --token or --token-file`,
    )
  }
  const privateKey = await state.nextKey(kept, newKey)
  const beganMs = performance.now()
  for (let tries = 0; ; tries++) {
    const gateway = config.gateways[tries % config.gateways.length] ?? ''
    try {
      const credentials = await enrol({ gateway, token, name: config.name, privateKey })
      await state.keep(credentials)
      log.info({ gateway, name: config.name }, 'enrolled')
      return credentials
    } catch (thrown) {
      if (!(thrown instanceof EnrolmentFailure)) throw thrown
      if (thrown.kind !== 'unreachable') throw new AgentCannotStart('join', thrown.message, { cause: thrown })
      const retryInMs = Math.round(retryDelayMs(performance.now() - beganMs, parts.random))
      log.warn({ gateway, retryInMs }, thrown.message)
      await sleep(retryInMs, undefined, { signal })
    }
  }
}

/** Replaces the certificate at half of its life, again and again, until `signal` aborts. */
export async function keepRenewed(parts: EnrolParts, held: HeldIdentity, signal: AbortSignal): Promise<void> {
  const { config, state, log, now, random } = parts
  let atMs = renewalAtMs(held.current.certificate, random)
  let dueMs = performance.now()
  for (let tries = 0; await reached(atMs, now, signal); tries++) {
    if (tries === 0) dueMs = performance.now()
    const gateway = config.gateways[tries % config.gateways.length] ?? ''
    try {
      const privateKey = await state.nextKey(held.current, newKey)
      const credentials = await renew({ gateway, credentials: held.current, privateKey })
      await state.keep(credentials)
      held.replace(credentials)
      log.info({ gateway }, 'certificate renewed')
      // Where this machine's clock is far off, half of the life may be over at once: that must not become a storm.
      atMs = Math.max(renewalAtMs(credentials.certificate, random), now() + betweenMs)
      tries = -1
    } catch (thrown) {
      // Refused or unreachable: until its end the certificate is good, and somebody may mend what is wrong.
      const retryInMs = Math.round(retryDelayMs(performance.now() - dueMs, random) * renewalPatience)
      const isNo = thrown instanceof EnrolmentFailure && thrown.kind !== 'unreachable'
      log[isNo ? 'error' : 'warn']({ gateway, retryInMs, err: thrown }, 'the certificate was not renewed')
      atMs = now() + retryInMs
    }
  }
}

/** True at that time; false once `signal` aborts. Looks at the clock now and then: a machine may sleep. */
async function reached(atMs: number, now: () => number, signal: AbortSignal): Promise<boolean> {
  try {
    for (let left = atMs - now(); left > 0; left = atMs - now())
      await sleep(Math.min(left, clockMs), undefined, { signal, ref: false })
    return !signal.aborted
  } catch {
    return false
  }
}

async function joinToken(config: AgentConfig, isEnrolled: boolean): Promise<JoinToken | undefined> {
  if (config.token !== undefined || config.tokenFile === undefined) return config.token
  try {
    const text = await readSecret({ from: 'file', path: config.tokenFile }, {})
    const token = parseJoinToken(text.reveal())
    if (token === undefined) throw new Error(`${config.tokenFile} holds no whole join token`)
    return token
  } catch (thrown) {
    // The file of a token that was used is often gone.
    if (isEnrolled) return undefined
    throw new AgentCannotStart('join', thrown instanceof Error ? thrown.message : 'the token cannot be read')
  }
}

function isOf(authority: string, token: JoinToken): boolean {
  const { raw } = new X509Certificate(authority)
  return createHash('sha256').update(raw).digest('base64url') === token.authorityFingerprint
}

const clockMs = 60_000
const betweenMs = 60_000
/** A renewal has half a day: it is asked for ten times less eagerly than a link. */
const renewalPatience = 10
