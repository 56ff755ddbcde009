import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRefusal, principalId, type Refusal, type Subject } from '@sallyport/core'
import { admitPerson } from '../provider-users.ts'
import { identityFixture, type Fixture } from '../testing/fixtures.ts'
import { administrators } from '../users.ts'
import type { Json } from './evaluate.ts'
import { ScimGroups } from './scim-groups.ts'
import { ScimUsers } from './scim-users.ts'
import type { ScimSettings } from './settings.ts'
import { takeSettings } from './standing-of-people.ts'

const issuer = 'https://login.example'
const connector = 'scim:stk_1'
const settings: ScimSettings = {
  issuer,
  subject: 'externalId',
  groups: true,
  administrators: false,
  baseUrl: () => 'https://gateway.example/scim/v2',
}

let fixture: Fixture
let users: ScimUsers
let groups: ScimGroups
beforeEach(async () => {
  fixture = await identityFixture()
  users = new ScimUsers(fixture.store, settings)
  groups = new ScimGroups(fixture.store, settings)
})
afterEach(() => fixture[Symbol.asyncDispose]())

const idOf = (made: Json): string => String(made['id'])
const person = (name: string, more: object = {}) => ({
  userName: `${name}@acme.example`,
  externalId: `sub-${name}`,
  active: true,
  ...more,
})
const create = async (name: string, more: object = {}): Promise<string> =>
  idOf(await users.create(connector, person(name, more)))
const user = (name: string) => fixture.store.read.users.get(name)
const signIn = (name: string, groups: readonly string[] = []) =>
  fixture.store.write('system', 'sign-in', (tx) => {
    const nowMs = fixture.clock.now()
    const called = `${name}@acme.example`
    const described = { issuer, subject: `sub-${name}`, called, groups, claimedAtMs: nowMs }
    return admitPerson(tx, described, { nowMs, isAskedAgain: false })
  })
const setActive = (id: string, active: boolean) =>
  users.patch(connector, id, { Operations: [{ op: 'replace', path: 'active', value: active }] })
const pushed = async (displayName: string, ...members: readonly string[]): Promise<string> =>
  idOf(await groups.create(connector, { displayName, members: members.map((value) => ({ value })) }))
const failure = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
/** What a live session of somebody hears. */
async function heardBy(name: string): Promise<(Refusal | Subject)[]> {
  const { token } = await fixture.mint(name)
  const who = await fixture.tokens.authenticate(token)
  if (isRefusal(who)) throw new Error('not let in')
  const heard: (Refusal | Subject)[] = []
  fixture.tokens.watch(who, (now) => void heard.push(now))
  return heard
}

