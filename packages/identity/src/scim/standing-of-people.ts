import { setImmediate } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Store, User, Writers } from '@sallyport/store'
import { maxGroups } from '../provider-users.ts'
import { administrators, disableUser } from '../users.ts'
import { invalid, ScimProblem } from './problem.ts'
import type { ScimSettings } from './settings.ts'

/** What a person may be here by what the connector says: let in or shut out, and in which groups. */

/** An administrator who shut somebody out is not overruled. */
export async function setActive(tx: Writers, user: User, isActive: boolean): Promise<void> {
  if (isActive && user.disabledBy === 'scim') await tx.users.enable(user.name)
  if (isActive || user.disabledAt !== null) return
  await mustNotBeLast(tx, user.name)
  await disableUser(tx, user.name, 'scim')
}

/** Who is deleted, or somebody else from now on, is shut out, and in no group. */
export async function letGo(tx: Writers, user: User): Promise<void> {
  await setActive(tx, user, false)
  if (user.groupsBy === 'scim' && user.groups.length > 0) await tx.users.setGroups(user.name, [])
}

/** Says of somebody the groups that they are in by SCIM, where it is to say so. */
export async function setGroups(
  tx: Writers,
  settings: Pick<ScimSettings, 'groups' | 'administrators'>,
  { id, name }: { readonly id: string; readonly name: string },
): Promise<void> {
  const user = await tx.users.get(name)
  if (user === undefined) return
  const groupsBy = settings.groups ? 'scim' : null
  if (user.groupsBy !== groupsBy) await tx.users.setGroupsBy(name, groupsBy)
  if (!settings.groups) return
  const names = (await tx.scim.groupsOf(id))
    .map(({ attributes }) => String(attributes['displayName']))
    .filter((group) => settings.administrators || group !== administrators)
  if (names.length > maxGroups) throw invalid('tooMany', `somebody is in more than ${maxGroups} groups`)
  const groups = [...new Set(names)].toSorted()
  if (isDeepStrictEqual(groups, user.groups)) return
  if (user.groups.includes(administrators) && !groups.includes(administrators)) await mustNotBeLast(tx, name)
  await tx.users.setGroups(name, groups)
}

/** {@link setGroups} of many, who may be thousands: others get their turn in between. */
export async function setGroupsOf(
  tx: Writers,
  settings: Pick<ScimSettings, 'groups' | 'administrators'>,
  people: Iterable<{ readonly id: string; readonly name: string }>,
): Promise<void> {
  let done = 0
  for (const person of people) {
    await setGroups(tx, settings, person)
    if (++done % atOnce === 0) await setImmediate()
  }
}

/**
 * For the start of the gateway: where it takes now what it did not, or no more what it did, everybody is in the groups that they would be
 * in had it always been so. What their provider's tokens say counts from their next sign-in on.
 */
export async function takeSettings(store: Store, settings: ScimSettings | undefined): Promise<void> {
  const { groups = false, administrators: may = false } = settings ?? {}
  const said = Buffer.from(JSON.stringify({ groups, administrators: may }))
  const last = await store.read.settings.get(settingKey)
  const isNew = last === undefined && settings === undefined
  if (isNew || (last !== undefined && said.equals(last))) return
  await store.write('system', 'scim', async (tx) => {
    const rows = await tx.scim.users({})
    const people = rows.map(({ id, user }) => ({ id, name: user }))
    await setGroupsOf(tx, { groups, administrators: may }, people)
    await tx.settings.put(settingKey, said)
  })
}

async function mustNotBeLast(tx: Writers, name: string): Promise<void> {
  const living = await tx.users.livingIn(administrators)
  if (living.length === 1 && living[0] === name)
    throw new ScimProblem(
      403,
      `user ${name} is the last administrator of the gateway: make another one first`,
    )
}

const settingKey = 'scim'
const atOnce = 100
