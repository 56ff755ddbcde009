import { patched } from '../../../packages/identity/src/scim/patch.ts'
import { testOf } from '../../../packages/identity/src/scim/evaluate.ts'
import {
  parseFilter,
  parsePath,
  type Filter,
  type PatchPath,
} from '../../../packages/identity/src/scim/filter.ts'
import { ScimProblem } from '../../../packages/identity/src/scim/problem.ts'
import { groupType, userType } from '../../../packages/identity/src/scim/schema.ts'
import { must, type Subject, type Target } from '../target.ts'

/** An input: a filter, a path, and behind a line's end the JSON of a PATCH. */
export const target: Target = {
  name: 'scim',
  promise:
    'filters and paths are refused or mean what they say when they are written again, and a patch is refused or leaves a resource as the schema has it',
  unit: 'inputs',
  units: { long: 300_000, short: 3000 },
  guide: /packages\/identity\/src\/scim\//,
  maxBytes: 8 * 1024,
  slowMs: 200,
  open: () => Promise.resolve(new Read()),
}

const user = {
  userName: 'dora',
  active: true,
  name: { familyName: 'Meyer' },
  emails: [{ value: 'd@x', type: 'work', primary: true }, { value: 'd@y' }],
}
const group = { displayName: 'dba', members: [{ value: 'U1' }, { value: 'U2' }] }

class Read implements Subject {
  readonly seeds = [
    'userName eq "dora" and not (emails[type eq "work"].value ew "x" or title pr)\n[{"op":"Replace","path":"active","value":"False"}]',
    'id eq "G" and members eq "U1"\n[{"op":"remove","path":"members[value eq \\"U1\\"]"},{"op":"Add","path":"members","value":[{"value":"U3"}]}]',
    'emails[type eq "work"].value\n[{"op":"add","value":{"name.familyName":"x","emails[type eq \\"home\\"].value":"y"}}]',
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value\n[{"op":"remove","path":"name"}]',
  ].map((text) => Buffer.from(text))
  readonly words = [
    ' and ', ' or ', 'not (', '(', ')', '[', ']', '.', ':', '"', '\\', 'eq ', 'ne ', 'co ', 'pr', 'gt ', 'true', 'null', '1e9', 'userName', 'emails', 'members',
    'value', 'type', 'active', 'name', 'primary', 'urn:', 'urn:ietf:params:scim:schemas:core:2.0:User:', '"op":"add"', '"op":"replace"', '"op":"remove"', '"path":',
    '"value":', '"__proto__":{"polluted":1}', '"constructor"', '[]', '{}', '\n', '"$ref":null', '\\u0000',
  ].map((text) => Buffer.from(text)) // prettier-ignore

  readonly run = (input: Buffer): number => {
    const [head = '', ...rest] = input.toString('utf8').split('\n')
    const filter = refusedOr(() => parseFilter(head))
    if (filter !== undefined) {
      must(same(parseFilter(written(filter)), filter), () => `${written(filter)} is another filter`)
      for (const type of [userType, groupType])
        refusedOr(() => testOf(filter, type)(type === userType ? user : group))
    }
    const path = refusedOr(() => parsePath(head))
    if (path !== undefined) must(same(parsePath(pathWritten(path)), path), () => 'another path')
    const operations = jsonOf(rest.join('\n'))
    for (const [type, resource] of [
      [userType, user],
      [groupType, group],
    ] as const) {
      const before = JSON.stringify(resource)
      const after = refusedOr(() => patched(resource, { Operations: operations }, type))
      must(JSON.stringify(resource) === before, () => 'what was patched has changed')
      if (after === undefined) continue
      const known = [
        ...type.schema.attributes.map(({ name }) => name),
        'externalId',
        ...type.extensions.map(({ id }) => id),
      ]
      for (const [name, value] of Object.entries(after)) {
        must(known.includes(name) && name !== 'password', () => `${name} is no attribute that is kept`)
        must(value !== null && value !== undefined, () => `${name} is there, and nothing`)
      }
      must(!('active' in after) || typeof after['active'] === 'boolean', () => 'neither active nor not')
      const members = (after['members'] ?? []) as { value?: unknown }[]
      must(
        new Set(members.map(({ value }) => value)).size === members.length,
        () => 'somebody is in it twice',
      )
    }
    must(!('polluted' in {}), () => 'a prototype was changed')
    return 1
  };

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve()
  }
}

function refusedOr<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (thrown) {
    must(thrown instanceof ScimProblem, () => `threw ${String(thrown)}`)
    must(!/[\p{Cc}\p{Zl}]/u.test(thrown.message), () => 'refused without a plain reason')
    return undefined
  }
}

function written(filter: Filter): string {
  switch (filter.is) {
    case 'and':
    case 'or':
      return `(${written(filter.left)}) ${filter.is} (${written(filter.right)})`
    case 'not':
      return `not (${written(filter.of)})`
    case 'present':
      return `${pathWritten(filter.path)} pr`
    case 'within':
      return `${pathWritten(filter.path)}[${written(filter.of)}]`
    case 'compare':
      return `${pathWritten(filter.path)} ${filter.operator} ${JSON.stringify(filter.value)}`
  }
}

function pathWritten({ schema, name, sub, where }: PatchPath): string {
  const inner = where === undefined ? '' : `[${written(where)}]`
  return `${schema === undefined ? '' : `${schema}:`}${name}${inner}${sub === undefined ? '' : `.${sub}`}`
}

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return []
  }
}
