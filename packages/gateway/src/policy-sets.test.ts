import type { Client } from '@sallyport/api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failure, setUp, startWorld, type World } from './testing/world.ts'

const policy = (i: number) =>
  `@id("t${i}") permit (principal in Group::"staff", action == Action::"read", resource in Object::"shop/t${i}"); // ${'as agreed '.repeat(110)}`
/** One file each, as many keep them: 1.2 MB. */
const many = Array.from({ length: 1000 }, (_, i) => ({ name: `t${i}`, text: policy(i) }))
const cases = [
  {
    name: 'cases.yaml',
    text: `
people: { sam: { user: sam, groups: [staff] } }
resources: { shop: { protocol: toy } }
cases:
  - { name: the last one reads, who: sam, resource: shop, does: { actions: [read], objects: [t999] }, expect: allow }
`,
  },
]

let world: World
let root: Client

beforeAll(async () => {
  world = await startWorld()
  root = await setUp(world)
})
afterAll(() => world[Symbol.asyncDispose]())

test('a set of a thousand policies is checked, tested and simulated', async () => {
  expect(JSON.stringify(many).length).toBeGreaterThan(1024 * 1024)
  expect(await root.policies.check({ policies: many })).toEqual({ problems: [] })
  expect(await root.policies.test({ policies: many, cases })).toMatchObject({ passed: 1, failed: 0 })
  const lines = []
  for await (const line of root.policies.simulate({ policies: many })) lines.push(line)
  expect(lines.at(-1)).toMatchObject({ kind: 'report', changes: [] })
}, 60_000)

test('what is wrong at the end of a large set is found, and more than fits is refused', async () => {
  const wrong = [...many, { name: 'last', text: '@id("t7") permit (principal, action, resource);' }]
  expect(await root.policies.check({ policies: wrong })).toMatchObject({
    problems: [{ file: 'last', message: '@id "t7" is taken by t7:1' }],
  })
  const tooMuch = many.map(({ name, text }) => ({ name, text: `${text} // ${'x'.repeat(3600)}` }))
  expect(await failure(root.policies.check({ policies: tooMuch }))).toMatchObject({ status: 413 })
}, 60_000)
