import { randomUUID } from 'node:crypto'
import type { Author, ScimGroupRow, Store, Writers } from '@sallyport/store'
import { isGroupName } from '../provider-users.ts'
import { administrators } from '../users.ts'
import { asJson, listed, type Json } from './evaluate.ts'
import { list, type Listed, type ListQuery } from './listing.ts'
import { patched } from './patch.ts'
import { invalid, ScimProblem } from './problem.ts'
import { groupType } from './schema.ts'
import { taken, textIn, tidy } from './scim-users.ts'
import type { ScimSettings } from './settings.ts'
import { setGroupsOf } from './standing-of-people.ts'
import { draftFrom, type Draft } from './values.ts'

/**
 * Groups as a provider's connector keeps them: their names are those of policies. Who joins or leaves one does so here before the answer,
 * live sessions included.
 */
export class ScimGroups {
  readonly #store: Store
  readonly #settings: ScimSettings

  constructor(store: Store, settings: ScimSettings) {
    this.#store = store
    this.#settings = settings
  }

  list(query: ListQuery, withMembers: boolean): Promise<Listed> {
    const { scim } = this.#store.read
    return list(
      {
        type: groupType,
        count: () => scim.count('scimGroups'),
        rows: (which) => scim.groups(which),
        view: (row, asked) => this.#view({ scim }, row, asked),
        withMembers,
      },
      query,
    )
  }

  async get(id: string, withMembers: boolean): Promise<Json> {
    return this.#view(this.#store.read, found(await this.#store.read.scim.group(id)), withMembers)
  }

  create(by: Author, body: unknown): Promise<Json> {
    if (!this.#settings.groups) throw notHere
    const draft = draftFrom(body, groupType)
    return this.#store.write(by, 'scim', async (tx) => {
      if ((await tx.scim.count('scimGroups')) >= maxScimGroups)
        throw invalid('tooMany', `there are ${maxScimGroups} groups already`)
      return this.#put(tx, randomUUID(), draft, undefined)
    })
  }

  replace(by: Author, id: string, body: unknown): Promise<Json> {
    const draft = draftFrom(body, groupType)
    return this.#change(by, id, (now) => ({ externalId: now['externalId'], ...draft }))
  }

  patch(by: Author, id: string, body: unknown): Promise<Json> {
    return this.#change(by, id, (now) => patched(now, body, groupType))
  }

  /** Everybody leaves it. */
  delete(by: Author, id: string): Promise<void> {
    return this.#store.write(by, 'scim', async (tx) => {
      found(await tx.scim.group(id))
      const members = await tx.scim.membersOf(id)
      await tx.scim.deleteGroup(id)
      await setGroupsOf(
        tx,
        this.#settings,
        members.map(({ id: member, user }) => ({ id: member, name: user })),
      )
    })
  }

  #change(by: Author, id: string, change: (now: Json) => Draft): Promise<Json> {
    return this.#store.write(by, 'scim', async (tx) => {
      const row = found(await tx.scim.group(id))
      const members = (await tx.scim.membersOf(id)).map((member) => ({ value: member.id }))
      return this.#put(tx, id, change({ ...row.attributes, members }), row)
    })
  }

  async #put(tx: Writers, id: string, draft: Draft, before: ScimGroupRow | undefined): Promise<Json> {
    const { members, ...attributes } = draft
    const displayName = this.#nameIn(attributes)
    const [same] = await tx.scim.groups({ by: { key: 'name', value: displayName.toLowerCase() } })
    if (same !== undefined && same.id !== id) throw taken('displayName')
    await tx.scim.putGroup({
      id,
      displayName: displayName.toLowerCase(),
      externalId: textIn(attributes, 'externalId') ?? null,
      attributes: tidy(attributes),
    })
    const isRenamed = before !== undefined && before.attributes['displayName'] !== displayName
    const moved = await moveMembers(tx, id, idsIn(members))
    const affected = isRenamed ? await tx.scim.membersOf(id) : []
    const people = new Map([...moved, ...affected].map((one) => [one.id, { id: one.id, name: one.user }]))
    await setGroupsOf(tx, this.#settings, people.values())
    return this.#view(tx, found(await tx.scim.group(id)), false)
  }

  #nameIn(attributes: Draft): string {
    const name = textIn(attributes, 'displayName')
    if (name === undefined || !isGroupName(name))
      throw invalid(
        'invalidValue',
        'displayName is the name of the group in policies: 1 to 128 letters, digits, dots, dashes, colons and underscores',
      )
    if (name.toLowerCase() === administrators && !this.#settings.administrators)
      throw new ScimProblem(
        403,
        `the group ${administrators} administers the gateway, and is not taken from SCIM here`,
      )
    return name
  }

  async #view(
    { scim }: Pick<Writers, 'scim'> | Pick<Store['read'], 'scim'>,
    row: ScimGroupRow,
    withMembers: boolean,
  ): Promise<Json> {
    const { id, attributes } = row
    const members = withMembers ? await scim.membersOf(id) : undefined
    return {
      schemas: [groupType.schema.id],
      id,
      ...attributes,
      ...(members && { members: members.map((member) => ({ value: member.id, display: member.user })) }),
      meta: {
        resourceType: groupType.name,
        created: new Date(row.createdAt).toISOString(),
        lastModified: new Date(row.updatedAt).toISOString(),
        location: `${this.#settings.baseUrl()}${groupType.endpoint}/${id}`,
      },
    }
  }
}

/** Makes these the members. @returns who came, and who went */
async function moveMembers(
  tx: Writers,
  group: string,
  wanted: ReadonlySet<string>,
): Promise<{ readonly id: string; readonly user: string }[]> {
  const there = await tx.scim.membersOf(group)
  const known = new Set(there.map(({ id }) => id))
  const gone = there.filter(({ id }) => !wanted.has(id))
  for (const { id } of gone) await tx.scim.removeMember(group, id)
  const came: { id: string; user: string }[] = []
  for (const id of wanted) {
    if (known.has(id)) continue
    const row = await tx.scim.user(id)
    if (row === undefined)
      throw invalid('invalidValue', 'a member is no user of this directory; groups in groups are not taken')
    await tx.scim.addMember(group, id)
    came.push({ id, user: row.user })
  }
  if (came.length > 0 && (await tx.scim.count('scimMembers')) > maxMemberships)
    throw invalid('tooMany', `there are ${maxMemberships} memberships already`)
  return [...gone, ...came]
}

function idsIn(members: unknown): ReadonlySet<string> {
  return new Set(listed(members).map((one) => textIn(asJson(one), 'value') ?? ''))
}

function found(row: ScimGroupRow | undefined): ScimGroupRow {
  if (row === undefined) throw new ScimProblem(404, 'there is no such group')
  return row
}

const notHere = new ScimProblem(
  501,
  'groups are not taken from SCIM here: see scim.groups in the configuration',
)
const maxScimGroups = 5000
const maxMemberships = 100_000