describe('somebody whom a connector has made', () => {
  test('is there before their first sign-in, and is the same then, by issuer and subject', async () => {
    await create('dora')
    expect(await user('dora')).toMatchObject({
      provider: { issuer, subject: 'sub-dora' },
      passwordHash: null,
      groupsBy: 'scim',
    })
    expect((await signIn('dora'))?.name).toBe('dora')
    expect(await fixture.store.read.users.list()).toHaveLength(1)
  })

  test('is the user who has signed in before', async () => {
    await signIn('dora', ['dba'])
    await create('dora', { userName: 'somebody.else@acme.example' })
    expect((await fixture.store.read.users.list()).map(({ name }) => name)).toEqual(['dora'])
  })

  test('is never a local user, whatever they are called', async () => {
    await fixture.create('dora', ['dba'])
    await create('dora', { active: false })
    expect(await user('dora')).toMatchObject({ provider: null, disabledAt: null, groups: ['dba'] })
    const { items, total } = await users
      .list({ startIndex: 1, count: 10 })
      .then(({ resources, totalResults }) => ({ items: resources, total: totalResults }))
    expect([total, items.length]).toEqual([1, 1])
    expect((await fixture.store.read.users.list()).map(({ name }) => name)).toEqual([
      'dora',
      expect.stringMatching(/^dora-[0-9a-f]{10}$/),
    ])
  })

  test('cannot be made without that by which they are known, or twice', async () => {
    expect(await failure(users.create(connector, { userName: 'x' }))).toMatchObject({
      scimType: 'invalidValue',
    })
    expect(await failure(users.create(connector, { externalId: 'x' }))).toMatchObject({
      scimType: 'invalidValue',
    })
    await create('dora')
    const again = person('dora')
    for (const one of [
      again,
      { ...again, userName: 'other' },
      { ...again, userName: 'DORA@acme.example', externalId: 'y' },
    ])
      expect(await failure(users.create(connector, one))).toMatchObject({
        status: 409,
        scimType: 'uniqueness',
      })
    expect(await fixture.store.read.users.list()).toHaveLength(1)
  })

  test('is known by userName where the operator says so', async () => {
    const byName = new ScimUsers(fixture.store, { ...settings, subject: 'userName' })
    await byName.create(connector, { userName: 'Dora@acme.example' })
    expect(await fixture.store.read.users.byProvider(issuer, 'Dora@acme.example')).toMatchObject({
      name: 'dora',
    })
  })

  test('keeps what was said of them, and is read back as such', async () => {
    const id = await create('dora', { name: { givenName: 'Dora' }, title: 'Dr', password: 'x', nothing: 1 })
    expect(await users.get(id)).toEqual({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      id,
      userName: 'dora@acme.example',
      externalId: 'sub-dora',
      name: { givenName: 'Dora' },
      title: 'Dr',
      active: true,
      groups: [],
      meta: {
        resourceType: 'User',
        created: new Date(fixture.clock.now()).toISOString(),
        lastModified: new Date(fixture.clock.now()).toISOString(),
        location: `https://gateway.example/scim/v2/Users/${id}`,
      },
    })
  })

  test('is found by filters, a page at a time, in one order', async () => {
    for (const name of ['a', 'b', 'c']) {
      fixture.clock.advance(1)
      await create(name, { title: name === 'b' ? 'Dr' : 'Mr' })
    }
    const names = async (filter: string | undefined, startIndex = 1, count = 10) => {
      const { resources, totalResults } = await users.list({ ...(filter && { filter }), startIndex, count })
      return [totalResults, ...resources.map((one) => one['externalId'])]
    }
    expect(await names(undefined)).toEqual([3, 'sub-a', 'sub-b', 'sub-c'])
    expect(await names(undefined, 2, 1)).toEqual([3, 'sub-b'])
    expect(await names(undefined, 9, 1)).toEqual([3])
    expect(await names(undefined, 1, 0)).toEqual([3])
    expect(await names('userName eq "B@acme.example"')).toEqual([1, 'sub-b'])
    expect(await names('externalId eq "sub-c"')).toEqual([1, 'sub-c'])
    expect(await names('externalId eq "sub-c" and title eq "dr"')).toEqual([0])
    expect(await names('title eq "mr"', 2, 1)).toEqual([2, 'sub-c'])
    expect(await names('userName eq "nobody"')).toEqual([0])
  })
})

