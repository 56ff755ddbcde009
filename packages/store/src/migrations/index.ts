import type { Kysely } from 'kysely'
import { Migrator } from 'kysely/migration'
import type { StoreDialect } from '../dialects/dialect.ts'
import { unavailable } from '../faults.ts'
import type { Tables } from '../schema.ts'
import { firstTables } from './0001-first.ts'
import { processOfSession } from './0002-process.ts'
import { grantTables } from './0003-grants.ts'
import { noteOfPolicySet } from './0004-policy-note.ts'
import { webhookTables } from './0005-webhooks.ts'
import { needsOfReviews } from './0006-needs.ts'
import { namesOfRedactors } from './0007-redactors.ts'
import { federationTables } from './0008-federation.ts'
import { sshKeyTable } from './0009-ssh-keys.ts'
import { signInTables } from './0010-sign-ins.ts'
import { wordOfProviders } from './0011-keys.ts'
import { howSignedIn } from './0012-step-up.ts'
import { takenAnswers } from './0013-taken-answers.ts'
import { delegationColumns } from './0014-delegation.ts'
import { scimTables } from './0016-scim.ts'
import { auditFields } from './0017-audit.ts'
import { leaseTable } from './0018-leases.ts'

/**
 * Brings a store up to date.
 * @throws Fault gateway/store-unavailable, also where a newer gateway wrote it: its migrations are not known here
 */
export async function migrate(db: Kysely<Tables>, dialect: StoreDialect): Promise<void> {
  const migrations = {
    '0001-first': { up: (tx: Kysely<Tables>) => firstTables(tx, dialect) },
    '0002-process': { up: (tx: Kysely<Tables>) => processOfSession(tx, dialect) },
    '0003-grants': { up: (tx: Kysely<Tables>) => grantTables(tx, dialect) },
    '0004-policy-note': { up: (tx: Kysely<Tables>) => noteOfPolicySet(tx) },
    '0005-webhooks': { up: (tx: Kysely<Tables>) => webhookTables(tx, dialect) },
    '0006-needs': { up: (tx: Kysely<Tables>) => needsOfReviews(tx) },
    '0007-redactors': { up: (tx: Kysely<Tables>) => namesOfRedactors(tx) },
    '0008-federation': { up: (tx: Kysely<Tables>) => federationTables(tx, dialect) },
    '0009-ssh-keys': { up: (tx: Kysely<Tables>) => sshKeyTable(tx, dialect) },
    '0010-sign-ins': { up: (tx: Kysely<Tables>) => signInTables(tx, dialect) },
    '0011-keys': { up: (tx: Kysely<Tables>) => wordOfProviders(tx, dialect) },
    '0012-step-up': { up: (tx: Kysely<Tables>) => howSignedIn(tx, dialect) },
    '0013-taken-answers': { up: (tx: Kysely<Tables>) => takenAnswers(tx, dialect) },
    '0014-delegation': { up: (tx: Kysely<Tables>) => delegationColumns(tx) },
    '0016-scim': { up: (tx: Kysely<Tables>) => scimTables(tx, dialect) },
    '0017-audit': { up: (tx: Kysely<Tables>) => auditFields(tx, dialect) },
    '0018-leases': { up: (tx: Kysely<Tables>) => leaseTable(tx, dialect) },
  }
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } })
  const { error } = await migrator.migrateToLatest()
  if (error === undefined) return
  throw isFromNewer(error) ? unavailable('newer', error) : error
}

function isFromNewer(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('corrupted migrations')
}
