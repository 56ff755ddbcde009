import type { AccessEvent } from '@sallyport/access'
import type { Change } from '@sallyport/api'
import { actorKey, type Fault, type Subject } from '@sallyport/core'
import type {
  LeaseProblem,
  RefusedKey,
  RefusedKind,
  RefusedToken,
  WrittenRefusals,
} from '@sallyport/identity'
import type { TunnelEvent } from '@sallyport/tunnel'
import type { Attempted } from '../webhooks/deliverer.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'

/**
 * What happens in the gateway: one function each, which feeds log and metrics together. Nothing else writes to either. What is refused
 * before anybody is known goes to the audit log from here, too.
 */
export class Events {
  readonly #log: Logger
  readonly #metrics: Metrics
  #refusals: WrittenRefusals | undefined

  constructor(log: Logger, metrics: Metrics) {
    this.#log = log
    this.#metrics = metrics
  }

  /** From the store's opening on. */
  auditInto(refusals: WrittenRefusals): void {
    this.#refusals = refusals
  }

  listening(listener: { readonly name: string; readonly host: string; readonly port: number }): void {
    this.#log.info(listener, 'listening')
  }

  draining(sessions: number, drainMs: number): void {
    this.#log.info({ sessions, drainMs }, 'stopping: no new sessions; those in progress may finish')
  }

  ended(): void {
    this.#log.info('ended')
  }

  /** Another process of the gateway serves. */
  processStarted(number: number, pid: number | undefined): void {
    this.#log.info({ number, pid }, 'a process of the gateway serves')
  }

  processDied(number: number, how: string): void {
    this.#metrics.faults.inc({ code: 'gateway/internal' })
    this.#log.error({ number, how }, 'a process of the gateway has died')
  }

  certificateRenewed(notAfterMs: number): void {
    this.#log.info({ notAfter: new Date(notAfterMs).toISOString() }, 'server certificate renewed')
  }

  connectionRefused(address: string, limit: string): void {
    this.#metrics.connectionsRefused.inc({ limit })
    this.#log.warn({ address, limit: `limits.${limit}` }, 'connection refused: a limit is reached')
  }

