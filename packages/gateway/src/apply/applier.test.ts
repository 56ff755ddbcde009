import { Document, type DocumentInput, type Plan } from '@sallyport/api'
import { onOwnBehalf, principalId, type Subject } from '@sallyport/core'
import { FakeClock } from '@sallyport/core/testing'
import { SealedBox } from '@sallyport/identity'
import { openStore } from '@sallyport/store'
import { describe, expect, test } from 'vitest'
import { ProblemError } from '../front/problem.ts'
import { PolicyInForce } from '../policy/in-force.ts'
import { toyProtocol } from '../testing/toy-protocol.ts'
import { Applier, type ApplyRequest, type RollbackRequest } from './applier.ts'

const root = onOwnBehalf({
  kind: 'user',
  id: principalId('user', 'root'),
  name: 'root',
  groups: ['administrators'],
})

async function world() {
  const clock = new FakeClock()
  const store = await openStore({ file: ':memory:', clock })
  const policies = await PolicyInForce.load(store, { protocols: [toyProtocol], detectorTags: {} }, clock)
  const applied: Plan[] = []
  const applier = new Applier({
    store,
    policies,
    known: { protocols: [toyProtocol], detectors: ['email'], stores: new Map() },
    box: new SealedBox(Buffer.alloc(32, 7)),
    clock,
    onApplied: (_, plan) => applied.push(plan),
  })
  const apply = (documents: readonly DocumentInput[], over: Partial<ApplyRequest> = {}, by: Subject = root) =>
    applier.apply(by, {
      documents: documents.map((it) => Document.parse(it)),
      dryRun: false,
      prune: false,
      ...over,
    })
  const rollback = (version: string, over: Partial<RollbackRequest> = {}) =>
    applier.rollback(root, { version, dryRun: false, ...over })
  return {
    store,
    policies,
    apply,
    rollback,
    applied,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

const resource: DocumentInput = {
  kind: 'Resource',
  name: 'shop',
  protocol: 'toy',
  host: 'toy.internal',
  agent: 'dc1',
  accounts: [{ name: 'app', credential: { from: 'sealed', name: 'shop-app' } }],
}
const credential: DocumentInput = { kind: 'Credential', name: 'shop-app', password: 'hunter2' }
const policy: DocumentInput = {
  kind: 'Policy',
  name: 'readers',
  text: '@id("readers") permit (principal in Group::"readers", action == Action::"connect", resource);',
}
const user: DocumentInput = { kind: 'User', name: 'bob', groups: ['readers'] }
const all = [resource, credential, policy, user]

const actions = ({ plan }: Plan) => plan.map((it) => `${it.action} ${it.kind}/${it.name}`)
const problem = (promise: Promise<unknown>) => promise.catch((error: unknown) => error as ProblemError)

describe('applying', () => {
  test('plans without doing, does, and does nothing the second time', async () => {
    await using it = await world()
    const dry = await it.apply(all, { dryRun: true })
    expect(actions(dry)).toEqual([
      'create Resource/shop',
      'create Credential/shop-app',
      'create Policy/readers',
      'create User/bob',
    ])
    expect(dry).toMatchObject({ applied: false, policyVersion: '1' })
    expect(dry.warnings).toEqual(['user bob has no password yet: make them a set-up link'])
    expect(await it.store.read.resources.list()).toEqual([])
    expect(it.policies.point.version).toBe('0')

    expect(await it.apply(all)).toMatchObject({ applied: true, policyVersion: '1' })
    expect(await it.store.read.resources.get('shop')).toMatchObject({ port: 7, recording: 'batched' })
    expect(await it.store.read.users.get('bob')).toMatchObject({ groups: ['readers'], passwordHash: null })
    expect(it.policies.point.version).toBe('1')
    expect(it.applied).toHaveLength(1)

    const again = await it.apply(all)
    expect(again).toMatchObject({ applied: false, policyVersion: '1' })
    expect(actions(again).every((line) => line.startsWith('unchanged'))).toBe(true)
    expect(await it.store.read.audit.list(10)).toHaveLength(1)
  })

  test('never shows or stores a password in clear', async () => {
    await using it = await world()
    await it.apply(all)
    const changed = await it.apply([{ ...credential, password: 'hunter3' }])
    expect(actions(changed)).toEqual(['update Credential/shop-app'])
    const audit = await it.store.read.audit.list(10)
    expect(JSON.stringify([changed, it.applied, audit])).not.toContain('hunter')
  })

  test('prunes what is no longer declared', async () => {
    await using it = await world()
    await it.apply(all)
    const plan = await it.apply([policy], { prune: true })
    expect(actions(plan)).toEqual(['unchanged Policy/readers'])
    const other = { ...resource, name: 'other', accounts: [{ name: 'app', credential: { from: 'none' } }] }
    expect(actions(await it.apply([other as DocumentInput], { prune: true }))).toEqual([
      'create Resource/other',
      'delete Resource/shop',
    ])
    expect((await it.store.read.resources.list()).map(({ name }) => name)).toEqual(['other'])
  })

  test('changes nothing where a policy does not stand, and says where', async () => {
    await using it = await world()
    const broken = { ...policy, text: 'permit (principal, action == Action::"fly", resource);' }
    const error = await problem(it.apply([resource, credential, broken, user]))
    expect(error).toMatchObject({
      code: 'invalid-policy',
      errors: [{ path: expect.stringMatching(/^readers:1:\d+$/) }],
    })
    expect(await it.store.read.resources.list()).toEqual([])
    expect(it.policies.point.version).toBe('0')
  })

  test.each([
    ['an unknown protocol', [{ ...resource, protocol: 'oracle' }], 'documents.0.protocol'],
    ['an unknown option', [{ ...resource, options: { fast: true } }], 'documents.0.options'],
    ['a credential that is not there', [resource], 'documents.0.accounts.0.credential'],
    ['the same thing twice', [credential, resource, credential], 'documents.2'],
  ])('refuses %s', async (_, documents, path) => {
    await using it = await world()
    expect(await problem(it.apply(documents as DocumentInput[]))).toMatchObject({
      code: 'invalid-request',
      errors: [{ path }],
    })
    expect(await it.store.read.resources.list()).toEqual([])
  })

  test.each([
    [
      'a policy that forbids it',
      [{ ...policy, text: '@id("x") forbid (principal, action == Action::"administer", resource);' }],
    ],
    ['leaving the group', [{ kind: 'User', name: 'root', groups: [] }]],
  ])('refuses to lock out whoever applies: %s', async (_, documents) => {
    await using it = await world()
    expect(await problem(it.apply(documents as DocumentInput[]))).toMatchObject({ code: 'would-lock-out' })
    expect(it.policies.point.version).toBe('0')
  })

  test('refuses to pin administrators elsewhere than where whoever applies comes from, and to nothing else', async () => {
    const pinned = (range: string) => ({
      ...policy,
      text: `@id("x") forbid (principal, action == Action::"administer", resource) unless { context.source.isInRange(ip("${range}")) };`,
    })
    await using it = await world()
    const by = { ...root, source: '10.0.0.1' }
    expect(await problem(it.apply([pinned('192.0.2.0/24')], {}, by))).toMatchObject({
      code: 'would-lock-out',
    })
    await it.apply([pinned('10.0.0.0/8')], {}, by)
    expect(it.policies.point.version).toBe('1')
  })

  test('at the same time follows one another', async () => {
    await using it = await world()
    const plans = await Promise.all([it.apply(all), it.apply(all)])
    expect(plans.map(({ applied }) => applied)).toEqual([true, false])
  })
})

describe('versions of the policies', () => {
  const second = { ...policy, text: policy.text.replace('"connect"', '"replay"') }
  const other = { ...policy, name: 'others', text: policy.text.replace('"readers")', '"others")') }

  test('each has its author, its note, and its difference in the audit log', async () => {
    await using it = await world()
    await it.apply([policy], { note: 'readers connect' })
    await it.apply([second])
    expect(await it.store.read.policies.list(10)).toMatchObject([
      { version: 2, author: 'user:root', note: '' },
      { version: 1, author: 'user:root', note: 'readers connect' },
    ])
    const [entry] = await it.store.read.audit.list(1)
    expect(entry?.by).toBe('user:root')
    expect(entry?.changes.join('\n')).toContain('--- a/readers.cedar\n+++ b/readers.cedar\n@@')
    expect(entry?.changes.join('\n')).toContain(
      '+@id("readers") permit (principal in Group::"readers", action == Action::"replay"',
    )
  })

  test('a long difference is cut in the audit log, which says where all of it is', async () => {
    await using it = await world()
    await it.apply([{ ...policy, text: `${policy.text}\n${'// much to say\n'.repeat(5000)}` }])
    const change = (await it.store.read.audit.list(1))[0]?.changes.at(-1)
    expect(change?.length).toBeLessThan(17_000)
    expect(change).toContain('sallyport policy diff 0 1')
  })

  test('a rollback is a new version with the very policies of the old one, and says so', async () => {
    await using it = await world()
    await it.apply([policy, user])
    await it.apply([second, other])
    const plan = await it.rollback('1', { dryRun: true })
    expect(actions(plan)).toEqual(['update Policy/readers', 'delete Policy/others'])
    expect(plan).toMatchObject({ applied: false, basedOn: '2', policyVersion: '3' })
    expect(it.policies.point.version).toBe('2')

    expect(await it.rollback('1', { note: 'too early' })).toMatchObject({ applied: true, policyVersion: '3' })
    const [now, , first] = await it.store.read.policies.list(10)
    expect(now).toMatchObject({ version: 3, author: 'user:root', note: 'back to 1: too early' })
    expect((await it.store.read.policies.get(3))?.texts).toEqual(
      (await it.store.read.policies.get(first!.version))?.texts,
    )
    expect(it.policies.point.version).toBe('3')
    expect(await it.rollback('1')).toMatchObject({ applied: false, policyVersion: '3' })
    expect(await it.store.read.users.get('bob')).toBeDefined()
  })

  test('a rollback to before the first leaves none; one to a version that never was is refused', async () => {
    await using it = await world()
    await it.apply([policy])
    expect(await problem(it.rollback('7'))).toMatchObject({ code: 'not-found' })
    expect(actions(await it.rollback('0'))).toEqual(['delete Policy/readers'])
    expect((await it.store.read.policies.current())?.texts).toEqual([])
  })

  test('what was decided by looking at other policies is not done', async () => {
    await using it = await world()
    await it.apply([policy])
    const seen = await it.rollback('0', { dryRun: true })
    await it.apply([second])
    const late = { basedOn: seen.basedOn }
    expect(await problem(it.rollback('0', late))).toMatchObject({ code: 'conflict' })
    expect(await problem(it.apply([other], late))).toMatchObject({ code: 'conflict' })
    expect((await it.store.read.policies.current())?.version).toBe(2)
  })
})
