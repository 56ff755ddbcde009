import { Kysely } from 'kysely'
import { actorKey, whoById, type AuditEntry, type AuditKind, type Clock, type Subject } from '@sallyport/core'
import { kindOfChange } from './audit-kinds.ts'
import { appendAudit, AuditReader, AuditWriter } from './audit.ts'
import { whereFrom } from './came-from.ts'
import type { AuditAbout, Change, StoreChange } from './changes.ts'
import type { StoreDialect } from './dialects/dialect.ts'
import { sqliteDialect } from './dialects/sqlite.ts'
import { GroupedWrites } from './grouped-writes.ts'
import { migrate } from './migrations/index.ts'
import { OutsideWrite } from './outside-write.ts'
import { AccessRequestReader, AccessRequestWriter } from './repositories/access-requests.ts'
import { AgentReader, AgentWriter } from './repositories/agents.ts'
import { CredentialReader, CredentialWriter } from './repositories/credentials.ts'
import { GrantReader, GrantWriter } from './repositories/grants.ts'
import { IssuerReader, IssuerWriter } from './repositories/issuers.ts'
import { JoinTokenReader, JoinTokenWriter } from './repositories/join-tokens.ts'
import { LeaseLedger } from './repositories/leases.ts'
import { PolicyReader, PolicyWriter } from './repositories/policies.ts'
import { ResourceReader, ResourceWriter } from './repositories/resources.ts'
import { ReviewReader, ReviewWriter } from './repositories/reviews.ts'
import { ScimDirectoryReader, ScimDirectoryWriter } from './repositories/scim-directory.ts'
import { ScimTokenReader, ScimTokenWriter } from './repositories/scim-tokens.ts'
import { SealedValueWriter } from './repositories/sealed-values.ts'
import { SessionReader } from './repositories/sessions.ts'
import { SettingReader, SettingWriter } from './repositories/settings.ts'
import { SetupLinkReader, SetupLinkWriter } from './repositories/setup-links.ts'
import { SshKeyReader, SshKeyWriter } from './repositories/ssh-keys.ts'
import { SignInReader, SignInWriter } from './repositories/sign-ins.ts'
import { TokenReader, TokenWriter } from './repositories/tokens.ts'
import { Traffic } from './repositories/traffic.ts'
import { UserReader, UserWriter } from './repositories/users.ts'
import { WebhookReader, WebhookWriter } from './repositories/webhooks.ts'
import type { Tables } from './schema.ts'
import { Subscribers, type OnCommit } from './subscribers.ts'

/** Not for use inside a write: there, everything goes through its transaction. */
export interface Readers {
  readonly resources: ResourceReader
  readonly policies: PolicyReader
  readonly users: UserReader
  readonly issuers: IssuerReader
  readonly setupLinks: SetupLinkReader
  readonly signIns: SignInReader
  readonly tokens: TokenReader
  readonly sshKeys: SshKeyReader
  readonly agents: AgentReader
  readonly joinTokens: JoinTokenReader
  readonly sessions: SessionReader
  readonly reviews: ReviewReader
  readonly accessRequests: AccessRequestReader
  readonly grants: GrantReader
  readonly credentials: CredentialReader
  readonly webhooks: WebhookReader
  readonly scim: ScimDirectoryReader
  readonly scimTokens: ScimTokenReader
  readonly settings: SettingReader
  readonly audit: AuditReader
}

