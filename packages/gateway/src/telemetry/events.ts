import type { AccessEvent } from '@sallyport/access'
import type { Change } from '@sallyport/api'
import type { Fault, Subject } from '@sallyport/core'
import type { TunnelEvent } from '@sallyport/tunnel'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'

/** What happens in the gateway: one function each, which feeds log and metrics together. Nothing else writes to either. */
export class Events {
  readonly #log: Logger
  readonly #metrics: Metrics

  constructor(log: Logger, metrics: Metrics) {
    this.#log = log
    this.#metrics = metrics
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

  signInRefused(address: string, code: string): void {
    this.#metrics.signIns.inc({ result: code })
    this.#metrics.refusals.inc({ code })
    this.#log.warn({ address, why: code }, 'sign-in refused')
  }

  applied(by: Subject, plan: readonly Change[], policyVersion: string): void {
    const changes = plan
      .filter(({ action }) => action !== 'unchanged')
      .map((it) => `${it.action} ${it.kind}/${it.name}`)
    this.#log.info({ by: by.principal.id, changes, policyVersion }, 'applied')
  }

  /** What happens in the control core. */
  access(event: AccessEvent): void {
    const { kind, ...rest } = event
    switch (event.kind) {
      case 'log-in-refused':
        this.#metrics.refusals.inc({ code: event.code })
        this.#log.warn(rest, kind)
        return
      case 'session-opened': {
        const { subject, kind: _, ...more } = event
        this.#log.info({ ...more, ...who(subject) }, kind)
        return
      }
      case 'session-ended':
        this.#metrics.sessions.inc({ reason: event.reason })
        this.#metrics.bytes.inc({ direction: 'up' }, event.bytesUp)
        this.#metrics.bytes.inc({ direction: 'down' }, event.bytesDown)
        this.#log.info(rest, kind)
        return
      case 'operation-refused':
        this.#metrics.refusals.inc({ code: event.code })
        this.#log.info(rest, kind)
        return
      case 'review-asked':
        this.#log.info(rest, kind)
        return
      case 'review-ended':
        this.#metrics.holdSeconds.observe({ state: event.state }, event.waitedMs / 1000)
        this.#log.info(rest, kind)
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
    switch (kind) {
      case 'agent-rtt':
      case 'stream-opened':
      case 'stream-closed':
        this.#log.debug(rest, kind)
        return
      case 'agent-enrolled':
      case 'certificate-renewed':
      case 'agent-attached':
      case 'agent-detached':
      case 'agent-cut':
        this.#log.info(rest, kind)
        return
      case 'enrolment-refused':
      case 'agent-refused':
      case 'dial-failed':
        this.#log.warn(rest, kind)
        return
      case 'key-cloned':
      case 'ticket-misused':
        this.#log.error(rest, kind)
        return
      case 'directory-failed':
        this.trouble('agents', event.cause)
    }
  }
}

function who({ principal, actor }: Subject): { principal: string; actor?: string } {
  return actor.id === principal.id
    ? { principal: principal.id }
    : { principal: principal.id, actor: actor.id }
}
