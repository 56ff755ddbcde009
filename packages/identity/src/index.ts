export { invalidCredential, type Authenticated, type Authenticator } from './authenticator.ts'
export { Authenticators } from './authenticators.ts'
export { ClientAuthorities, type ClientAuthorityView } from './authority/clients.ts'
export {
  CertificateAuthority,
  createAuthority,
  loadAuthority,
  type AgentCertificate,
  type AuthorityParts,
  type ServerCertificate,
} from './authority/x509.ts'
export { Federation, type RefusedToken, type Taken } from './federation/federation.ts'
export { looksLikeJwt } from './federation/jwt.ts'
export { authorityView, TargetAuthority, type SshAuthorityView } from './authority/ssh.ts'
export { defaultDelegationMs, Delegations, type Delegation } from './delegations.ts'
export { DeviceSignIns, type Approver, type AskingDevice, type BegunDevice } from './device-sign-ins.ts'
export { LoopbackSignIns } from './loopback-sign-ins.ts'
export { Discoveries } from './oauth/discoveries.ts'
export { DeviceGrants, type BegunDeviceGrant, type DeviceGrantError } from './oauth/device-grants.ts'
export { ProviderExamination, type Finding, type Look } from './oidc/examination.ts'
export { BackChannel } from './oidc/back-channel.ts'
export { TokenExchange, type Exchange, type Exchanged } from './oauth/token-exchange.ts'
export { ProviderChecks } from './oidc/provider-checks.ts'
export { Provider, type ProviderSettings } from './oidc/provider.ts'
export { ProviderSignIn } from './provider-sign-in.ts'
export type { AskAgent } from './credentials/agent.ts'
export { Credentials, type CredentialParts } from './credentials/credentials.ts'
export { secretFrom, type KeptParts, type KeptSource } from './credentials/kept.ts'
export {
  LeaseLost,
  type CredentialKind,
  type CredentialKinds,
  type Json,
  type LeaseTerms,
  type Undertake,
} from './credentials/kind.ts'
export { credentialKinds, type Certifier, type KindParts } from './credentials/kinds.ts'
export type { LeaseProblem } from './credentials/leases.ts'
export type { AwsSettings } from './credentials/aws/aws-store.ts'
export { CredentialStores, type StoreToCheck } from './credentials/stores/credential-stores.ts'
export { StoreProblem } from './credentials/stores/store-problem.ts'
export type { VaultSettings } from './credentials/vault/settings.ts'
export { contextOf } from './credentials/sealed.ts'
export { masterKeyFromFile, parseMasterKey } from './master-key.ts'
export { mintOpaque, opaqueHash, type RandomBytes, type TokenKind } from './opaque-token.ts'
export { Passwords, type PasswordCost } from './passwords.ts'
export { currentPrincipal, principalOf } from './principals.ts'
export { standingToken } from './standing.ts'
export { SealedBox, SealError } from './sealed-box.ts'
export { SetupLinks, type SetupCode } from './setup-links.ts'
export { SignIn } from './sign-in.ts'
export type { SignInProblem } from './sign-in-provider.ts'
export { KeyLogIns, type RefusedKey } from './ssh/key-log-ins.ts'
export { hasJustSignedIn, keyNamespace, KeyProofs } from './ssh/key-proofs.ts'
export { RegisteredKeys } from './ssh/registered-keys.ts'
export { UserCertificates } from './ssh/user-certificates.ts'
export type { OnStanding } from './standing.ts'
export { Throttle } from './throttle.ts'
export { defaultTokenMs, maxTokenMs, Tokens, type MintedToken, type TokenRequest } from './tokens.ts'
export { administrators, disableUser, isUserName, setPasswordHash } from './users.ts'
export { maxCount, resourceTypes, schemas, serviceProviderConfig } from './scim/described.ts'
export type { Json as ScimJson } from './scim/evaluate.ts'
export type { Listed, ListQuery } from './scim/listing.ts'
export { ScimProblem } from './scim/problem.ts'
export { groupType, userType, type ResourceType } from './scim/schema.ts'
export { ScimGroups } from './scim/scim-groups.ts'
export { isLiving, maxScimTokenMs, ScimTokens } from './scim/scim-tokens.ts'
export { ScimUsers } from './scim/scim-users.ts'
export { asksForMembers, selected, type Selection } from './scim/selection.ts'
export type { ScimSettings } from './scim/settings.ts'
export { takeSettings } from './scim/standing-of-people.ts'