/** Exist only inside {@link Store.write}: no change without its audit entry. Each reads as well. */
export interface Writers {
  readonly resources: ResourceWriter
  readonly policies: PolicyWriter
  readonly users: UserWriter
  readonly issuers: IssuerWriter
  readonly setupLinks: SetupLinkWriter
  readonly signIns: SignInWriter
  readonly tokens: TokenWriter
  readonly sshKeys: SshKeyWriter
  readonly agents: AgentWriter
  readonly joinTokens: JoinTokenWriter
  readonly reviews: ReviewWriter
  readonly accessRequests: AccessRequestWriter
  readonly grants: GrantWriter
  readonly credentials: CredentialWriter
  readonly webhooks: WebhookWriter
  readonly scim: ScimDirectoryWriter
  readonly scimTokens: ScimTokenWriter
  readonly settings: SettingWriter
  readonly audit: AuditWriter
  readonly sealedValues: SealedValueWriter
  /** A line for the audit entry about what changed no table: a failed log-in, a replay. No secrets. */
  note(what: string, about?: AuditAbout): void
}

/** Who changes something: somebody, the gateway by itself, or a provider's connector, by the id of its token. */
export type Author = Subject | 'system' | `scim:${string}`

export interface Store extends AsyncDisposable {
  readonly read: Readers
  readonly traffic: Traffic
  readonly leases: LeaseLedger
  /**
   * Changes the store in one transaction, with one audit entry that says who, why and what; none where nothing was changed or
   * noted. Calls at the same time follow each other. Rolled back whole where `change` throws.
   * @throws Fault gateway/store-unavailable
   */
  write<T>(by: Author, why: string, change: (tx: Writers) => Promise<T>): Promise<T>
  /**
   * Tells of each committed write's changes, in order, before that write's promise resolves: here, and in every process that shares
   * the store. Listeners are quick and do not throw.
   */
  onCommit(listener: OnCommit): Disposable
  /** Tells the listeners here of what another process committed. */
  heard(changes: readonly StoreChange[]): void
  /** @throws Fault gateway/store-unavailable where the store cannot be written */
  check(): Promise<void>
}

/** How one process of a gateway shares the store with the others; whoever starts them holds the lock: see {@link lockStore}. */
export interface Sharing {
  /** This process's number, by which sessions tell whose they are; 0 is the one that starts the others. */
  readonly process: number
  /** Tells the others what was committed here: resolves, and never rejects, once each of them acts by it or is gone. */
  readonly tell: (changes: readonly StoreChange[]) => Promise<void>
}

/**
 * Opens the embedded store and brings it up to date. One process has it open at a time, unless several share it.
 * @param file a path, or `:memory:`
 * @param lockWaitMs how long to wait for a gateway that is just stopping; nothing else runs meanwhile
 * @throws Fault gateway/store-unavailable
 */
export async function openStore(options: {
  readonly file: string
  readonly clock: Clock
  readonly lockWaitMs?: number
  readonly sharing?: Sharing
}): Promise<Store> {
  const { file, clock, lockWaitMs = 5_000, sharing } = options
  return storeOver(sqliteDialect(file, lockWaitMs, sharing !== undefined), clock, sharing)
}

async function storeOver(dialect: StoreDialect, clock: Clock, sharing?: Sharing): Promise<Store> {
  const db = new Kysely<Tables>({ dialect: dialect.kysely })
  try {
    await migrate(db, dialect)
  } catch (thrown) {
    await db.destroy()
    throw thrown
  }
  const subscribers = new Subscribers()
  const outside = new OutsideWrite()
  const guarded = db.withPlugin(outside)
  const grouped = new GroupedWrites((queries) => dialect.commitTogether(db, queries))
  return {
    read: readersOver(guarded),
    traffic: new Traffic(guarded, grouped, clock, sharing?.process ?? 0),
    leases: new LeaseLedger(guarded, grouped, clock, sharing?.process ?? 0),
    async write(by, why, change) {
      outside.check()
      const changed: StoreChange[] = []
      const result = await db.transaction().execute(async (tx) => {
        const nowMs = clock.now()
        const lines: string[] = []
        let said: AuditAbout = {}
        const about: Change['about'] = (more) => void (said = { ...more, ...said })
        const note: Change['note'] = (what, one) => {
          lines.push(what)
          if (one !== undefined) changed.push(one)
        }
        const also: Change['changed'] = (one) => void changed.push(one)
        const value = await outside.within(() =>
          change(writersOver({ db: tx, nowMs, note, changed: also, about })),
        )
        if (lines.length > 0)
          await appendAudit(tx, { at: nowMs, why, changes: lines, ...aboutOf(by, said, changed) })
        return value
      })
      if (changed.length === 0) return result
      const told = sharing?.tell(changed)
      subscribers.tell(changed)
      if (told !== undefined) await told
      return result
    },
    onCommit: (listener) => subscribers.add(listener),
    heard: (changes) => subscribers.tell(changes),
    async check() {
      const value = Buffer.from(String(clock.now()))
      await guarded
        .insertInto('settings')
        .values({ key: 'last-check', value })
        .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
        .execute()
    },
    async [Symbol.asyncDispose]() {
      await grouped[Symbol.asyncDispose]()
      await db.destroy()
    },
  }
}

