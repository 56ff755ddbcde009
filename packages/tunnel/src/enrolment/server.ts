import { randomUUID } from 'node:crypto'
import { status, type sendUnaryData } from '@grpc/grpc-js'
import { Secret } from '@sallyport/core'
import type { Certificate, Enrolment, Implementation } from '@sallyport/proto'
import type { EnrolmentRefusal, TunnelEvent } from '../events.ts'
import type { AgentAuthority, AgentDirectory, EnrolledAgent } from '../gateway/directory.ts'
import type { Caller } from '../gateway/port.ts'
import { agentUri, isName } from '../names.ts'
import { judgeRenewal } from './keys.ts'

export interface EnrolmentParts {
  readonly authority: AgentAuthority
  readonly directory: AgentDirectory
  /** How many may be under way at once. */
  readonly atOnce: number
  readonly now: () => number
  readonly onEvent: (event: TunnelEvent) => void
  /** Revokes an agent whose key was copied, and ends what it has. */
  readonly onCloned: (agent: EnrolledAgent, address: string) => Promise<void>
}

type Answer = Pick<Certificate, 'certificate' | 'authority'> | EnrolmentRefusal

/** The gateway's end of enrolment and renewal. */
export function enrolmentService(
  parts: EnrolmentParts,
  callerOf: (metadata: Parameters<Implementation<typeof Enrolment>['enroll']>[0]['metadata']) => Caller,
): Implementation<typeof Enrolment> {
  let underWay = 0
  const answer = (
    caller: Caller,
    reply: sendUnaryData<Answer & object>,
    work: () => Promise<Answer>,
  ): void => {
    const refuse = (why: EnrolmentRefusal): void => {
      parts.onEvent({ kind: 'enrolment-refused', why, address: caller.address })
      reply({ code: refusals[why], details: details[why] })
    }
    if (underWay >= parts.atOnce) return refuse('too-many')
    underWay++
    work()
      .then((judged) => (typeof judged === 'string' ? refuse(judged) : reply(null, judged)))
      .catch((cause: unknown) => {
        parts.onEvent({ kind: 'directory-failed', cause })
        reply({ code: status.UNAVAILABLE, details: 'try again' })
      })
      .finally(() => underWay--)
  }
  return {
    enroll: (call, reply) => {
      const caller = callerOf(call.metadata)
      const { token, certificateRequest, name } = call.request
      answer(caller, reply, () =>
        enrol(parts, caller, { token: new Secret(token), certificateRequest, name }),
      )
    },
    renew: (call, reply) => {
      const caller = callerOf(call.metadata)
      answer(caller, reply, () => renew(parts, caller, call.request.certificateRequest))
    },
  }
}

async function enrol(
  { authority, directory, onEvent }: EnrolmentParts,
  { address }: Caller,
  request: { readonly token: Secret; readonly certificateRequest: Uint8Array; readonly name: string },
): Promise<Answer> {
  if (!isName(request.name)) return 'bad-name'
  const joined = await directory.useJoinToken(request.token)
  if (joined === undefined) return 'bad-token'
  const { pool } = joined
  const id = randomUUID()
  const issued = await authority.issueAgentCertificate({ ...request, uri: agentUri(pool, id) })
  if (issued === undefined) return 'bad-request'
  const keys = { generation: 1, current: issued.keyFingerprint }
  await directory.recordEnrolment({ id, pool, name: request.name, keys, isRevoked: false }, issued.notAfterMs)
  onEvent({ kind: 'agent-enrolled', agent: id, pool, name: request.name, address })
  return { certificate: issued.certificate, authority: authority.certificate }
}

async function renew(
  { authority, directory, now, onEvent, onCloned }: EnrolmentParts,
  { identity, address }: Caller,
  certificateRequest: Uint8Array,
): Promise<Answer> {
  if (identity === undefined || now() > identity.notAfterMs) return 'unknown-agent'
  const { id, pool } = identity
  const agent = await directory.find(id)
  if (agent === undefined || agent.pool !== pool) return 'unknown-agent'
  if (agent.isRevoked) return 'revoked'
  const issued = await authority.issueAgentCertificate({ certificateRequest, uri: agentUri(pool, id) })
  if (issued === undefined || issued.keyFingerprint === identity.keyFingerprint) return 'bad-request'
  const verdict = judgeRenewal(agent.keys, identity.keyFingerprint, issued.keyFingerprint)
  if (verdict.kind === 'cloned') {
    await onCloned(agent, address)
    return 'revoked'
  }
  // Two renewals at the same moment: the one that lost is judged anew when it asks again.
  const { notAfterMs } = issued
  if (verdict.kind === 'advance' && !(await directory.advanceKeys(id, agent.keys, verdict.to, notAfterMs)))
    return 'too-many'
  onEvent({ kind: 'certificate-renewed', agent: id, pool, generation: agent.keys.generation + 1 })
  return { certificate: issued.certificate, authority: authority.certificate }
}

const refusals: Readonly<Record<EnrolmentRefusal, status>> = {
  'bad-token': status.UNAUTHENTICATED,
  'bad-request': status.INVALID_ARGUMENT,
  'bad-name': status.INVALID_ARGUMENT,
  'too-many': status.RESOURCE_EXHAUSTED,
  'unknown-agent': status.UNAUTHENTICATED,
  revoked: status.PERMISSION_DENIED,
}

const details: Readonly<Record<EnrolmentRefusal, string>> = {
  'bad-token': 'the join token is unknown, used up or expired',
  'bad-request': 'the certificate request is malformed, unproven, or not for a new P-256 key',
  'bad-name': 'an agent name has letters, digits, dots, dashes and underscores, at most 63',
  'too-many': 'too many requests at once: try again',
  'unknown-agent': 'a valid certificate of an enrolled agent is needed',
  revoked: 'this agent is revoked',
}