describe('whoever is not active any more', () => {
  test('loses tokens, keys and live sessions before the connector is answered', async () => {
    const id = await create('dora')
    const heard = await heardBy('dora')
    await setActive(id, false)
    expect(heard).toMatchObject([{ code: 'access-revoked' }])
    expect(await user('dora')).toMatchObject({ disabledBy: 'scim' })
    expect((await users.get(id))['active']).toBe(false)
    expect(await fixture.store.read.tokens.list(principalId('user', 'dora'), 9)).toMatchObject([
      { revokedAt: fixture.clock.now() },
    ])
    expect(await signIn('dora')).toBeUndefined()
  })

  test('is let in again when they are', async () => {
    const id = await create('dora')
    await setActive(id, false)
    expect(await setActive(id, true)).toMatchObject({ active: true })
    expect((await signIn('dora'))?.name).toBe('dora')
  })

  test('but stays out where an administrator has shut them out', async () => {
    const id = await create('dora')
    await fixture.disable('dora')
    expect(await setActive(id, true)).toMatchObject({ active: false })
    await setActive(id, false)
    expect(await setActive(id, true)).toMatchObject({ active: false })
    await users.delete(connector, id)
    expect(await users.create(connector, person('dora'))).toMatchObject({ active: false })
  })

  test('or is deleted, is gone for the connector, and shut out here; made again, they are the same user', async () => {
    const id = await create('dora')
    const heard = await heardBy('dora')
    await users.delete(connector, id)
    expect(heard).toMatchObject([{ code: 'access-revoked' }])
    expect(await failure(users.get(id))).toMatchObject({ status: 404 })
    expect(await failure(users.delete(connector, id))).toMatchObject({ status: 404 })
    expect(await signIn('dora')).toBeUndefined()
    expect(await create('dora')).not.toBe(id)
    expect((await signIn('dora'))?.name).toBe('dora')
  })

  test('and whoever becomes somebody else by their subject is let go, too', async () => {
    const id = await create('dora')
    const heard = await heardBy('dora')
    await users.patch(connector, id, {
      Operations: [{ op: 'replace', path: 'externalId', value: 'sub-else' }],
    })
    expect(heard).toMatchObject([{ code: 'access-revoked' }])
    expect(await user('dora')).toMatchObject({ disabledBy: 'scim' })
    expect(await fixture.store.read.users.byProvider(issuer, 'sub-else')).toMatchObject({ disabledAt: null })
    expect(await signIn('dora')).toBeUndefined()
  })

  test('is told by a whole resource as well, which leaves out what it does not change', async () => {
    const id = await create('dora', { title: 'Dr' })
    expect(
      await users.replace(connector, id, { userName: 'dora@acme.example', active: false }),
    ).toMatchObject({
      active: false,
      externalId: 'sub-dora',
    })
    const changed = await users.replace(connector, id, { userName: 'dora@acme.example', title: 'Prof' })
    expect(changed).toMatchObject({ active: false, title: 'Prof' })
    expect(await failure(users.replace(connector, 'nobody', person('x')))).toMatchObject({ status: 404 })
  })
})

describe('groups that a connector pushes', () => {
  test('are those of policies: who joins or leaves is judged so at once, live sessions too', async () => {
    const dora = await create('dora')
    const heard = await heardBy('dora')
    const id = await pushed('dba', dora)
    await expect.poll(() => heard).toMatchObject([{ principal: { groups: ['dba'] } }])
    const leave = { Operations: [{ op: 'remove', path: `members[value eq "${dora}"]` }] }
    await groups.patch(connector, id, leave)
    await expect.poll(() => heard).toHaveLength(2)
    expect((await user('dora'))?.groups).toEqual([])
  })

  test('win over what the provider’s tokens say of those people, and of no others', async () => {
    const dora = await create('dora')
    await pushed('dba', dora)
    fixture.clock.advance(1000)
    await signIn('dora', ['administrators', 'sales'])
    await signIn('erin', ['sales'])
    expect((await user('dora'))?.groups).toEqual(['dba'])
    expect((await user('erin'))?.groups).toEqual(['sales'])
    await signIn('frank', ['sales'])
    await create('frank')
    expect((await user('frank'))?.groups).toEqual([])
  })

  test('rename and go with all who are in them', async () => {
    const people = [await create('a'), await create('b')]
    const id = await pushed('dba', ...people)
    await groups.patch(connector, id, { Operations: [{ op: 'replace', value: { id, displayName: 'dbas' } }] })
    expect((await user('a'))?.groups).toEqual(['dbas'])
    const heard = await heardBy('b')
    await groups.delete(connector, id)
    expect([await user('a'), await user('b')].map((one) => one?.groups)).toEqual([[], []])
    await expect.poll(() => heard).toMatchObject([{ principal: { groups: [] } }])
    expect(await failure(groups.get(id, true))).toMatchObject({ status: 404 })
  })

  test('are replaced whole, and found by name, id and member', async () => {
    const [a, b] = [await create('a'), await create('b')]
    const id = await pushed('dba', a)
    await pushed('web')
    await groups.replace(connector, id, { displayName: 'dba', externalId: 'X', members: [{ value: b }] })
    expect((await user('a'))?.groups).toEqual([])
    expect(await groups.get(id, true)).toMatchObject({
      externalId: 'X',
      members: [{ value: b, display: 'b' }],
    })
    expect(await groups.get(id, false)).not.toHaveProperty('members')
    expect((await users.get(b))['groups']).toEqual([{ value: id, display: 'dba' }])
    const ids = async (filter: string) =>
      (await groups.list({ filter, startIndex: 1, count: 9 }, false)).resources.map(idOf)
    for (const filter of [
      'displayName eq "DBA"',
      'externalId eq "X"',
      `id eq "${id}" and members eq "${b}"`,
      `members[value eq "${b}"]`,
      `members.value eq "${b}"`,
    ])
      expect(await ids(filter)).toEqual([id])
    expect(await ids(`id eq "${id}" and members eq "${a}"`)).toEqual([])
  })

  test.each([
    [{ displayName: 'has a space' }, 400],
    [{}, 400],
    [{ displayName: 'dba', members: [{ value: 'nobody' }] }, 400],
    [{ displayName: 'Administrators' }, 403],
    [{ displayName: administrators }, 403],
    [{ displayName: 'web' }, 409],
    [{ displayName: 'WEB' }, 409],
  ])('%j is refused', async (body, status) => {
    await pushed('web')
    expect(await failure(groups.create(connector, body))).toMatchObject({ status })
    expect(await groups.list({ startIndex: 1, count: 9 }, false)).toMatchObject({ totalResults: 1 })
  })

  test('are at most 500 for one person', async () => {
    const dora = await create('dora')
    await fixture.store.write('system', 'test', async ({ scim }) => {
      for (let i = 0; i < 499; i++) {
        const name = `g${i}`
        await scim.putGroup({
          id: name,
          displayName: name,
          externalId: null,
          attributes: { displayName: name },
        })
        await scim.addMember(name, dora)
      }
    })
    await pushed('one', dora)
    expect(await failure(pushed('one-more', dora))).toMatchObject({ scimType: 'tooMany' })
    expect((await user('dora'))?.groups).toHaveLength(500)
  })

  test('are not taken where the configuration says so; tokens say it, then', async () => {
    const own = { ...settings, groups: false }
    await new ScimUsers(fixture.store, own).create(connector, person('dora'))
    await signIn('dora', ['dba'])
    expect((await user('dora'))?.groups).toEqual(['dba'])
    expect(
      await failure(
        (async () => new ScimGroups(fixture.store, own).create(connector, { displayName: 'x' }))(),
      ),
    ).toMatchObject({
      status: 501,
    })
  })
})

