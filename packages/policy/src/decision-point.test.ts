import type { Decision } from '@sallyport/core'
import { describe, expect, test } from 'vitest'
import { compilePolicies } from './index.ts'
import { postgresVocabulary } from './testing/postgres-vocabulary.ts'
import { agentOf, ordersDb, person, pointFor, statement } from './testing/world.ts'

const dana = person('dana', 'developers')
const orders = 'shop/public/orders'

function decide(policies: string, ...facts: ReturnType<typeof statement>[]): Decision {
  return pointFor(policies).decide(dana, ordersDb, 'app', facts)
}

describe('who is permitted what', () => {
  test('without a policy everything is denied, and the denial says what was asked', () => {
    expect(decide('', statement({ read: [orders] }))).toMatchObject({
      effect: 'deny',
      policies: [],
      reason: 'no policy permits read on shop.public.orders',
    })
    expect(pointFor('').connect(dana, ordersDb, 'app').effect).toBe('deny')
  })

  test('a permit is named by the decision', () => {
    const policy =
      '@id("readers") permit (principal in Group::"developers", action == Action::"read", resource);'
    expect(decide(policy, statement({ read: [orders] }))).toMatchObject({
      effect: 'allow',
      policies: ['readers'],
    })
    expect(decide(policy, statement({ update: [orders] })).effect).toBe('deny')
  })

  test('a forbid wins, and gives its reason', () => {
    const policies = `
      @id("all") permit (principal, action, resource);
      @id("no-where") @reason("add a WHERE clause") forbid (principal, action == Action::"delete", resource) when { context.unfiltered };`
    expect(decide(policies, statement({ delete: [orders] }, { unfiltered: true }))).toMatchObject({
      effect: 'deny',
      policies: ['no-where'],
      reason: 'add a WHERE clause',
    })
    expect(decide(policies, statement({ delete: [orders] })).effect).toBe('allow')
  })

  test.each([
    ['the table', 'resource == Object::"orders-db/shop/public/orders"', true],
    ['the table, by in', 'resource in Object::"orders-db/shop/public/orders"', true],
    ['its schema', 'resource in Object::"orders-db/shop/public"', true],
    ['its database', 'resource in Object::"orders-db/shop"', true],
    ['its resource', 'resource in Resource::"orders-db"', true],
    ['a label of its resource', 'resource in Label::"env=prod"', true],
    ['its name', 'resource is Object', true],
    ['another table', 'resource == Object::"orders-db/shop/public/customers"', false],
    ['another schema', 'resource in Object::"orders-db/shop/private"', false],
    ['a schema whose name begins alike', 'resource in Object::"orders-db/shop/pub"', false],
    ['the schema itself', 'resource == Object::"orders-db/shop/public"', false],
    ['another resource', 'resource in Resource::"payroll-db"', false],
    ['another label', 'resource in Label::"env=test"', false],
  ])('a table can be named by %s', (_, scope, isPermitted) => {
    const { effect } = decide(`@id("x") permit (principal, action, ${scope});`, statement({ read: [orders] }))
    expect(effect).toBe(isPermitted ? 'allow' : 'deny')
  })

  test('name and path of an object can be asked for', () => {
    const byName =
      '@id("x") permit (principal, action, resource is Object) when { resource.name == "orders" };'
    const byPath =
      '@id("x") permit (principal, action, resource is Object) when { resource.path like "*/public/*" };'
    expect(decide(byName, statement({ read: [orders] })).effect).toBe('allow')
    expect(decide(byPath, statement({ read: [orders] })).effect).toBe('allow')
    expect(decide(byPath, statement({ read: ['shop/private/orders'] })).effect).toBe('deny')
  })

  test('a slash in a name cannot make it another object', () => {
    const point = pointFor(
      '@id("x") permit (principal, action, resource in Object::"orders-db/shop/public");',
    )
    const sly = {
      ...statement({ read: [orders] }),
      objects: [{ path: ['shop', 'public/orders'], actions: ['read'] }],
    }
    expect(point.decide(dana, ordersDb, 'app', [sly]).effect).toBe('deny')
    const spelled = pointFor(
      '@id("x") permit (principal, action, resource == Object::"orders-db/shop/a%2Fb%25");',
    )
    const named = { ...sly, objects: [{ path: ['shop', 'a/b%'], actions: ['read'] }] }
    expect(spelled.decide(dana, ordersDb, 'app', [named]).effect).toBe('allow')
  })

  test.each([
    ['User::"dana"', true],
    ['User::"dan"', false],
    ['Workload::"dana"', false],
  ])('a person is principal == %s: %s', (uid, isPermitted) => {
    const { effect } = decide(
      `@id("x") permit (principal == ${uid}, action, resource);`,
      statement({ read: [] }),
    )
    expect(effect).toBe(isPermitted ? 'allow' : 'deny')
  })

  test('action groups cover their actions, and no others', () => {
    const policy = '@id("x") permit (principal, action in Action::"write", resource);'
    for (const action of ['insert', 'update', 'delete'])
      expect(decide(policy, statement({ [action]: [orders] })).effect).toBe('allow')
    for (const action of ['read', 'ddl', 'session', 'unparsed'])
      expect(decide(policy, statement({ [action]: [orders] })).effect).toBe('deny')
  })

  test('the account and the actor can be asked for', () => {
    const point = pointFor(`
      @id("themselves") permit (principal, action == Action::"connect", resource) unless { context.actor.isDelegated };
      @id("x") permit (principal, action == Action::"connect", resource)
      when { context.account == "app" && context.actor.kind == "agent" && context.actor.id == "helper" && context.actor.isDelegated };`)
    const helper = agentOf(dana, 'helper')
    expect(point.connect(helper, ordersDb, 'app').effect).toBe('allow')
    expect(point.connect(helper, ordersDb, 'postgres').effect).toBe('deny')
    expect(point.connect(agentOf(dana, 'other'), ordersDb, 'app').effect).toBe('deny')
    expect(point.connect(dana, ordersDb, 'app').policies).toEqual(['themselves'])
  })
})

