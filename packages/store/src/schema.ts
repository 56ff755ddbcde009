/**
 * The tables, as rows. Times are milliseconds since 1970; JSON is text; flags are times or null. Plain types only, so that
 * SQLite and PostgreSQL hold the same.
 */
export interface Tables {
  readonly resources: { name: string; version: number; document: string; updatedAt: number }
  readonly policySets: { version: number; texts: string; author: string; at: number; note: string }
  readonly users: {
    name: string
    displayName: string
    groups: string
    passwordHash: string | null
    disabledAt: number | null
    createdAt: number
    issuer: string | null
    subject: string | null
    claimedAt: number | null
    disabledBy: string | null
    groupsBy: string | null
    vouchedUntil: number | null
  }
  readonly scimTokens: {
    id: string
    hash: string
    label: string
    createdAt: number
    createdBy: string
    expiresAt: number
    revokedAt: number | null
    lastUsedAt: number | null
    lastUsedFrom: string | null
  }
  readonly scimUsers: {
    id: string
    userName: string
    externalId: string | null
    user: string
    attributes: string
    createdAt: number
    updatedAt: number
  }
  readonly scimGroups: {
    id: string
    displayName: string
    externalId: string | null
    attributes: string
    createdAt: number
    updatedAt: number
  }
  readonly scimMembers: { group: string; member: string }
  readonly issuers: { name: string; document: string; updatedAt: number }
  readonly setupLinks: { hash: string; userName: string | null; expiresAt: number }
  readonly tokens: {
    id: string
    hash: string
    principalId: string
    actor: string | null
    label: string
    createdAt: number
    expiresAt: number
    revokedAt: number | null
    lastUsedAt: number | null
    issuer: string | null
    sshKey: string | null
    signIn: string | null
    parent: string | null
    actorToken: string | null
    scope: string | null
    party: string | null
    mayAct: string | null
  }
  readonly sshKeys: {
    id: string
    fingerprint: string
    publicKey: string
    principalId: string
    label: string
    createdAt: number
    expiresAt: number
    lastUsedAt: number | null
  }
  readonly signIns: {
    id: string
    userName: string
    issuer: string | null
    sid: string | null
    refresh: Uint8Array | null
    acr: string
    amr: string
    signedInAt: number | null
  }
  /** Logout tokens that were taken, so that none is taken twice. */
  readonly takenAnswers: { hash: string; expiresAt: number }
  readonly logoutTokens: { hash: string; expiresAt: number }
  readonly agents: {
    id: string
    pool: string
    name: string
    generation: number
    currentKey: string
    nextKey: string | null
    certificateExpiresAt: number
    version: string | null
    enrolledAt: number
    lastSeenAt: number | null
    revokedAt: number | null
  }
  readonly joinTokens: {
    id: string
    hash: string
    pool: string
    labels: string
    usesLeft: number
    createdAt: number
    createdBy: string
    expiresAt: number
    revokedAt: number | null
  }
  readonly sessions: {
    id: string
    principal: string
    principalId: string
    actor: string
    resource: string
    protocol: string
    account: string
    clientAddress: string
    policyVersion: string
    process: number
    startedAt: number
    endedAt: number | null
    reason: string | null
    operations: number
    bytesUp: number
    bytesDown: number
    recording: string
    grantId: string | null
    token: string | null
  }
  readonly reviews: {
    id: string
    session: string
    digest: string
    requester: string
    requesterId: string
    actor: string
    resource: string
    account: string
    text: string
    parameters: string
    reason: string | null
    policies: string
    needs: string
    askedAt: number
    expiresAt: number
    state: string
    blastRadius: string | null
  }
  /** The state machine of reviews, so that the database refuses what no gateway may do. */
  readonly reviewMoves: { was: string; becomes: string }
  readonly answers: {
    review: string
    byId: string
    byName: string
    verdict: string
    comment: string | null
    at: number
  }
  readonly accessRequests: {
    id: string
    requester: string
    requesterId: string
    actor: string
    actorId: string
    resource: string
    account: string
    durationMs: number
    reason: string
    ticket: string | null
    askedFrom: string
    policies: string
    policyReason: string | null
    needs: string
    askedAt: number
    expiresAt: number
    state: string
  }
  /** The state machine of requests for access. */
  readonly accessRequestMoves: { was: string; becomes: string }
  readonly accessAnswers: {
    request: string
    byId: string
    byName: string
    verdict: string
    comment: string | null
    answeredFrom: string
    at: number
  }
  readonly grants: {
    id: string
    request: string
    principal: string
    principalId: string
    actor: string
    actorId: string
    resource: string
    account: string
    approvers: string
    reviewers: string
    startsAt: number
    endsAt: number
    revokedAt: number | null
    revokedBy: string | null
    revokedWhy: string | null
  }
  readonly webhooks: { name: string; document: string; updatedAt: number }
  /** What webhooks have not been told yet, or could not be. */
  readonly webhookDeliveries: {
    id: string
    webhook: string
    event: string
    subject: string
    news: string
    at: number
    dueAt: number
    attempts: number
    state: string
    problem: string | null
    triedAt: number | null
  }
  readonly credentials: { name: string; sealed: Uint8Array; updatedAt: number }
  readonly settings: { key: string; value: Uint8Array }
  /** `dueAt` is when it is to be undone, null while it is in use; `endsAt` when it is over by itself, where that is. */
  readonly leases: {
    id: string
    source: string
    session: string
    resource: string
    account: string
    process: number
    what: Uint8Array
    lastsMs: number | null
    dueAt: number | null
    endsAt: number | null
    attempts: number
    problem: string | null
  }
  /** Up to which entry who has got the audit log. */
  readonly auditReceivers: { name: string; seq: number }
  readonly audit: {
    seq: number
    at: number
    kind: string | null
    principal: string | null
    actor: string | null
    address: string | null
    by: string
    why: string
    changes: string
    previous: string
    hash: string
  }
}
