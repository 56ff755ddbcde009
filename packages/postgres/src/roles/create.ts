import { Fault, type EphemeralRole, type OwnTarget, type RolesFound } from '@sallyport/core'
import type { ScramKeyring } from '../login/scram-keys.ts'
import type { PostgresOptions } from '../options.ts'
import { quotedName, quotedText } from '../quote.ts'
import { administer, cannotMake, stateOf, type Administration } from './administration.ts'
import { settingClause } from './settings.ts'
import { scramVerifier } from './verifier.ts'

/** So many of this gateway's on one server: where they are not dropped any more, no further ones are made. */
const maxRoles = 1_000
/** At once with one role: the session's own connection, and the gateway's questions beside it. */
const maxConnections = 6
/** No session lasts longer: 12 h, and what its log-in takes. Nobody has the password; this guards what is never dropped. */
const validHours = 13
/** Its session may not have logged in before. */
const idleMinutes = 10

/**
 * From these on `SET ROLE` holds in every case: before, `SET SESSION AUTHORIZATION` left it, or the role's own setting was not heeded.
 * @see https://www.postgresql.org/support/security/CVE-2024-10978/, and the release notes of 17.2
 */
const leastMinor: Readonly<Record<string, number>> = { '14': 15, '15': 10, '16': 6, '17': 2 }
const leastMajor = 14

/** Makes a role in one transaction: there is a whole one or none. @throws Fault */
export async function createRole(
  target: OwnTarget<PostgresOptions>,
  role: EphemeralRole,
  prefix: string,
  keyring: ScramKeyring,
  signal: AbortSignal,
): Promise<RolesFound> {
  using administration = await administer(target, keyring, signal)
  const [verifier, ground] = await Promise.all([
    scramVerifier(role.password, keyring),
    survey(administration, role.account, prefix),
  ])
  checkGround(ground, target.account, role.account)
  const settings = ground.settings.filter(({ name }) => !ofIdentity.has(name))
  const statements = creating(role, verifier, ground)
  try {
    await administration.query([...statements, ...(settings.length === 0 ? ['commit'] : [])].join('; '))
  } catch (thrown) {
    throw refused(thrown, target.account, role.account)
  }
  for (const setting of settings) await give(administration, role, setting, target.account)
  if (settings.length > 0) await administration.query('commit')
  return { idle: ground.idle }
}

/** What must be known of a server before. */
interface Ground {
  readonly version: number
  readonly isSuperuser: boolean
  readonly mayCreate: boolean
  readonly isThere: boolean
  readonly mayGrant: boolean
  readonly roles: number
  readonly validUntil: string
  readonly idle: readonly string[]
  readonly settings: readonly Setting[]
}

/** A default of the account's, which those who act as it do not have by themselves. */
interface Setting {
  /** Everywhere where empty. */
  readonly database: string
  readonly name: string
  readonly value: string
}

async function survey(administration: Administration, account: string, prefix: string): Promise<Ground> {
  const rows = await administration.query(question(quotedText(account), quotedText(prefix)))
  const of = (kind: string) => rows.filter(([first]) => first === kind).map(([, ...rest]) => rest)
  const [facts = []] = of('facts')
  const [version, isSuperuser, mayCreate, isThere, mayGrant, roles, validUntil] = facts
  return {
    version: Number(version),
    isSuperuser: isSuperuser === 't',
    mayCreate: mayCreate === 't',
    isThere: isThere === 't',
    mayGrant: mayGrant === 't',
    roles: Number(roles),
    validUntil: validUntil ?? '',
    idle: of('idle').map(([name]) => name ?? ''),
    settings: of('setting').map(([database, name, value]) => ({
      database: database ?? '',
      name: name ?? '',
      value: value ?? '',
    })),
  }
}