describe('everything an operation does is judged', () => {
  const reader = '@id("r") permit (principal, action == Action::"read", resource);'

  test('each action on each object', () => {
    const some =
      '@id("r") permit (principal, action == Action::"read", resource in Object::"orders-db/shop/public");'
    expect(decide(some, statement({ read: [orders, 'shop/public/items'] })).effect).toBe('allow')
    expect(decide(some, statement({ read: [orders, 'shop/private/keys'] }))).toMatchObject({
      effect: 'deny',
      reason: 'no policy permits read on shop.private.keys',
    })
  })

  test('an action on no object is asked of the resource', () => {
    expect(decide(reader, statement({ read: [orders], copy_program: [] }))).toMatchObject({
      effect: 'deny',
      reason: 'no policy permits copy_program on orders-db',
    })
  })

  test('an object without actions of its own suffers all of the statement', () => {
    const facts = {
      ...statement({ read: [], delete: [] }),
      objects: [{ path: ['shop', 'public', 'x'], actions: [] }],
    }
    expect(decide(reader, facts)).toMatchObject({
      effect: 'deny',
      reason: 'no policy permits delete on shop.public.x',
    })
  })

  test('each of several statements, and an operation without any is denied', () => {
    expect(decide(reader, statement({ read: [orders] }), statement({ read: [] })).effect).toBe('allow')
    expect(decide(reader, statement({ read: [orders] }), statement({ update: [orders] })).effect).toBe('deny')
    expect(decide(reader).effect).toBe('deny')
  })

  test('what would take too long to judge is denied', () => {
    const many = Array.from({ length: 2001 }, (_, i) => `shop/public/t${i}`)
    expect(decide(reader, statement({ read: many }))).toMatchObject({
      effect: 'deny',
      policies: ['too-complex'],
    })
    const columns = Array.from({ length: 40_000 }, (_, i) => `public.t.c${i}`)
    expect(decide(reader, statement({ read: [orders] }, { columns }))).toMatchObject({
      policies: ['too-complex'],
    })
    const statements = Array.from({ length: 2001 }, () => statement({ read: [] }))
    expect(decide(reader, ...statements)).toMatchObject({ policies: ['too-complex'] })
  })

  test('names are shown on one line', () => {
    const { reason } = decide('', statement({ read: ['shop/pub\nlic/\u001b[31m\u202e'] }))
    expect(reason).toBe('no policy permits read on shop.pub?lic.?[31m?')
  })
})