/** Who did what kind of thing from where, as far as that is known: what is said counts before what can be told by itself. */
function aboutOf(
  by: Author,
  { kind, principal, address }: AuditAbout,
  changed: readonly StoreChange[],
): Pick<AuditEntry, 'by' | 'principal' | 'actor' | 'address'> & { readonly kind: AuditKind } {
  const [first] = changed
  const own = typeof by === 'string' ? undefined : by
  const isDelegated = own !== undefined && own.actor.id !== own.principal.id
  return {
    kind: isConnector(by) ? 'scim' : (kind ?? (first === undefined ? 'upkeep' : kindOfChange[first.table])),
    by: own === undefined ? (by as string) : whoById(own),
    principal: own?.principal.id ?? principal ?? null,
    actor: isDelegated ? actorKey(own.actor) : null,
    // What the gateway does by itself comes from nowhere, whoever was the occasion.
    address: address ?? (by === 'system' ? undefined : whereFrom()) ?? null,
  }
}

function isConnector(by: Author): boolean {
  return typeof by === 'string' && by !== 'system'
}

function readersOver(db: Kysely<Tables>): Readers {
  return {
    resources: new ResourceReader(db),
    policies: new PolicyReader(db),
    users: new UserReader(db),
    issuers: new IssuerReader(db),
    setupLinks: new SetupLinkReader(db),
    signIns: new SignInReader(db),
    tokens: new TokenReader(db),
    sshKeys: new SshKeyReader(db),
    agents: new AgentReader(db),
    joinTokens: new JoinTokenReader(db),
    sessions: new SessionReader(db),
    reviews: new ReviewReader(db),
    accessRequests: new AccessRequestReader(db),
    grants: new GrantReader(db),
    credentials: new CredentialReader(db),
    webhooks: new WebhookReader(db),
    scim: new ScimDirectoryReader(db),
    scimTokens: new ScimTokenReader(db),
    settings: new SettingReader(db),
    audit: new AuditReader(db),
  }
}

function writersOver(change: Change): Writers {
  return {
    resources: new ResourceWriter(change),
    policies: new PolicyWriter(change),
    users: new UserWriter(change),
    issuers: new IssuerWriter(change),
    setupLinks: new SetupLinkWriter(change),
    signIns: new SignInWriter(change),
    tokens: new TokenWriter(change),
    sshKeys: new SshKeyWriter(change),
    agents: new AgentWriter(change),
    joinTokens: new JoinTokenWriter(change),
    reviews: new ReviewWriter(change),
    accessRequests: new AccessRequestWriter(change),
    grants: new GrantWriter(change),
    credentials: new CredentialWriter(change),
    webhooks: new WebhookWriter(change),
    scim: new ScimDirectoryWriter(change),
    scimTokens: new ScimTokenWriter(change),
    settings: new SettingWriter(change),
    audit: new AuditWriter(change.db),
    sealedValues: new SealedValueWriter(change),
    note: (what, about) => {
      change.note(what)
      if (about !== undefined) change.about(about)
    },
  }
}