  /** A connection that ended with a fault which was already said to its client. */
  faulted(protocol: string, address: string, fault: Fault): void {
    this.#metrics.faults.inc({ code: fault.code })
    const isOurs = fault.code.startsWith('gateway/')
    this.#log[isOurs ? 'error' : 'info'](
      { protocol, address, code: fault.code, ...(isOurs ? { err: fault } : {}) },
      fault.shown,
    )
  }

  answered(it: {
    readonly route: string
    readonly status: number
    readonly durationMs: number
    readonly address: string
  }): void {
    this.#metrics.apiRequests.inc({ route: it.route, status: String(it.status) })
    this.#metrics.apiSeconds.observe(it.durationMs / 1000)
    if (it.route !== 'health') this.#log.debug({ ...it, durationMs: Math.round(it.durationMs) }, 'answered')
  }

  /** Something threw that should not: our bug, or a part of us that failed. */
  trouble(where: string, error: unknown): void {
    this.#metrics.faults.inc({ code: 'gateway/internal' })
    this.#log.error({ err: error, where }, 'failed')
  }

  signedIn(name: string, address: string): void {
    this.#metrics.signIns.inc({ result: 'good' })
    this.#log.info({ user: name, address }, 'signed in')
  }

  /** @param isWritten whether whoever refused has put it into the audit log */
  signInRefused(address: string, code: string, isWritten = false): void {
    if (!isWritten) this.#audit('log-in-failed', 'log-in', `a sign-in was refused: ${code}`, address)
    this.#metrics.signIns.inc({ result: code })
    this.#metrics.refusals.inc({ code })
    this.#log.warn({ address, why: code }, 'sign-in refused')
  }

  /** One of an issuer's. Who shows it is not told why. */
  tokenRefused({ issuer, why }: RefusedToken, address: string | undefined): void {
    this.#log.warn({ issuer, address, why }, 'token refused')
  }

  /** At the API. */
  tokenUnknown(address: string): void {
    this.#audit('log-in-failed', 'log-in', 'an access token was refused at the API', address)
  }

  /** One that nobody has registered, or a certificate that is not good. Who shows it is not told why. */
  keyRefused(refused: RefusedKey, address: string | undefined): void {
    this.#log.warn({ ...refused, address }, 'SSH key refused')
    const { kind, fingerprint, why } = refused
    this.#audit('key-refused', 'log-in', `SSH ${kind} ${fingerprint} was refused: ${why}`, address)
  }

  /** The identity provider could not be asked, or what came from it was not taken. */
  providerProblem(kind: 'unavailable' | 'refused', why: string, address?: string): void {
    this.#log[kind === 'unavailable' ? 'error' : 'warn']({ address, why }, `identity provider: ${kind}`)
    if (kind === 'refused')
      this.#audit('log-in-failed', 'sign-in', `a sign-in at a provider failed: ${why}`, address)
  }

  /** What says that somebody has left. Who sends it is not told why. */
  logoutRefused(why: string, address: string): void {
    this.#log.warn({ address, why }, 'logout token refused')
  }

  scimRefused(address: string): void {
    this.#log.warn({ address }, 'SCIM token refused')
  }

  applied(by: Subject, plan: readonly Change[], policyVersion: string): void {
    const changes = plan
      .filter(({ action }) => action !== 'unchanged')
      .map((it) => `${it.action} ${it.kind}/${it.name}`)
    this.#log.info({ by: by.principal.id, changes, policyVersion }, 'applied')
  }

  webhook({ result, ...rest }: Attempted): void {
    this.#metrics.webhookAttempts.inc({ webhook: rest.webhook, result })
    if (result === 'delivered') this.#log.debug(rest, 'webhook delivered')
    else if (result === 'failed') this.#log.warn(rest, 'webhook failed, and is tried again')
    else this.#log.error(rest, 'webhook failed for the last time: sallyport webhooks failures')
  }

  /** What was made for a session that is over could not be undone yet. */
  leaseProblem({ cause, ...rest }: LeaseProblem): void {
    this.#log.error(
      { ...rest, err: cause },
      "a session's credential could not be released, and is tried again",
    )
  }

  /** A role of an earlier session stands on a target, of which the store knows nothing, and could not be dropped. */
  roleLeft(resource: string, role: string, cause: unknown): void {
    this.#log.error({ resource, role, err: cause }, 'a role that was left on a target could not be dropped')
  }

  /** What happens in the control core. */
  access(event: AccessEvent): void {
    const { kind, ...rest } = event
    switch (event.kind) {
      case 'log-in-refused':
        this.#metrics.logIns.inc({ outcome: event.code })
        this.#metrics.refusals.inc({ code: event.code })
        this.#log.warn(rest, kind)
        this.#audit('log-in-failed', 'log-in', `a log-in was refused: ${event.code}`, event.clientAddress)
        return
      case 'session-opened': {
        this.#metrics.logIns.inc({ outcome: 'let-in' })
        this.#metrics.sessionsOpened.inc({ resource: event.resource })
        const { subject, kind: _, ...more } = event
        this.#log.info({ ...more, ...who(subject) }, kind)
        return
      }
      case 'session-ended':
        this.#metrics.sessionsEnded.inc({ reason: event.reason })
        this.#metrics.sessionSeconds.observe(event.durationMs / 1000)
        this.#log.info(rest, kind)
        return
      case 'operation-refused':
        this.#metrics.refusals.inc({ code: event.code })
        this.#log.info(rest, kind)
        return
      case 'review-asked':
        this.#metrics.reviewsWaiting.inc()
        this.#log.info(rest, kind)
        return
      case 'watch-asked':
        this.#log.info(rest, kind)
        return
      case 'review-ended':
        this.#metrics.reviewsWaiting.dec()
        this.#metrics.holdSeconds.observe({ state: event.state }, event.waitedMs / 1000)
        this.#log.info(rest, kind)
        return
      case 'access-asked': {
        this.#metrics.accessRequests.inc({ state: event.state })
        const { subject, kind: _, ...more } = event
        const isAlarm = event.state === 'unreviewed'
        this.#log[isAlarm ? 'warn' : 'info'](
          { ...more, ...who(subject) },
          isAlarm ? 'break-glass: let in without an approval' : kind,
        )
        return
      }
      case 'access-answered':
        this.#metrics.accessRequests.inc({ state: event.state })
        this.#log.info(rest, kind)
        return
      case 'grant-revoked':
        this.#log.info({ grant: event.grant, resource: event.resource, by: event.by.principal.id }, kind)
        return
      case 'trouble':
        this.#metrics.faults.inc({ code: event.code })
        this.#log.error(
          { session: event.session, code: event.code, err: event.cause },
          `could not ${event.doing}`,
        )
    }
  }

  /** The agents' side. */
  tunnel(event: TunnelEvent): void {
    const { kind, ...rest } = event
    switch (event.kind) {
      case 'agent-rtt':
      case 'stream-closed':
        this.#log.debug(rest, kind)
        return
      case 'stream-opened':
        this.#metrics.dials.inc({ outcome: 'connected' })
        this.#metrics.dialSeconds.observe(event.tookMs / 1000)
        this.#log.debug(rest, kind)
        return
      case 'dial-failed':
        this.#metrics.dials.inc({ outcome: event.code })
        this.#log.warn(rest, kind)
        return
      case 'agent-detached':
        this.#metrics.agentsDetached.inc({ why: event.why })
        this.#log.info(rest, kind)
        return
      case 'agent-enrolled':
      case 'certificate-renewed':
      case 'agent-attached':
      case 'agent-cut':
        this.#log.info(rest, kind)
        return
      case 'enrolment-refused':
      case 'agent-refused':
        this.#metrics.agentsRefused.inc({ why: event.why })
        this.#log.warn(rest, kind)
        this.#audit('enrolment-refused', 'agents', `an agent was refused: ${event.why}`, event.address)
        return
      case 'key-cloned':
        this.#metrics.agentsRefused.inc({ why: kind })
        this.#log.error(rest, kind)
        return
      case 'ticket-misused':
        this.#metrics.agentsRefused.inc({ why: `ticket-${event.why}` })
        this.#log.error(rest, kind)
        return
      case 'agent-failed':
      case 'directory-failed':
        this.trouble('agents', event.cause)
    }
  }

  /** @param what in words that quote nothing that was sent */
  #audit(kind: RefusedKind, why: string, what: string, address: string | undefined): void {
    this.#refusals
      ?.write(kind, why, what, { address })
      .catch((error: unknown) => this.trouble('audit', error))
  }
}

function who({ principal, actor }: Subject): { principal: string; actor?: string } {
  const acting = actorKey(actor)
  return acting === principal.id ? { principal: principal.id } : { principal: principal.id, actor: acting }
}
