export {
  AuditChain,
  auditGenesis,
  auditHash,
  auditKinds,
  type AuditEntry,
  type AuditKind,
  type AuditVerification,
} from './audit.ts'
export { syslogMessages } from './audit-syslog.ts'
export type { Audience } from './audience.ts'
export type { Branded } from './brand.ts'
export type { CacheUse } from './cache-use.ts'
export { systemClock, type Clock } from './clock.ts'
export type {
  ClientCertificate,
  CredentialRequest,
  FoundCredential,
  Lease,
  UpstreamCredential,
} from './credential.ts'
export type { CredentialSource, CredentialSourceFrom, LastingSource } from './credential-source.ts'
export type { EphemeralRole, EphemeralRoles, RolesFound } from './ephemeral-roles.ts'
export type { ConnectDecision, Decision, RequestTerms, ReviewTerms } from './decision.ts'
export { actorCalled, actorKey, actorsOf, isDelegated, maxActors, whoById, whoInWords } from './delegation.ts'
export { factsOf, type Facts, type FactsInput, type FactValue, type ObjectUse } from './facts.ts'
export { asFault, Fault, type FaultCode } from './fault.ts'
export { accessRequestTransitions, requestMayBecome, type AccessRequestState } from './grant.ts'
export {
  onOwnBehalf,
  principalId,
  type Actor,
  type Principal,
  type PrincipalId,
  type SignedIn,
  type Subject,
} from './identity.ts'
export {
  accessRequestId,
  grantId,
  reviewId,
  sessionId,
  timeOfId,
  timeOrderedId,
  webhookDeliveryId,
  type AccessRequestId,
  type GrantId,
  type OperationId,
  type ReviewId,
  type SessionId,
  type WebhookDeliveryId,
} from './ids.ts'
export type { ClaimCondition, Issuer, IssuerAlgorithm, IssuerRule } from './issuer.ts'
export type { Ground, Operation, Outcome, Parameter } from './operation.ts'
export { mintPermit, type Authorization, type Obligations, type Permit } from './permit.ts'
export type {
  ActionGroup,
  ActionSpec,
  CertificateForm,
  Connection,
  Endpoint,
  FactSpec,
  FactType,
  Hint,
  HintFile,
  HintRequest,
  OptionsParser,
  StreamProtocol,
} from './protocol.ts'
export type { RecordingEvent } from './recording.ts'
export { RecentCache } from './recent-cache.ts'
export { isRefusal, refusal, type Refusal, type RefusalCode } from './refusal.ts'
export type { Account, ColumnTag, Masking, Redactor, Resource } from './resource.ts'
export { maxNamedInRestriction, reaches, type Restriction } from './restriction.ts'
export { mayBecome, reviewTransitions, type BlastRadius, type ReviewState } from './review.ts'
export {
  approvalsIn,
  areAsked,
  areMet,
  groupsIn,
  needsAsWritten,
  needsInWords,
  openNeeds,
  type ReviewNeed,
} from './review-needs.ts'
export {
  bothTerms,
  eitherTerms,
  isSignedInAs,
  signInInWords,
  signInLapsesAt,
  type SignInTerms,
} from './sign-in-terms.ts'
export { Secret } from './secret.ts'
export { sourceAddress } from './source-address.ts'
export type { OwnTarget, SampleRequest, TagSuggestion, TagSuggestions } from './tag-suggestions.ts'
export type { Told, Webhook, WebhookEvent, WebhookNews, WebhookSecretSource } from './webhook.ts'
export type {
  AuthorizationServer,
  DeviceSignIn,
  Gate,
  Interrupts,
  LoginClaim,
  LoginCredential,
  OfferedKey,
  ProvenKey,
  Session,
  Tell,
} from './session.ts'
export type { Passage } from './passage.ts'
export { watchersInWords, type Watchers } from './watchers.ts'
