export type { AccessLine } from './access.ts'
export { ApiError, type ClientCode } from './api-error.ts'
export type { Change, Plan } from './apply.ts'
export { createClient, type CallOptions, type Client, type ClientOptions } from './client.ts'
export {
  CredentialDocument,
  Document,
  IssuerDocument,
  PolicyDocument,
  ResourceDocument,
  UserDocument,
  WebhookDocument,
  type DocumentInput,
  type DocumentKind,
} from './documents.ts'
export { maxTokenSeconds, Name, Password, UserName } from './fields.ts'
export type { TestedToken } from './federation.ts'
export type { DoctorCheck } from './gateway.ts'
export { tagsOf, type ColumnDeclaration, type RedactorDeclaration } from './masking.ts'
export { openApiDocument } from './openapi.ts'
export { Problem, problemMediaType, problemStatus, type ProblemCode } from './problem.ts'
export type { Finding, SimulatedChange, SimulationLine } from './policies.ts'
export type { AccessRequest, Grant } from './requests.ts'
export {
  caFilePlaceholder,
  filePlaceholder,
  fillHint,
  tokenPlaceholder,
  type ConnectHint,
  type ResourceView,
} from './resources.ts'
export type { Review } from './reviews.ts'
export {
  apiPrefix,
  type Answer,
  type CallInput,
  type CallOutput,
  type Route,
  type RouteAuth,
  type RouteInput,
  type RouteOutput,
} from './route.ts'
export type { FoundSession, RecordedLine, SessionView } from './sessions.ts'
export { allRoutes, routeTable, type NamedRoute, type RouteTable } from './table.ts'
export type { Webhook, WebhookFailure } from './webhooks.ts'
export { certificateByFingerprint, fingerprintOf } from './trust.ts'