describe('administrators', () => {
  const asAdministrators = () => {
    const own = { ...settings, administrators: true }
    return [new ScimUsers(fixture.store, own), new ScimGroups(fixture.store, own)] as const
  }

  test('come by SCIM where the configuration says so, and no longer once it does not', async () => {
    await fixture.create('root', [administrators])
    const own = { ...settings, administrators: true }
    const [, its] = asAdministrators()
    await takeSettings(fixture.store, own)
    const dora = await create('dora')
    await its.create(connector, { displayName: administrators, members: [{ value: dora }] })
    expect((await user('dora'))?.groups).toEqual([administrators])
    await takeSettings(fixture.store, settings)
    expect((await user('dora'))?.groups).toEqual([])
    await takeSettings(fixture.store, own)
    expect((await user('dora'))?.groups).toEqual([administrators])
    await takeSettings(fixture.store, undefined)
    expect((await user('dora'))?.groupsBy).toBeNull()
  })

  test('are never all shut out: the last one stays, by whatever they would go', async () => {
    const [people, its] = asAdministrators()
    const dora = idOf(await people.create(connector, person('dora')))
    const id = idOf(await its.create(connector, { displayName: administrators, members: [{ value: dora }] }))
    const leave = { Operations: [{ op: 'remove', path: 'members' }] }
    const active = { Operations: [{ op: 'replace', value: { active: false } }] }
    for (const call of [
      people.patch(connector, dora, active),
      people.delete(connector, dora),
      its.patch(connector, id, leave),
      its.delete(connector, id),
      people.patch(connector, dora, { Operations: [{ op: 'replace', value: { externalId: 'other' } }] }),
    ])
      expect(await failure(call)).toMatchObject({ status: 403 })
    expect(await user('dora')).toMatchObject({ disabledAt: null, groups: [administrators] })
    await fixture.create('root', [administrators])
    expect(await people.patch(connector, dora, active)).toMatchObject({ active: false })
  })
})

test('what a connector does stands in the audit log, as its own', async () => {
  const id = await create('dora')
  await setActive(id, false)
  const [entry] = await fixture.store.read.audit.list(1)
  expect(entry).toMatchObject({ by: connector, why: 'scim' })
  expect(entry?.changes).toContain('user dora disabled')
})
