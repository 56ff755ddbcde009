import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from '@sallyport/api'
import { startScim, type Ask } from './testing/scim.ts'
import type { World } from './testing/world.ts'

const messages = 'urn:ietf:params:scim:api:messages:2.0'
const core = 'urn:ietf:params:scim:schemas:core:2.0'
const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

describe('Okta’s connector', () => {
  let world: World
  let ask: Ask
  beforeAll(async () => {
    ;({ world, ask } = await startScim('scim: { subject: userName }\n'))
  })
  afterAll(() => world[Symbol.asyncDispose]())

  // https://developer.okta.com/standards/SCIM/SCIMFiles/Okta-SCIM-20-SPEC-Test.json
  test('passes the tests that Okta has for a SCIM server', async () => {
    const seed = {
      schemas: [`${core}:User`],
      userName: 'seed@acme.example',
      name: { givenName: 'S', familyName: 'D' },
    }
    await ask('POST', '/Users', { ...seed, emails: [{ value: 'seed@acme.example' }], active: true })

    const first = await ask('GET', '/Users?count=1&startIndex=1')
    expect(first).toMatchObject({ status: 200, type: 'application/scim+json; charset=utf-8' })
    expect(first.body.schemas).toContain(`${messages}:ListResponse`)
    for (const number of ['itemsPerPage', 'startIndex', 'totalResults']) expect(first.body[number]).toEqual(1)
    const [one] = first.body.Resources
    expect(one).toMatchObject({
      name: { familyName: 'D', givenName: 'S' },
      userName: 'seed@acme.example',
      active: true,
    })
    expect(one.emails[0].value).toBe('seed@acme.example')
    expect((await ask('GET', `/Users/${one.id}`)).body).toEqual(one)

    const nobody = await ask('GET', '/Users?filter=userName%20eq%20%22abcdefgh@atko.com%22')
    expect(nobody).toMatchObject({ status: 200, body: { totalResults: 0, Resources: [] } })
    const unknown = await ask('GET', '/Users/010101001010101011001010101011')
    expect(unknown).toMatchObject({ status: 404, body: { schemas: [`${messages}:Error`], status: '404' } })
    expect(unknown.body.detail).not.toBe('')

    const user = {
      schemas: [`${core}:User`],
      userName: 'Runscope300a@atko.com',
      name: { givenName: 'Runscope', familyName: 'User' },
      emails: [{ primary: true, value: 'runscope300a@atko.com', type: 'work' }],
      displayName: 'Runscope User',
      active: true,
    }
    const json = { 'content-type': 'application/json' }
    const made = await ask('POST', '/Users', user, json)
    expect(made).toMatchObject({ status: 201, body: { ...user, active: true } })
    expect(made.headers.location).toBe(made.body.meta.location)
    expect((await ask('GET', `/Users/${made.body.id}`)).body).toMatchObject(user)
    expect((await ask('POST', '/Users', user, json)).status).toBe(409)
    const other = await ask('GET', '/Users?filter=userName%20eq%20%22RUNSCOPE300A@ATKO.COM%22')
    expect(other).toMatchObject({ status: 200, body: { totalResults: 1 } })
    expect((await ask('GET', '/Groups')).status).toBe(200)
  })

  // https://developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20/
  test('updates people with PUT, and lets them go and come back with PATCH', async () => {
    const created = await ask('POST', '/Users', {
      schemas: [`${core}:User`],
      userName: 'test.user@okta.local',
      name: { givenName: 'Test', familyName: 'User' },
      emails: [{ primary: true, value: 'test.user@okta.local', type: 'work' }],
      displayName: 'Test User',
      locale: 'en-US',
      externalId: '00ujl29u0le5T6Aj10h7',
      groups: [],
      password: '1mz050nq',
      active: true,
    })
    expect(created.body).toMatchObject({ externalId: '00ujl29u0le5T6Aj10h7', locale: 'en-US', groups: [] })
    expect(JSON.stringify(created.body)).not.toContain('1mz050nq')
    const at = `/Users/${created.body.id}`
    const whole = (await ask('GET', at)).body
    const put = await ask('PUT', at, {
      ...whole,
      name: { givenName: 'Another', middleName: '', familyName: 'User' },
    })
    expect(put).toMatchObject({ status: 200, body: { name: { givenName: 'Another' }, active: true } })
    const set = (active: boolean) =>
      ask('PATCH', at, {
        schemas: [`${messages}:PatchOp`],
        Operations: [{ op: 'replace', value: { active } }],
      })
    expect(await set(false)).toMatchObject({ status: 200, body: { active: false } })
    expect((await ask('GET', at)).body.active).toBe(false)
    expect(await set(true)).toMatchObject({ status: 200, body: { active: true } })
    expect((await ask('PUT', at, { ...whole, active: false })).body.active).toBe(false)
  })

  test('pushes groups', async () => {
    const [a, b] = await Promise.all(
      ['a', 'b'].map(
        async (name) => (await ask('POST', '/Users', { userName: `${name}@acme.example` })).body.id,
      ),
    )
    const made = await ask('POST', '/Groups', {
      schemas: [`${core}:Group`],
      displayName: 'TestSCIMv2',
      members: [],
    })
    expect(made).toMatchObject({
      status: 201,
      body: { displayName: 'TestSCIMv2', meta: { resourceType: 'Group' } },
    })
    const at = `/Groups/${made.body.id}`
    const patch = (...operations: readonly object[]) =>
      ask('PATCH', at, { schemas: [`${messages}:PatchOp`], Operations: operations })
    const members = async () =>
      ((await ask('GET', at)).body.members ?? []).map((it: { value: string }) => it.value)
    const rename = { op: 'replace', value: { id: made.body.id, displayName: 'TestSCIMv20' } }
    expect((await patch(rename)).status).toBe(204)
    await patch({ op: 'add', path: 'members', value: [{ value: a, display: 'a@acme.example' }] })
    await patch(
      { op: 'remove', path: `members[value eq "${a}"]` },
      { op: 'add', path: 'members', value: [{ value: b, display: 'b@acme.example' }] },
    )
    expect(await members()).toEqual([b])
    await patch({ op: 'replace', path: 'members', value: [{ value: a }, { value: b }] })
    expect(await members()).toHaveLength(2)
    await ask('PUT', at, { displayName: 'TestSCIMv20', members: [{ value: a }] })
    expect(await members()).toEqual([a])
    expect(await ask('DELETE', at)).toMatchObject({ status: 204, body: undefined })
    expect((await ask('GET', at)).status).toBe(404)
  })
})

