import { describe, expect, test } from 'vitest'
import { patched } from './patch.ts'
import { groupType, userType } from './schema.ts'
import { draftFrom } from './values.ts'

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const user = {
  userName: 'dora',
  active: true,
  name: { familyName: 'Meyer', givenName: 'Dora' },
  emails: [{ value: 'dora@acme.example', type: 'work', primary: true }],
}
const patch = (...operations: readonly unknown[]) =>
  patched(user, { schemas: [], Operations: operations }, userType)
const group = { displayName: 'dba', members: [{ value: 'U1' }, { value: 'U2' }] }
const patchGroup = (...operations: readonly unknown[]) =>
  patched(group, { Operations: operations }, groupType)['members']

describe('a patch of a user', () => {
  test.each([
    ['by Okta', { op: 'replace', value: { active: false } }],
    ['by Entra ID', { op: 'Replace', path: 'active', value: 'False' }],
    ['by Entra ID with its flag', { op: 'Replace', path: 'active', value: false }],
    ['by Entra ID without a path', { op: 'Add', value: { active: 'False' } }],
  ])('%s says that they are not active', (_by, operation) => {
    expect(patch(operation)['active']).toBe(false)
  })

  test('replaces what stands inside, and leaves the rest', () => {
    expect(patch({ op: 'Replace', path: 'name.familyName', value: 'Klein' })['name']).toEqual({
      familyName: 'Klein',
      givenName: 'Dora',
    })
    expect(patch({ op: 'replace', value: { name: { familyName: 'Klein' } } })['name']).toEqual({
      familyName: 'Klein',
      givenName: 'Dora',
    })
  })

  test('may name attributes with dots, brackets and URNs where there is no path', () => {
    const now = patch({
      op: 'Add',
      value: {
        'name.familyName': 'Klein',
        'emails[type eq "work"].value': 'klein@acme.example',
        [`${enterprise}:department`]: 'Books',
        [enterprise]: { costCenter: '7' },
        id: 'X',
        nothing: 1,
        'urn:okta:acme:1.0:user:custom': 'x',
      },
    })
    expect(now).toEqual({
      ...user,
      name: { familyName: 'Klein', givenName: 'Dora' },
      emails: [{ value: 'klein@acme.example', type: 'work', primary: true }],
      [enterprise]: { department: 'Books', costCenter: '7' },
    })
  })

  test('makes the value that its filter describes, where there is none', () => {
    expect(
      patch({ op: 'Add', path: 'phoneNumbers[type eq "work"].value', value: '7' })['phoneNumbers'],
    ).toEqual([{ type: 'work', value: '7' }])
    const vague = { op: 'Replace', path: 'emails[type ne "work"].value', value: 'x' }
    expect(() => patch(vague)).toThrow(expect.objectContaining({ scimType: 'noTarget' }))
  })

  test('has one main value of a list at most', () => {
    const add = { op: 'add', path: 'emails', value: [{ value: 'b@x', primary: true }] }
    expect(patch(add)['emails']).toEqual([
      { value: 'dora@acme.example', type: 'work', primary: false },
      { value: 'b@x', primary: true },
    ])
    expect(patch(add, { op: 'remove', path: 'emails', value: [{ value: 'b@x' }] })['emails']).toHaveLength(1)
  })

  test('takes a manager as an id alone, and removes them', () => {
    const path = `${enterprise}:manager`
    expect(patch({ op: 'Add', path, value: 'M1' })[enterprise]).toEqual({ manager: { value: 'M1' } })
    expect(patch({ op: 'Add', path, value: 'M1' }, { op: 'Remove', path })[enterprise]).toEqual({})
  })

  test('never keeps a password', () => {
    expect(
      patch({ op: 'replace', value: { password: 'x' } }, { op: 'replace', path: 'password', value: 'x' }),
    ).toEqual(user)
    expect(draftFrom({ userName: 'a', password: 'x' }, userType)).toEqual({ userName: 'a' })
  })

  test.each([
    [{ op: 'replace', path: 'id', value: 'x' }, 'mutability'],
    [{ op: 'replace', path: 'nothing', value: 'x' }, 'invalidPath'],
    [{ op: 'replace', path: 'name.nothing', value: 'x' }, 'invalidPath'],
    [{ op: 'replace', path: 'name[familyName pr]', value: 'x' }, 'invalidPath'],
    [{ op: 'replace', path: 'userName eq', value: 'x' }, 'invalidPath'],
    [{ op: 'replace', path: 7, value: 'x' }, 'invalidPath'],
    [{ op: 'remove' }, 'noTarget'],
    [{ op: 'move', path: 'userName' }, 'invalidSyntax'],
    [{ op: 'replace', path: 'active', value: 'maybe' }, 'invalidValue'],
    [{ op: 'replace', path: 'userName', value: {} }, 'invalidValue'],
    [{ op: 'replace', value: 'x' }, 'invalidValue'],
    [{ op: 'replace', path: 'title', value: 'x'.repeat(2049) }, 'invalidValue'],
    [7, 'invalidSyntax'],
  ])('%j is refused as %s', (operation, scimType) => {
    expect(() => patch(operation)).toThrow(expect.objectContaining({ scimType }))
  })

  test('is all of its operations or none, and 1000 at most', () => {
    const before = structuredClone(user)
    expect(() => patch({ op: 'replace', path: 'title', value: 'x' }, { op: 'x' })).toThrow('adds, removes')
    expect(user).toEqual(before)
    const one = { op: 'replace', path: 'title', value: 'x' }
    expect(() => patch(...Array.from({ length: 1001 }, () => one))).toThrow('more than 1000')
    expect(() => patched(user, {}, userType)).toThrow('no Operations')
  })

  test('cannot make a resource larger than it may be', () => {
    const values = Array.from({ length: 100 }, (_, i) => ({ value: `${i}${'x'.repeat(1000)}` }))
    expect(() => patch({ op: 'add', path: 'roles', value: values })).toThrow('more than 65536')
    expect(() => patch({ op: 'add', path: 'roles', value: [...values, {}] })).toThrow('more than 100 values')
  })
})