describe('masking is the absence of a permission', () => {
  const seesContact = `
    @id("all") permit (principal, action in [Action::"read", Action::"connect"], resource);
    @id("support-sees-mail") permit (principal in Group::"support", action == Action::"unmask", resource == Tag::"pii.email")
    when { context.on in Label::"env=prod" };
    @id("officers") permit (principal in Group::"officers", action == Action::"unmask", resource in Tag::"pii");`

  test('tags of columns and detectors are masked unless policy permits to unmask them', () => {
    const point = pointFor(seesContact)
    expect([...point.maskedTags(dana, ordersDb)].sort()).toEqual(['pii.card', 'pii.email', 'pii.phone'])
    expect([...point.maskedTags(person('sue', 'support'), ordersDb)].sort()).toEqual([
      'pii.card',
      'pii.phone',
    ])
    expect([...point.maskedTags(person('olaf', 'officers'), ordersDb)]).toEqual([])
    const elsewhere = { ...ordersDb, labels: { env: 'test' } }
    expect(point.maskedTags(person('sue', 'support'), elsewhere).has('pii.email')).toBe(true)
  })

  test('a permit that needs a review does not unmask', () => {
    const point = pointFor(
      '@id("x") @review("dpo") permit (principal, action == Action::"unmask", resource);',
    )
    expect(point.maskedTags(dana, ordersDb).size).toBe(3)
  })

  test('the set is the same object while nothing changes, for equal subjects and resources as well', () => {
    const point = pointFor(seesContact)
    const masked = point.maskedTags(dana, ordersDb)
    expect(point.maskedTags(person('dana', 'developers'), structuredClone(ordersDb))).toBe(masked)
    expect(point.decide(dana, ordersDb, 'app', [statement({ read: [] })]).obligations.maskedTags).toBe(masked)
    expect(point.connect(dana, ordersDb, 'other').obligations.maskedTags).toBe(masked)
  })

  test('a statement that uses a masked value in clear is denied, and the decision says that masking is why', () => {
    const point = pointFor(seesContact)
    const search = statement({ read: ['shop/public/customers'] }, {}, ['pii.email'])
    expect(point.decide(dana, ordersDb, 'app', [search])).toMatchObject({
      effect: 'deny',
      policies: ['masked-column'],
      reason: 'it uses the clear value of pii.email, which you may only see masked',
    })
    expect(point.decide(person('sue', 'support'), ordersDb, 'app', [search]).effect).toBe('allow')
  })

  test('so is one that uses a tag nobody declared', () => {
    const search = statement({ read: [] }, {}, ['unknown.tag'])
    expect(pointFor(seesContact).decide(dana, ordersDb, 'app', [search]).policies).toEqual(['masked-column'])
  })

  test('where policy denies as well, policy is why', () => {
    const search = statement({ update: ['shop/public/customers'] }, {}, ['pii.email'])
    expect(pointFor(seesContact).decide(dana, ordersDb, 'app', [search]).policies).toEqual([])
  })
})