const question = (account: string, prefix: string): string => `
select 'facts', current_setting('server_version_num'),
  exists (select from pg_roles where rolname = current_user and rolsuper),
  exists (select from pg_roles where rolname = current_user and (rolsuper or rolcreaterole)),
  a.oid is not null,
  a.oid is not null and (current_setting('server_version_num')::int < 160000
    or pg_has_role(current_user, a.oid, 'member with admin option')),
  (select count(*) from pg_roles where starts_with(rolname::text, ${prefix})),
  (now() + interval '${validHours} hours')::text
  from (select) one left join pg_roles a on a.rolname = ${account};
select 'idle', r.rolname from pg_roles r where starts_with(r.rolname::text, ${prefix})
  and r.rolvaliduntil < now() + interval '${validHours} hours' - interval '${idleMinutes} minutes'
  and not exists (select from pg_stat_activity s where s.usename = r.rolname)
  and exists (select from pg_auth_members m join pg_roles a on a.oid = m.roleid where m.member = r.oid and a.rolname = ${account});
select 'setting', coalesce(d.datname, ''), split_part(one.text, '=', 1), substr(one.text, strpos(one.text, '=') + 1)
  from pg_db_role_setting s join pg_roles r on r.oid = s.setrole left join pg_database d on d.oid = s.setdatabase,
    unnest(s.setconfig) one(text)
  where r.rolname = ${account}`

/** As whom it acts is settled. */
const ofIdentity: ReadonlySet<string> = new Set(['role', 'session_authorization'])

/** @throws Fault that says whom to ask for what */
function checkGround(ground: Ground, administrator: string, account: string): void {
  const { version, mayCreate, isThere, mayGrant, roles } = ground
  const [major, minor] = [Math.floor(version / 10_000), version % 10_000]
  const least = leastMinor[major]
  if (major < leastMajor || minor < (least ?? 0))
    throw cannotMake(
      `the target is PostgreSQL ${major}.${minor}, and roles of a session need ${least === undefined ? `${leastMajor}` : `${major}.${least}`} or newer`,
    )
  if (!mayCreate)
    throw cannotMake(
      `the target’s role ${administrator} may not create roles: alter role ${quotedName(administrator)} createrole`,
    )
  if (!isThere) throw cannotMake(`the target has no role ${account}`)
  if (account === administrator && !ground.isSuperuser)
    throw cannotMake(`${account} cannot make roles that act as itself: name another one in via`)
  if (!mayGrant) throw cannotMake(mustBeGranted(administrator, account))
  if (roles >= maxRoles)
    throw new Fault(
      'gateway/overloaded',
      `the target has ${roles} roles of sessions, and ${maxRoles} is as many as there may be`,
    )
}

function mustBeGranted(administrator: string, account: string): string {
  return `the target’s role ${administrator} may not give ${account} to others: grant ${quotedName(account)} to ${quotedName(administrator)} with admin option`
}

/**
 * It acts as the account from its first statement on, so that what it makes is the account's. Whoever makes it becomes a member, or
 * could not end its connections and take what it owns; a superuser can, and may be the account itself.
 */
function creating(
  { name, account, comment }: EphemeralRole,
  verifier: string,
  { validUntil, isSuperuser }: Ground,
): string[] {
  const role = quotedName(name)
  return [
    'begin',
    `create role ${role} login inherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls
      connection limit ${maxConnections} valid until ${quotedText(validUntil)} password ${quotedText(verifier)}
      in role ${quotedName(account)}${isSuperuser ? '' : ' role current_user'}`,
    `comment on role ${role} is ${quotedText(comment)}`,
    `alter role ${role} set role to ${quotedText(account)}`,
  ]
}

async function give(
  administration: Administration,
  { name, account }: EphemeralRole,
  setting: Setting,
  administrator: string,
): Promise<void> {
  const where = setting.database === '' ? '' : ` in database ${quotedName(setting.database)}`
  try {
    await administration.query(
      `alter role ${quotedName(name)}${where} set ${settingClause(setting.name, setting.value)}`,
    )
  } catch (thrown) {
    if (stateOf(thrown) === undefined) throw thrown
    const { name: what } = setting
    throw cannotMake(
      `${account} has the setting ${what}, which the target’s role ${administrator} may not give to others: grant set on parameter ${what} to ${quotedName(administrator)}`,
      thrown,
    )
  }
}

function refused(thrown: unknown, administrator: string, account: string): unknown {
  const state = stateOf(thrown)
  if (state === undefined) return thrown
  if (state === '42501') return cannotMake(mustBeGranted(administrator, account), thrown)
  return cannotMake(`the target refused it (SQLSTATE ${state})`, thrown)
}