describe('a patch of a group', () => {
  test('adds members once each', () => {
    const value = [
      { value: 'U2', type: 'User' },
      { $ref: null, value: 'U3' },
    ]
    expect(patchGroup({ op: 'Add', path: 'members', value })).toEqual([
      { value: 'U1' },
      { value: 'U2' },
      { value: 'U3' },
    ])
  })

  test.each([
    ['as Okta does', { op: 'remove', path: 'members[value eq "U1"]' }],
    ['as Entra ID does', { op: 'Remove', path: 'members', value: [{ $ref: null, value: 'U1' }] }],
    ['with a type', { op: 'remove', path: 'members', value: [{ value: 'U1', type: 'User' }] }],
  ])('removes one %s, and no other', (_how, operation) => {
    expect(patchGroup(operation)).toEqual([{ value: 'U2' }])
    expect(patchGroup(operation, operation)).toEqual([{ value: 'U2' }])
  })

  test('removes or replaces all of them', () => {
    expect(patchGroup({ op: 'remove', path: 'members' })).toBeUndefined()
    expect(patchGroup({ op: 'replace', path: 'members', value: [{ value: 'U9' }] })).toEqual([
      { value: 'U9' },
    ])
    expect(patchGroup({ op: 'replace', value: { members: [] } })).toBeUndefined()
  })

  test('has room for 5000 members', () => {
    const value = Array.from({ length: 5000 }, (_, i) => ({ value: `N${i}` }))
    expect(patchGroup({ op: 'replace', path: 'members', value })).toHaveLength(5000)
    expect(() => patchGroup({ op: 'add', path: 'members', value })).toThrow('at most 5000')
  })
})
