import { Fault, type EphemeralRole, type OwnTarget } from '@sallyport/core'
import type { ScramKeyring } from '../login/scram-keys.ts'
import type { PostgresOptions } from '../options.ts'
import { quotedName, quotedText } from '../quote.ts'
import { administer, type Administration } from './administration.ts'

/** What one connection may take to end. */
const endMs = 3_000
/** A connection may have logged in while the others were ended: after the first time nobody can any more. */
const maxTurns = 3

/**
 * Whatever becomes of it meanwhile, it can be called again. Nothing is dropped that the role made: it goes to the account. As a rule
 * that is nothing, since the role acts as the account.
 * @throws Fault
 */
export async function dropRole(
  target: OwnTarget<PostgresOptions>,
  role: Pick<EphemeralRole, 'name' | 'account'>,
  keyring: ScramKeyring,
  signal: AbortSignal,
): Promise<void> {
  using administration = await administer(target, keyring, signal)
  const name = quotedText(role.name)
  const there = await administration.query(`select from pg_roles where rolname = ${name}`)
  if (there.length === 0) return
  await administration.query(`alter role ${quotedName(role.name)} nologin`)
  await endConnections(administration, name)
  for (const [database] of await administration.query(holding(name))) {
    using inside = await administer(target, keyring, signal, database!)
    await inside.query(
      `reassign owned by ${quotedName(role.name)} to ${quotedName(role.account)}; drop owned by ${quotedName(role.name)}`,
    )
  }
  await administration.query(`drop role if exists ${quotedName(role.name)}`)
}

async function endConnections(administration: Administration, name: string): Promise<void> {
  for (let turn = 0; turn < maxTurns; turn++) {
    const ended = await administration.query(
      `select pg_terminate_backend(pid, ${endMs}) from pg_stat_activity where usename = ${name}`,
    )
    if (ended.length === 0) return
  }
  throw new Fault('target/too-slow', 'connections of a role that is to be dropped did not end')
}

/** Databases in which something is the role's, or is granted to it. */
const holding = (name: string): string => `
select distinct d.datname from pg_shdepend s join pg_roles r on r.oid = s.refobjid join pg_database d on d.oid = s.dbid
where s.refclassid = 'pg_authid'::regclass and r.rolname = ${name} and d.datallowconn`
