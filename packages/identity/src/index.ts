export { invalidCredential, type Authenticated, type Authenticator } from './authenticator.ts'
export {
  CertificateAuthority,
  createAuthority,
  loadAuthority,
  type AgentCertificate,
  type AuthorityParts,
  type ServerCertificate,
} from './authority/x509.ts'
export type { AskAgent } from './credentials/agent.ts'
export { Credentials, type CredentialParts } from './credentials/credentials.ts'
export { contextOf } from './credentials/sealed.ts'
export { masterKeyFromFile, parseMasterKey } from './master-key.ts'
export { mintOpaque, opaqueHash, type RandomBytes, type TokenKind } from './opaque-token.ts'
export { Passwords, type PasswordCost } from './passwords.ts'
export { SealedBox, SealError } from './sealed-box.ts'
export { SetupLinks, type SetUp } from './setup-links.ts'
export type { OnStanding } from './standing.ts'
export { Throttle } from './throttle.ts'
export { defaultTokenMs, maxTokenMs, Tokens, type IssuedToken } from './tokens.ts'
export { administrators, disableUser, isUserName, Users } from './users.ts'
