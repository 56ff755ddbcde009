import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRefusal, type Secret } from '@sallyport/core'
import type { Authenticated } from '../authenticator.ts'
import { DeviceSignIns, maxPendingOfSource } from '../device-sign-ins.ts'
import { identityFixture, type Fixture } from '../testing/fixtures.ts'
import { DeviceGrants, type BegunDeviceGrant } from './device-grants.ts'

describe('a sign-in on another device, as an OAuth client asks for it', () => {
  let it: Fixture
  let devices: DeviceSignIns
  let grants: DeviceGrants
  let alice: Authenticated
  beforeEach(async () => {
    it = await identityFixture()
    await it.create('alice', ['dba'])
    devices = new DeviceSignIns(it.tokens, it.clock)
    devices.pageUrl = 'https://gateway.example/device'
    grants = new DeviceGrants(devices, it.clock)
    const who = await it.tokens.browser((await it.mint('alice', { kind: 'spb' })).token)
    if (isRefusal(who)) throw new Error(who.reason)
    alice = who
  })
  afterEach(() => it[Symbol.asyncDispose]())

  const begin = (client = 'psql'): BegunDeviceGrant => {
    const begun = grants.begin(client, '10.0.0.9:50000')
    if (isRefusal(begun)) throw new Error(begun.reason)
    return begun
  }
  /** After an interval. */
  const ask = (code: Secret, client = 'psql') => {
    it.clock.advance(2000)
    return grants.redeem(code, client)
  }

  test('is pending until a person answers, and then gives one token, to the client that began it', async () => {
    const { deviceCode, userCode, intervalSeconds } = begin()
    expect(intervalSeconds).toBe(2)
    expect(await grants.redeem(deviceCode, 'psql')).toBe('authorization_pending')
    expect(devices.look(userCode, '10.0.0.1')).toMatchObject({ program: 'psql' })
    devices.answer(userCode, '10.0.0.1', alice)
    expect(await ask(deviceCode, 'pgadmin')).toBe('invalid_grant')
    const minted = await ask(deviceCode)
    if (typeof minted === 'string') throw new Error(minted)
    expect(minted).toMatchObject({ principalId: 'user:alice', label: 'psql' })
    expect(await it.tokens.authenticate(minted.token)).toMatchObject({ subject: alice.subject })
    expect(await ask(deviceCode)).toBe('invalid_grant')
  })

  test('is denied once, where a person said no', async () => {
    const { deviceCode, userCode } = begin()
    devices.answer(userCode, '10.0.0.1', 'denied')
    expect(await ask(deviceCode)).toBe('access_denied')
    expect(await ask(deviceCode)).toBe('invalid_grant')
  })

  test('gives nothing where whoever let it in is shut out by then', async () => {
    const { deviceCode, userCode } = begin()
    devices.answer(userCode, '10.0.0.1', alice)
    await it.disable('alice')
    expect(await ask(deviceCode)).toBe('invalid_grant')
  })

  test('has expired after ten minutes, answered or not, and is forgotten after ten more', async () => {
    const { deviceCode } = begin()
    const answered = begin()
    devices.answer(answered.userCode, '10.0.0.1', alice)
    it.clock.advance(600_000)
    for (const code of [deviceCode, answered.deviceCode]) expect(await ask(code)).toBe('expired_token')
    it.clock.advance(600_000)
    expect(await ask(deviceCode)).toBe('invalid_grant')
  })

  test('asked about too soon, is asked about five seconds more slowly from then on, even once answered', async () => {
    const { deviceCode, userCode } = begin()
    expect(await grants.redeem(deviceCode, 'psql')).toBe('authorization_pending')
    it.clock.advance(1499)
    expect(await grants.redeem(deviceCode, 'psql')).toBe('slow_down')
    devices.answer(userCode, '10.0.0.1', alice)
    it.clock.advance(6000)
    expect(await grants.redeem(deviceCode, 'psql')).toBe('slow_down')
    it.clock.advance(11_500)
    expect(await grants.redeem(deviceCode, 'psql')).toMatchObject({ principalId: 'user:alice' })
  })

  test('is not slowed down by what network jitter takes from an interval', async () => {
    const { deviceCode } = begin()
    for (let i = 0; i < 3; i++) {
      expect(await grants.redeem(deviceCode, 'psql')).toBe('authorization_pending')
      it.clock.advance(1500)
    }
  })

  test('waits with as many others of its address as any sign-in', () => {
    for (let i = 0; i < maxPendingOfSource; i++) begin()
    expect(grants.begin('psql', '10.0.0.9:1')).toMatchObject({ code: 'throttled' })
  })
})
