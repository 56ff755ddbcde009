import type { AuditKind } from '@sallyport/core'
import type { StoreChange } from './changes.ts'

/** What an entry is about where nobody says it: by the first thing that it changes. Every table has its kind. */
export const kindOfChange: Readonly<Record<StoreChange['table'], AuditKind>> = {
  tokens: 'token',
  signIns: 'token',
  logoutTokens: 'logout',
  takenAnswers: 'log-in',
  sshKeys: 'key',
  users: 'user',
  setupLinks: 'user',
  scimUsers: 'scim',
  scimGroups: 'scim',
  scimMembers: 'scim',
  scimTokens: 'scim',
  joinTokens: 'enrolment',
  agents: 'agent',
  policySets: 'policy',
  resources: 'resource',
  credentials: 'credential',
  issuers: 'issuer',
  webhooks: 'webhook',
  webhookDeliveries: 'webhook',
  accessRequests: 'access-request',
  grants: 'grant',
  reviews: 'review',
  sessions: 'session',
  settings: 'setting',
}
