export { HeldIdentity, type AgentCredentials } from './agent/identity.ts'
export { retryDelayMs } from './agent/backoff.ts'
export { attach } from './agent/attach.ts'
export type { HeldCredentialRequest, LinkEvent, LinkOptions } from './agent/link.ts'
export type { Allow } from './agent/dial.ts'
export { enrol, EnrolmentFailure, renew, renewalAtMs } from './enrolment/client.ts'
export { formatJoinToken, newJoinSecret, parseJoinToken, type JoinToken } from './enrolment/join-token.ts'
export type { KeyState } from './enrolment/keys.ts'
export { newKey } from './enrolment/request.ts'
export type { AttachRefusal, DetachReason, EnrolmentRefusal, TicketMisuse, TunnelEvent } from './events.ts'
export { DialFailure } from './failure.ts'
export type { AttachedAgent } from './gateway/agents.ts'
export type { DialRequest } from './gateway/dialer.ts'
export { openAgentDoor, type AgentDoor, type AgentDoorOptions } from './gateway/door.ts'
export type { AgentAuthority, AgentDirectory, EnrolledAgent } from './gateway/directory.ts'
export type { Place } from './gateway/attachment.ts'
export type { PortCertificate } from './gateway/port.ts'
export {
  listenForAgents,
  type AgentServer,
  type AgentServerOptions,
  type CredentialRequest,
} from './gateway/server.ts'
export { defaultLimits, type TunnelLimits } from './limits.ts'
export { gatewayUri, isName } from './names.ts'