describe('Entra ID’s connector', () => {
  let world: World
  let ask: Ask
  let admin: Client
  beforeAll(async () => {
    ;({ world, ask, admin } = await startScim('scim: {}\n'))
  })
  afterAll(() => world[Symbol.asyncDispose]())
  const patchOp = { schemas: [`${messages}:PatchOp`] }
  const newUser = (name: string) => ({
    schemas: [`${core}:User`, enterprise],
    externalId: `0a21f0f2-${name}`,
    userName: `Test_User_${name}@testuser.com`,
    active: true,
    emails: [{ primary: true, type: 'work', value: `${name}@testuser.com` }],
    meta: { resourceType: 'User' },
    name: { formatted: 'givenName familyName', familyName: 'familyName', givenName: 'givenName' },
    roles: [],
  })
  const create = async (name: string): Promise<string> => {
    const { body, status } = await ask('POST', '/Users', newUser(name))
    expect(status).toBe(201)
    return body.id
  }

  // https://learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups
  test('makes, finds, changes, disables and deletes people as its documentation shows', async () => {
    expect(
      (await ask('GET', `/Users?filter=userName+eq+%22Test_User_a%40testuser.com%22`)).body,
    ).toMatchObject({
      totalResults: 0,
      Resources: [],
      startIndex: 1,
    })
    const at = `/Users/${await create('a')}`
    for (const filter of [
      'userName eq "test_user_A@testuser.com"',
      'externalId eq "0a21f0f2-a"',
      'emails[type eq "work"].value eq "a@testuser.com"',
    ])
      expect((await ask('GET', `/Users?filter=${encodeURIComponent(filter)}`)).body.totalResults).toBe(1)
    const changed = await ask('PATCH', at, {
      ...patchOp,
      Operations: [
        { op: 'Replace', path: 'emails[type eq "work"].value', value: 'updatedEmail@microsoft.com' },
        { op: 'Replace', path: 'name.familyName', value: 'updatedFamilyName' },
        { op: 'Add', path: `${enterprise}:department`, value: 'Books' },
        { op: 'Add', path: `${enterprise}:manager`, value: [{ $ref: 'http://x/Users/7', value: '7' }] },
      ],
    })
    expect(changed).toMatchObject({
      status: 200,
      body: {
        emails: [{ value: 'updatedEmail@microsoft.com', type: 'work', primary: true }],
        name: { familyName: 'updatedFamilyName', givenName: 'givenName' },
        [enterprise]: { department: 'Books', manager: { value: '7' } },
      },
    })
    const userName = '5b50642d-79fc-4410-9e90-4c077cdd1a59@testuser.com'
    await ask('PATCH', at, { ...patchOp, Operations: [{ op: 'Replace', path: 'userName', value: userName }] })
    expect((await ask('GET', at)).body.userName).toBe(userName)
    await ask('PATCH', at, { ...patchOp, Operations: [{ op: 'Replace', path: 'active', value: 'False' }] })
    const disabled = await ask('GET', `/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}`)
    expect(disabled.body.Resources).toMatchObject([{ active: false }])
    expect((await ask('DELETE', at)).status).toBe(204)
    expect((await ask('DELETE', at)).status).toBe(404)
  })

  test('makes groups, moves members by add and remove, and asks for groups without them', async () => {
    const member = await create('b')
    const made = await ask('POST', '/Groups', {
      schemas: [`${core}:Group`, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
      externalId: '8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159',
      displayName: 'displayName',
      meta: { resourceType: 'Group' },
    })
    expect(made.status).toBe(201)
    const at = `/Groups/${made.body.id}`
    const patch = async (op: object) =>
      expect((await ask('PATCH', at, { ...patchOp, Operations: [op] })).status).toBe(204)
    await patch({ op: 'Replace', path: 'displayName', value: 'updated' })
    await patch({ op: 'Add', path: 'members', value: [{ $ref: null, value: member }] })
    expect((await ask('GET', at)).body.members).toEqual([{ value: member, display: expect.any(String) }])
    expect((await ask('GET', `${at}?excludedAttributes=members`)).body).not.toHaveProperty('members')
    const found = await ask('GET', '/Groups?excludedAttributes=members&filter=displayName+eq+%22updated%22')
    expect(found.body).toMatchObject({ totalResults: 1, Resources: [{ id: made.body.id }] })
    expect(found.body.Resources[0]).not.toHaveProperty('members')
    const isMember = encodeURIComponent(`id eq "${made.body.id}" and members eq "${member}"`)
    expect((await ask('GET', `/Groups?filter=${isMember}`)).body.totalResults).toBe(1)
    const { items } = await admin.users.list()
    expect(items.find(({ name }) => name === 'test_user_b')).toMatchObject({ groups: ['updated'] })
    await patch({ op: 'Remove', path: 'members', value: [{ $ref: null, value: member }] })
    expect((await ask('GET', `/Groups?filter=${isMember}`)).body.totalResults).toBe(0)
    expect((await ask('DELETE', at)).status).toBe(204)
  })

  test('asks what the endpoint can', async () => {
    expect((await ask('GET', '/ServiceProviderConfig')).body).toMatchObject({
      patch: { supported: true },
      bulk: { supported: false },
    })
    expect((await ask('GET', '/ResourceTypes')).body.Resources.map((it: { id: string }) => it.id)).toEqual([
      'User',
      'Group',
    ])
    expect((await ask('GET', '/ResourceTypes/User')).body.schemaExtensions).toEqual([
      { schema: enterprise, required: false },
    ])
    const schemas = await ask('GET', '/Schemas')
    expect(schemas.body).toMatchObject({ totalResults: 3 })
    expect((await ask('GET', `/Schemas/${enterprise}`)).body.attributes).toHaveLength(6)
    expect((await ask('GET', '/Schemas/urn:x')).status).toBe(404)
  })

  test('gets as much of a resource as it asks for', async () => {
    const id = await create('c')
    expect((await ask('GET', `/Users/${id}?attributes=userName,name.givenName,nothing`)).body).toEqual({
      schemas: [`${core}:User`],
      id,
      userName: 'Test_User_c@testuser.com',
      name: { givenName: 'givenName' },
    })
    const less = (await ask('GET', `/Users/${id}?excludedAttributes=id,emails.type,name`)).body
    expect(less).toMatchObject({ id, emails: [{ value: 'c@testuser.com', primary: true }] })
    expect(less).not.toHaveProperty('name')
    expect(less.emails[0]).not.toHaveProperty('type')
  })

  test('is told in SCIM’s own words what is wrong', async () => {
    const error = (status: number, scimType?: string) => ({
      status,
      type: 'application/scim+json; charset=utf-8',
      body: { schemas: [`${messages}:Error`], status: String(status), ...(scimType && { scimType }) },
    })
    expect(await ask('GET', '/Users?filter=userName%20like%20%22x%22')).toMatchObject(
      error(400, 'invalidFilter'),
    )
    expect(await ask('GET', '/Users?startIndex=x')).toMatchObject(error(400, 'invalidValue'))
    expect(await ask('POST', '/Users', '{')).toMatchObject(error(400, 'invalidSyntax'))
    expect(await ask('POST', '/Users', [])).toMatchObject(error(400, 'invalidSyntax'))
    expect(await ask('POST', '/Users')).toMatchObject(error(400, 'invalidSyntax'))
    expect(await ask('POST', '/Users', 'a=b', { 'content-type': 'text/plain' })).toMatchObject(error(400))
    expect(await ask('POST', '/Bulk', {})).toMatchObject(error(404))
    expect(await ask('GET', '/nothing')).toMatchObject(error(404))
    expect(await ask('POST', '/Users', { userName: 'x'.repeat(1024 * 1024) })).toMatchObject(error(413))
    const { body } = await ask('POST', '/Groups', { displayName: 'has a space' })
    expect(body.detail).toContain('the name of the group in policies')
  })
})