describe('the gateway itself', () => {
  test('administrators administer and replay; nobody else does', () => {
    const point = pointFor('')
    const root = person('root', 'administrators')
    expect(point.may(root, 'administer')).toMatchObject({
      effect: 'allow',
      policies: ['sallyport.administrators'],
    })
    expect(point.may(root, 'replay', ordersDb).effect).toBe('allow')
    expect(point.may(dana, 'administer').effect).toBe('deny')
    expect(point.may(dana, 'replay', ordersDb).effect).toBe('deny')
    expect(point.connect(root, ordersDb, 'app').effect).toBe('deny')
    expect(point.maskedTags(root, ordersDb).size).toBe(3)
  })

  test('an agent inherits neither that nor the answering of reviews', () => {
    const point = pointFor('')
    const helper = agentOf(person('root', 'administrators'), 'helper')
    expect(point.may(helper, 'administer').effect).toBe('deny')
    expect(point.may(helper, 'replay', ordersDb).effect).toBe('deny')
    expect(point.may(helper, 'review').effect).toBe('deny')
    expect(point.may(dana, 'review').effect).toBe('allow')
  })

  test('replay can be permitted by resource', () => {
    const point = pointFor(
      '@id("x") permit (principal in Group::"developers", action == Action::"replay", resource in Label::"team=shop");',
    )
    expect(point.may(dana, 'replay', ordersDb).effect).toBe('allow')
    expect(point.may(dana, 'replay').effect).toBe('deny')
  })
})

test('a fact that no policy asks for does not tell statements apart', () => {
  const point = pointFor(`
    @id("all") permit (principal, action == Action::"read", resource);
    @id("none") forbid (principal, action == Action::"read", resource) when { context.functions.contains("f") };`)
  const ask = (context: Parameters<typeof statement>[1]): Decision =>
    point.decide(dana, ordersDb, 'app', [statement({ read: [orders] }, context)])
  expect(ask({ columns: ['public.orders.id'] }).effect).toBe('allow')
  expect(ask({ functions: ['f'] }).effect).toBe('deny')
  expect(ask({ functions: ['g'] }).effect).toBe('allow')
})

test('more decision points than the engine has places for all keep their own policies', () => {
  const points = Array.from({ length: 150 }, (_, i) =>
    pointFor(`@id("p${i}") permit (principal, action, resource in Object::"orders-db/d${i}");`),
  )
  for (const round of [1, 2])
    for (const [i, point] of points.entries()) {
      const ask = (database: number): Decision =>
        point.decide(dana, ordersDb, `round ${round}`, [statement({ read: [`d${database}/s/t`] })])
      expect(ask(i)).toMatchObject({ effect: 'allow', policies: [`p${i}`] })
      expect(ask(i + 1).effect).toBe('deny')
    }
})

test('protocols share actions, and each resource is judged with the facts of its own', () => {
  const other = {
    name: 'files',
    actions: [{ name: 'read', group: 'read' as const, meaning: 'reads' }],
    facts: [{ name: 'path', type: 'string' as const, meaning: 'which file' }],
  }
  const policies = `
    @id("files") permit (principal, action == Action::"read", resource) when { context.path like "/srv/*" };
    @id("calls") forbid (principal, action == Action::"read", resource) when { context.functions.contains("f") };`
  const point = compilePolicies({
    policies: [{ name: 'p', text: policies }],
    vocabulary: [postgresVocabulary, other],
    version: '1',
  })
  const files = { ...ordersDb, name: 'files', protocol: 'files' }
  const readFile = (path: string): Decision =>
    point.decide(dana, files, 'app', [{ ...statement({ read: [] }), context: { path } }])
  expect(readFile('/srv/a').effect).toBe('allow')
  expect(readFile('/etc/a').effect).toBe('deny')
  expect(point.decide(dana, ordersDb, 'app', [statement({ read: [] })]).effect).toBe('deny')
  const wrongFact = statement({ read: [] }, { path: '/srv/a' })
  expect(point.decide(dana, ordersDb, 'app', [wrongFact]).policies).toEqual(['evaluation-error'])
})
