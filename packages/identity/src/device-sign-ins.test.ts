import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRefusal, Secret, type Refusal } from '@sallyport/core'
import type { Authenticated } from './authenticator.ts'
import { DeviceSignIns, maxPendingOfSource, type BegunDevice } from './device-sign-ins.ts'
import { identityFixture, type Fixture } from './testing/fixtures.ts'

describe('a sign-in that somebody completes in a browser', () => {
  let it: Fixture
  let devices: DeviceSignIns
  let alice: Authenticated
  beforeEach(async () => {
    it = await identityFixture()
    await it.create('alice', ['dba'])
    devices = new DeviceSignIns(it.tokens, it.clock)
    devices.pageUrl = 'https://gateway.example/device'
    const who = await it.tokens.browser((await it.mint('alice', { kind: 'spb' })).token)
    if (isRefusal(who)) throw new Error(who.reason)
    alice = who
  })
  afterEach(() => it[Symbol.asyncDispose]())

  const begin = (address = '10.0.0.9:50000'): BegunDevice => {
    const begun = devices.begin('ssh', address)
    if (isRefusal(begun)) throw new Error(begun.reason)
    return begun
  }
  const take = (code: Secret) => devices.take(code, AbortSignal.abort())
  const codeOf = (answer: object | Refusal): string => ('code' in answer ? String(answer.code) : 'none')

  test('says who asks, and gives one token to whoever began it', async () => {
    const { userCode, deviceCode } = begin()
    expect(devices.look(userCode.toLowerCase().replace('-', ' '), '10.0.0.1')).toMatchObject({
      userCode,
      program: 'ssh',
      address: '10.0.0.9:50000',
      askedAtMs: it.clock.now(),
    })
    expect(await take(deviceCode)).toBe('pending')
    const waiting = devices.wait(deviceCode, new AbortController().signal)
    devices.answer(userCode, '10.0.0.1', alice)
    const minted = await waiting
    if (isRefusal(minted)) throw new Error(minted.reason)
    expect(minted).toMatchObject({ label: 'ssh', principalId: 'user:alice' })
    expect(await it.tokens.authenticate(minted.token)).toMatchObject({ subject: alice.subject })
    expect(await it.tokens.browser(minted.token)).toMatchObject({ code: 'invalid-credential' })
    for (const again of [await take(deviceCode), devices.look(userCode, '10.0.0.1')])
      expect(again).toMatchObject({ code: 'invalid-credential' })
  })

  test('gives one token to two who ask at once', async () => {
    const { userCode, deviceCode } = begin()
    const both = [1, 2].map(() => devices.wait(deviceCode, new AbortController().signal))
    devices.answer(userCode, '10.0.0.1', alice)
    expect((await Promise.all(both)).map(codeOf).toSorted()).toEqual(['invalid-credential', 'none'])
  })

  test('that is sent away gives none', async () => {
    const { userCode, deviceCode } = begin()
    devices.answer(userCode, '10.0.0.1', 'denied')
    expect(await take(deviceCode)).toMatchObject({ code: 'denied' })
  })

  test('gives none where whoever let it in is gone by then', async () => {
    for (const end of [() => it.tokens.revoke('system', alice.token.id), () => it.disable('alice')]) {
      const { userCode, deviceCode } = begin()
      devices.answer(userCode, '10.0.0.1', alice)
      await end()
      expect(await take(deviceCode)).toMatchObject({ code: 'invalid-credential' })
    }
  })

  test('is over after ten minutes, answered or not', async () => {
    const { userCode, deviceCode } = begin()
    const answered = begin()
    devices.answer(answered.userCode, '10.0.0.1', alice)
    it.clock.advance(600_000)
    expect(devices.look(userCode, '10.0.0.1')).toMatchObject({ code: 'invalid-credential' })
    for (const code of [deviceCode, answered.deviceCode])
      expect(await take(code)).toMatchObject({ code: 'invalid-credential' })
  })

  test('is over when its client has left', async () => {
    const { userCode, deviceCode } = begin()
    expect(await devices.wait(deviceCode, AbortSignal.abort())).toMatchObject({ code: 'invalid-credential' })
    expect(devices.look(userCode, '10.0.0.1')).toMatchObject({ code: 'invalid-credential' })
  })

  test('is found by five tries of an address, and one more every twelve seconds; others are not held up', () => {
    const { userCode } = begin()
    for (let i = 0; i < 5; i++)
      expect(codeOf(devices.look('BBBB-BBBB', '10.0.0.1'))).toBe('invalid-credential')
    expect(codeOf(devices.look(userCode, '10.0.0.1'))).toBe('throttled')
    expect(codeOf(devices.answer(userCode, '10.0.0.1', alice))).toBe('throttled')
    expect(devices.look(userCode, '10.0.0.2')).toMatchObject({ program: 'ssh' })
    it.clock.advance(12_000)
    expect(devices.look(userCode, '10.0.0.1')).toMatchObject({ program: 'ssh' })
  })

  test('waits with nineteen others of its address at most, and a thousand in all', () => {
    for (let i = 0; i < maxPendingOfSource; i++) begin(`10.0.0.9:${i}`)
    expect(devices.begin('ssh', '10.0.0.9:9')).toMatchObject({ code: 'throttled' })
    for (let i = maxPendingOfSource; i < 1000; i++) begin(`10.0.${1 + (i >> 8)}.${i & 255}:1`)
    expect(devices.begin('ssh', '10.9.9.9:9')).toMatchObject({ code: 'throttled' })
    it.clock.advance(600_000)
    begin()
  })

  test('cannot be begun before its page is known', () => {
    expect(new DeviceSignIns(it.tokens, it.clock).begin('ssh', '10.0.0.9:1')).toMatchObject({
      code: 'unsupported',
    })
  })

  test('shows nothing of what a program calls itself that could mislead', () => {
    const begun = devices.begin(`x\u{202e}\n${'y'.repeat(100)}`, '10.0.0.9:1')
    if (isRefusal(begun)) throw new Error(begun.reason)
    expect(devices.look(begun.userCode, '10.0.0.1')).toMatchObject({ program: `x${'y'.repeat(39)}` })
  })

  test('has codes without vowels, none like another', () => {
    const codes = Array.from({ length: maxPendingOfSource }, () => begin().userCode)
    expect(new Set(codes).size).toBe(codes.length)
    for (const code of codes) expect(code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
  })
})
