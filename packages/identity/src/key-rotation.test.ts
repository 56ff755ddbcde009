import { createSecretKey, type KeyObject } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '@sallyport/core'
import { contextOf } from './credentials/sealed.ts'
import { keptRoot, sealAnew } from './key-rotation.ts'
import { refreshContext } from './provider-sign-in.ts'
import { rootOf, SealedBox } from './sealed-box.ts'
import { identityFixture, type Fixture } from './testing/fixtures.ts'

const [first, second, third] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte)) as [Buffer, Buffer, Buffer]
const many = 1_234

describe('another master key', () => {
  let it: Fixture
  beforeEach(async () => {
    it = await identityFixture()
    const box = new SealedBox(first)
    await it.create('alice')
    await it.store.write('system', 'x', async (tx) => {
      for (let i = 0; i < many; i++)
        await tx.credentials.put(`c${i}`, box.sealText(contextOf(`c${i}`), new Secret(`secret ${i}`)))
      await tx.settings.put('authority', box.sealText('authority', new Secret('its key')))
      const signIn = { id: 'sig_1', userName: 'alice', issuer: 'https://idp.example', sid: null }
      const refresh = box.sealText(refreshContext('sig_1'), new Secret('its refresh token'))
      await tx.signIns.add({ ...signIn, refresh, signedIn: { acr: [], amr: [] } })
    })
    const what = box.sealText('lease lea_1', new Secret('"a role"'))
    const place = { session: 'ses_1', resource: 'orders-db', account: 'app', lastsMs: null }
    await it.store.leases.hold({ id: 'lea_1', source: 'vault-database', ...place, what })
    await it.store.check()
  })
  afterEach(() => it[Symbol.asyncDispose]())

  const rotate = (to: Buffer, from: Buffer): Promise<number> =>
    sealAnew(it.store, new SealedBox(to, from), from)
  const secretOf = async (box: SealedBox, name: string): Promise<string> =>
    box.openText(contextOf(name), (await it.store.read.credentials.get(name))!).reveal()
  const hex = (root: KeyObject | undefined): string | undefined => root?.export().toString('hex')

  test('seals everything anew that the last one has sealed, and nothing else', async () => {
    const before = await it.store.read.settings.get('last-check')
    expect(await rotate(second, first)).toBe(many + 3)
    const box = new SealedBox(second)
    for (const i of [0, 499, 500, many - 1]) expect(await secretOf(box, `c${i}`)).toBe(`secret ${i}`)
    expect(box.openText('authority', (await it.store.read.settings.get('authority'))!).reveal()).toBe(
      'its key',
    )
    const [signIn] = await it.store.read.signIns.refreshable()
    expect(box.openText(refreshContext('sig_1'), signIn!.refresh).reveal()).toBe('its refresh token')
    const [lease] = await it.store.leases.list()
    expect(box.openText('lease lea_1', lease!.what).reveal()).toBe('"a role"')
    expect(await it.store.read.settings.get('last-check')).toEqual(before)
    expect(await rotate(second, first)).toBe(0)
    expect((await it.store.read.audit.list(1))[0]).toMatchObject({
      kind: 'setting',
      why: 'another master key',
      changes: [`${many + 3} sealed values sealed anew, under another master key`, expect.any(String)],
    })
  })

  test('is taken whole or not at all: where one value is damaged, the last one opens all others still', async () => {
    const damaged = new SealedBox(first).sealText(contextOf('c9'), new Secret('x'))
    damaged.writeUInt8(damaged.readUInt8(30) ^ 1, 30)
    await it.store.write('system', 'x', (tx) => tx.credentials.put('c9', damaged))
    await expect(rotate(second, first)).rejects.toThrow('the sealed value was altered: credential c9')
    expect(await secretOf(new SealedBox(first), 'c0')).toBe('secret 0')
    expect(await it.store.read.settings.get('derivation-root')).toBeUndefined()
  })

  test('changes no key that is derived, however often', async () => {
    const before = new SealedBox(first).derive('recordings')
    await rotate(second, first)
    await rotate(third, second)
    const root = await keptRoot(it.store, new SealedBox(third))
    expect(hex(root)).toBe(hex(rootOf(first)))
    expect(new SealedBox(third, undefined, root).derive('recordings')).toEqual(before)
    expect(hex(root)).not.toBe(hex(createSecretKey(first)))
  })

  test('is a mistake where the store is under a third one: nothing is touched', async () => {
    expect(await rotate(third, second)).toBe(0)
    expect(await secretOf(new SealedBox(first), 'c1')).toBe('secret 1')
  })
})
