import { randomUUID } from 'node:crypto'
import type { Author, ScimUserRow, Store, User, Writers } from '@sallyport/store'
import { createPerson } from '../provider-users.ts'
import type { Json } from './evaluate.ts'
import { list, type Listed, type ListQuery } from './listing.ts'
import { patched } from './patch.ts'
import { invalid, ScimProblem } from './problem.ts'
import { userType } from './schema.ts'
import type { ScimSettings } from './settings.ts'
import { letGo, setActive, setGroups } from './standing-of-people.ts'
import { draftFrom, type Draft } from './values.ts'

/**
 * People as a provider's connector keeps them. Each is a user whom the configured provider vouches for, by issuer and subject, whether or
 * not they have signed in yet; local users are not seen here. Whoever is not active, or deleted, is shut out before the answer.
 */
export class ScimUsers {
  readonly #store: Store
  readonly #settings: ScimSettings

  constructor(store: Store, settings: ScimSettings) {
    this.#store = store
    this.#settings = settings
  }

  list(query: ListQuery): Promise<Listed> {
    const { scim, users } = this.#store.read
    return list(
      {
        type: userType,
        count: () => scim.count('scimUsers'),
        rows: (which) => scim.users(which),
        view: (row) => this.#view({ scim, users }, row),
        withMembers: false,
      },
      query,
    )
  }

  async get(id: string): Promise<Json> {
    return this.#view(this.#store.read, found(await this.#store.read.scim.user(id)))
  }

  create(by: Author, body: unknown): Promise<Json> {
    const { active, ...attributes } = draftFrom(body, userType)
    return this.#store.write(by, 'scim', async (tx) => {
      if ((await tx.scim.count('scimUsers')) >= maxUsers)
        throw invalid('tooMany', `there are ${maxUsers} users already`)
      return this.#put(tx, { id: randomUUID(), attributes, isActive: active !== false })
    })
  }

  /** Leaves the subject and whether they are let in as they are, where nothing is said of them. */
  replace(by: Author, id: string, body: unknown): Promise<Json> {
    const draft = draftFrom(body, userType)
    return this.#change(by, id, (now) => ({
      externalId: now['externalId'],
      active: now['active'],
      ...draft,
    }))
  }

  patch(by: Author, id: string, body: unknown): Promise<Json> {
    return this.#change(by, id, (now) => patched(now, body, userType))
  }

  delete(by: Author, id: string): Promise<void> {
    return this.#store.write(by, 'scim', async (tx) => {
      const row = found(await tx.scim.user(id))
      await letGo(tx, await mustBe(tx, row.user))
      await tx.scim.deleteUser(id)
    })
  }

  #change(by: Author, id: string, change: (now: Json) => Draft): Promise<Json> {
    return this.#store.write(by, 'scim', async (tx) => {
      const row = found(await tx.scim.user(id))
      const isActive = (await mustBe(tx, row.user)).disabledAt === null
      const { active = isActive, ...attributes } = change({ ...row.attributes, active: isActive })
      return this.#put(tx, { id, attributes, isActive: active === true }, row)
    })
  }

  async #put(
    tx: Writers,
    {
      id,
      attributes,
      isActive,
    }: { readonly id: string; readonly attributes: Draft; readonly isActive: boolean },
    before?: ScimUserRow,
  ): Promise<Json> {
    const userName = nameIn(attributes)
    const externalId = textIn(attributes, 'externalId')
    const [same] = await tx.scim.users({ by: { key: 'name', value: userName } })
    if (same !== undefined && same.id !== id) throw taken('userName')
    const user = await this.#userOf(tx, attributes, before)
    const bound = await tx.scim.userOf(user.name)
    if (bound !== undefined && bound.id !== id) throw taken(this.#settings.subject)
    await tx.scim.putUser({
      id,
      userName,
      externalId: externalId ?? null,
      user: user.name,
      attributes: tidy(attributes),
    })
    await setGroups(tx, this.#settings, { id, name: user.name })
    await setActive(tx, await mustBe(tx, user.name), isActive)
    return this.#view(tx, found(await tx.scim.user(id)))
  }

  /** By whom the provider means: another subject is another person, and whoever it was goes. */
  async #userOf(tx: Writers, attributes: Draft, before: ScimUserRow | undefined): Promise<User> {
    const { issuer, subject: key } = this.#settings
    const subject = textIn(attributes, key)
    if (subject === undefined || subject === '')
      throw invalid('invalidValue', `${key} is needed: by it people are known when they sign in`)
    const user =
      (await tx.users.byProvider(issuer, subject)) ??
      (await createPerson(tx, {
        issuer,
        subject,
        called: String(attributes['userName']),
        groups: [],
        // Whatever the provider says itself is news.
        claimedAtMs: 0,
      }))
    if (user === undefined) throw new TypeError('a user who was made is not there')
    if (before !== undefined && before.user !== user.name) await letGo(tx, await mustBe(tx, before.user))
    return user
  }

  async #view(
    { scim, users }: Pick<Writers, 'scim' | 'users'> | Pick<Store['read'], 'scim' | 'users'>,
    row: ScimUserRow,
  ): Promise<Json> {
    const { id, attributes } = row
    const groups = await scim.groupsOf(id)
    const extensions = userType.extensions.filter((one) => one.id in attributes)
    return {
      schemas: [userType.schema, ...extensions].map((schema) => schema.id),
      id,
      ...attributes,
      active: (await users.get(row.user))?.disabledAt === null,
      groups: groups.map((group) => ({ value: group.id, display: group.attributes['displayName'] })),
      meta: {
        resourceType: userType.name,
        created: new Date(row.createdAt).toISOString(),
        lastModified: new Date(row.updatedAt).toISOString(),
        location: `${this.#settings.baseUrl()}${userType.endpoint}/${id}`,
      },
    }
  }
}

function found(row: ScimUserRow | undefined): ScimUserRow {
  if (row === undefined) throw new ScimProblem(404, 'there is no such user')
  return row
}

async function mustBe(tx: Writers, name: string): Promise<User> {
  const user = await tx.users.get(name)
  if (user === undefined) throw new TypeError('users are never deleted')
  return user
}

function nameIn(attributes: Draft): string {
  const name = textIn(attributes, 'userName')?.trim()
  if (name === undefined || name === '') throw invalid('invalidValue', 'userName is needed')
  return name.toLowerCase()
}

export function textIn(attributes: Json, name: string): string | undefined {
  const value = attributes[name]
  return typeof value === 'string' ? value : undefined
}

export function taken(attribute: string): ScimProblem {
  return new ScimProblem(409, `there is one with this ${attribute} already`, 'uniqueness')
}

/** Without what is unassigned. */
export function tidy(attributes: Draft): Draft {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined))
}

const maxUsers = 50_000
