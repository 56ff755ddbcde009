import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Fault, Secret, type CredentialSource, type Resource, type UpstreamCredential } from '@sallyport/core'
import { postgresResource } from '@sallyport/core/testing'
import { SealedBox } from '../sealed-box.ts'
import { identityFixture, type Fixture } from '../testing/fixtures.ts'
import type { AskAgent } from './agent.ts'
import { Credentials } from './credentials.ts'
import { contextOf } from './sealed.ts'

const box = new SealedBox(Buffer.alloc(32, 7))
const resource = postgresResource({}) as Resource
const fromAgents: AskAgent = ({ pool, name, resource: of, session }) =>
  Promise.resolve({ user: '', password: new Secret([pool, name, of, session].join('/')) })

describe('a target’s credential', () => {
  let it: Fixture
  let directory: string
  beforeEach(async () => {
    it = await identityFixture()
    directory = await mkdtemp(join(tmpdir(), 'sallyport-credentials-'))
    const sealed = box.sealText(contextOf('orders'), new Secret('from the store'))
    await it.store.write('system', 'x', async (tx) => {
      await tx.credentials.put('orders', sealed)
      await tx.credentials.put('moved', sealed)
    })
  })
  afterEach(async () => {
    await it[Symbol.asyncDispose]()
    await rm(directory, { recursive: true })
  })

  const get = (credential: CredentialSource, askAgent: AskAgent = fromAgents): Promise<UpstreamCredential> =>
    new Credentials({
      credentials: it.store.read.credentials,
      box,
      askAgent,
      environment: { SET: 'from the environment', EMPTY: '', KEY: 'hunter2' },
      withheldVariables: ['KEY'],
      withheldPaths: [join(directory, 'private')],
    }).forAccount(resource, { name: 'app', credential }, 'ses_1', AbortSignal.timeout(5000))

  const file = async (name: string, text: string | Uint8Array): Promise<CredentialSource> => {
    await writeFile(join(directory, name), text)
    return { from: 'file', path: join(directory, name) }
  }

  test('comes from where its account says', async () => {
    const password = async (source: CredentialSource) => (await get(source)).password?.reveal()
    expect(await password({ from: 'sealed', name: 'orders' })).toBe('from the store')
    expect(await password({ from: 'environment', variable: 'SET' })).toBe('from the environment')
    expect(await password(await file('a', 'from a file\n'))).toBe('from a file')
    expect(await password(await file('b', ' two\nlines \r\n'))).toBe(' two\nlines ')
    expect(await password({ from: 'agent', name: 'pw' })).toBe('local/pw/orders-db/ses_1')
    expect(await get({ from: 'none' })).toEqual({ user: 'app' })
  })

  test('is always for the account that was asked for', async () => {
    const as =
      (user: string): AskAgent =>
      () =>
        Promise.resolve({ user, password: new Secret('p') })
    expect((await get({ from: 'agent', name: 'pw' }, as('app'))).user).toBe('app')
    expect((await get({ from: 'agent', name: 'pw' }, as(''))).user).toBe('app')
    await expect(get({ from: 'agent', name: 'pw' }, as('postgres'))).rejects.toMatchObject({
      code: 'gateway/no-credential',
    })
  })

  test('that cannot be had is a fault that shows neither it nor where it is', async () => {
    const sources: CredentialSource[] = [
      { from: 'sealed', name: 'missing' },
      { from: 'sealed', name: 'moved' },
      { from: 'environment', variable: 'UNSET' },
      { from: 'environment', variable: 'EMPTY' },
      { from: 'environment', variable: 'KEY' },
      { from: 'environment', variable: 'toString' },
      { from: 'file', path: join(directory, 'missing') },
      { from: 'file', path: directory },
      await file('empty', '\n'),
      await file('large', 'x'.repeat(65_537)),
    ]
    for (const source of sources) {
      const thrown = await get(source).catch((error: unknown) => error)
      expect(thrown).toMatchObject({
        code: 'gateway/no-credential',
        shown: 'the credential of account app on orders-db is not available',
      })
      expect(inspect(thrown, { depth: 9 })).not.toMatch(/hunter2|from the store|xxx/)
    }
  })

  test('is never read from where the gateway keeps its own secrets, by whatever way', async () => {
    const inside = await file('private', 'hunter2')
    await symlink(join(directory, 'private'), join(directory, 'link'))
    for (const path of [
      join(directory, 'private'),
      join(directory, 'link'),
      `${directory}/x/../private`,
      `${directory}//private`,
    ])
      await expect(get({ ...inside, path } as CredentialSource)).rejects.toMatchObject({
        code: 'gateway/no-credential',
      })
    expect((await get(await file('private-not', 'fine'))).password?.reveal()).toBe('fine')
  })

  test('passes on an agent’s own fault', async () => {
    const lost = new Fault('gateway/agent-lost', 'the agent went away')
    await expect(get({ from: 'agent', name: 'pw' }, () => Promise.reject(lost))).rejects.toBe(lost)
  })
})
