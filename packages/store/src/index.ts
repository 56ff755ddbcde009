export type { AuditReader, AuditWriter } from './audit.ts'
export { cameFrom } from './came-from.ts'
export type { StoreChange } from './changes.ts'
export { lockStore } from './dialects/sqlite.ts'
export type {
  AccessAnswer,
  AccessRequest,
  AccessRequestReader,
  AccessRequestWriter,
} from './repositories/access-requests.ts'
export type { AgentKeys, AgentReader, AgentRow, AgentWriter } from './repositories/agents.ts'
export type { CredentialReader, CredentialWriter } from './repositories/credentials.ts'
export type { Grant, GrantPlace, GrantReader, GrantWriter } from './repositories/grants.ts'
export type { DeclaredWorkload, IssuerReader, IssuerWriter } from './repositories/issuers.ts'
export type { JoinTokenReader, JoinTokenRow, JoinTokenWriter } from './repositories/join-tokens.ts'
export type { LeaseLedger, LeaseRow } from './repositories/leases.ts'
export type {
  PolicyReader,
  PolicySet,
  PolicyVersion,
  PolicyTextRow,
  PolicyWriter,
} from './repositories/policies.ts'
export type { DeclaredResource, ResourceReader, ResourceWriter } from './repositories/resources.ts'
export type { Review, ReviewAnswer, ReviewReader, ReviewWriter } from './repositories/reviews.ts'
export type {
  LastUse,
  RecordingState,
  SessionFilter,
  SessionReader,
  SessionRow,
} from './repositories/sessions.ts'
export type {
  ScimDirectoryReader,
  ScimDirectoryWriter,
  ScimGroupRow,
  ScimLookUp,
  ScimUserRow,
} from './repositories/scim-directory.ts'
export type { ScimTokenReader, ScimTokenRow, ScimTokenWriter } from './repositories/scim-tokens.ts'
export type { SealedTable, SealedValueWriter } from './repositories/sealed-values.ts'
export type { SettingReader, SettingWriter } from './repositories/settings.ts'
export type { SetupLink, SetupLinkReader, SetupLinkWriter } from './repositories/setup-links.ts'
export type { SshKeyReader, SshKeyRow } from './repositories/ssh-keys.ts'
export type { SignInReader, SignInRow, SignInWriter } from './repositories/sign-ins.ts'
export type { NewToken, TokenReader, TokenRow, TokenWriter } from './repositories/tokens.ts'
export type { Traffic } from './repositories/traffic.ts'
export type { ProviderUser, User, UserReader, UserWriter } from './repositories/users.ts'
export type {
  WebhookBacklog,
  WebhookDelivery,
  WebhookReader,
  WebhookWriter,
} from './repositories/webhooks.ts'
export { shortened } from './outbox.ts'
export { openStore, type Author, type Readers, type Sharing, type Store, type Writers } from './store.ts'
export type { OnCommit } from './subscribers.ts'
