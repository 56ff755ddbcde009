import { describe, expect, test } from 'vitest'
import { testOf } from './evaluate.ts'
import { parseFilter, parsePath } from './filter.ts'
import { groupType, userType } from './schema.ts'

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const dora = {
  userName: 'Dora@acme.example',
  externalId: 'A1',
  active: true,
  name: { familyName: 'Meyer', givenName: 'Dora' },
  emails: [
    { value: 'dora@acme.example', type: 'work', primary: true },
    { value: 'dora@home.example', type: 'home' },
  ],
  [enterprise]: { department: 'Books', manager: { value: 'M1' } },
  meta: { lastModified: '2026-01-02T00:00:00.000Z' },
}
const fulfils = (text: string, resource: object = dora): boolean =>
  testOf(parseFilter(text), userType)({ ...resource })

describe('a filter', () => {
  test.each([
    ['userName eq "dora@ACME.example"', true],
    ['username EQ "dora@acme.example"', true],
    ['externalId eq "a1"', false],
    ['externalId eq "A1"', true],
    ['userName ne "x"', true],
    ['title ne "x"', true],
    ['userName co "acme"', true],
    ['userName sw "dora"', true],
    ['userName ew "example"', true],
    ['active eq true', true],
    ['active ne true', false],
    ['title pr', false],
    ['name.familyName pr', true],
    ['title eq null', true],
    ['userName ne null', true],
    ['emails eq "dora@home.example"', true],
    ['emails[type eq "work" and value co "home"]', false],
    ['emails[type eq "home" and value co "home"]', true],
    ['emails[type eq "home"].value ew "home.example" and active eq true', true],
    ['emails[type eq "work"].value ew "home.example"', false],
    ['emails.type eq "home"', true],
    [`${enterprise}:department eq "books"`, true],
    [`${enterprise}:manager eq "M1"`, true],
    ['urn:ietf:params:scim:schemas:core:2.0:User:name.givenName eq "dora"', true],
    ['meta.lastModified gt "2026-01-01T00:00:00.000Z"', true],
    ['meta.lastModified le "2026-01-01T00:00:00.000Z"', false],
    ['not (active eq true)', false],
    ['not(active eq true)', false],
    ['title pr or active eq true and userName pr', true],
    ['(title pr or active eq true) and title pr', false],
    ['userName eq "a\\"b\\u0041"', false],
  ])('%s is %s of Dora', (text, expected) => {
    expect(fulfils(text)).toBe(expected)
  })

  test('that asks for several binds `and` tighter than `or`', () => {
    expect(parseFilter('title pr or title pr and active pr')).toMatchObject({
      is: 'or',
      right: { is: 'and' },
    })
  })

  test.each([
    '',
    'userName',
    'userName eq',
    'userName eq dora',
    'userName like "x"',
    'userName eq "x" and',
    'userName eq "x" userName pr',
    'userName eq "x"and active pr extra',
    '(userName pr',
    'userName pr)',
    'not userName pr',
    'emails.type[value pr]',
    'emails[type eq "x"',
    'emails[type eq "x"].nothing eq "x"',
    'userName eq "unclosed',
    'userName eq "\u0007"',
    'nothing eq "x"',
    'password eq "x"',
    'emails[nothing eq "x"]',
    'name.nothing pr',
    'name eq "x"',
    'userName.value eq "x"',
    'active gt true',
    'active eq "true"',
    'userName eq 7',
    'userName eq 1e',
    `${'('.repeat(18)}active pr${')'.repeat(18)}`,
    Array.from({ length: 101 }, () => 'active pr').join(' and '),
    `userName eq "${'x'.repeat(4096)}"`,
  ])('%j is refused as one that cannot be read', (text) => {
    expect(() => fulfils(text)).toThrow(expect.objectContaining({ scimType: 'invalidFilter', status: 400 }))
  })

  test('of a group looks at its members by their id', () => {
    const group = { id: 'G', displayName: 'dba', members: [{ value: 'U1' }, { value: 'U2' }] }
    const is = (text: string): boolean => testOf(parseFilter(text), groupType)(group)
    expect(is('id eq "G" and members eq "U2"')).toBe(true)
    expect(is('members[value eq "U3"]')).toBe(false)
    expect(is('members.value eq "u1"')).toBe(false)
  })
})

describe('a path', () => {
  test('names an attribute, one inside of it, or values of a list', () => {
    expect(parsePath('userName')).toEqual({ name: 'userName' })
    expect(parsePath('name.familyName')).toEqual({ name: 'name', sub: 'familyName' })
    expect(parsePath(`${enterprise}:manager.value`)).toEqual({
      schema: enterprise,
      name: 'manager',
      sub: 'value',
    })
    expect(parsePath('emails[type eq "work"].value')).toMatchObject({
      name: 'emails',
      sub: 'value',
      where: { is: 'compare', value: 'work' },
    })
  })

  test.each([
    '',
    'a b',
    'a.b.c',
    'a[b pr',
    'a[b pr].',
    'a[b pr]c',
    'a.b[c pr]',
    '.a',
    '7a',
    'a[]',
    'members[value eq "x"] or a',
  ])('%j is refused', (text) => {
    expect(() => parsePath(text)).toThrow(expect.objectContaining({ scimType: 'invalidPath' }))
  })
})
