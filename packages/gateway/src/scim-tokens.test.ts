import { describe, expect, test } from 'vitest'
import { connector, provider, startScim } from './testing/scim.ts'
import { failure, setUp, startWorld } from './testing/world.ts'

const messages = 'urn:ietf:params:scim:api:messages:2.0'

describe('a SCIM token', () => {
  test('opens SCIM and nothing else, and nothing else opens SCIM', async () => {
    const { world, admin, token } = await startScim('scim: {}\n')
    await using _world = world
    await expect(world.client(token).whoami.get()).rejects.toMatchObject({ code: 'unauthenticated' })
    const { token: access } = await admin.tokens.create({ label: 'x' })
    for (const wrong of [undefined, access, `${token.slice(0, -1)}!`, 'spm_x']) {
      const refused = await connector(world, wrong)('GET', '/Users')
      expect(refused).toMatchObject({ status: 401, body: { schemas: [`${messages}:Error`] } })
      expect(refused.headers['www-authenticate']).toBe('Bearer realm="scim"')
    }
    const { items } = await admin.audit.list({})
    expect(JSON.stringify(items)).toContain('an unknown SCIM token was refused from 127.0.0.1')
    expect(`${world.log.text}${JSON.stringify(items)}`).not.toMatch(/spm_[0-9A-Za-z]{49}/)
  })

  test('is made by administrators, listed with its last use, and over once it is revoked', async () => {
    const { world, admin, ask } = await startScim('scim: {}\n')
    await using _world = world
    await ask('GET', '/Users')
    const [item] = (await admin.scimTokens.list()).items
    expect(item).toMatchObject({
      label: 'test',
      state: 'living',
      createdBy: 'user:root',
      lastUsedFrom: '127.0.0.1',
    })
    expect(item?.lastUsedAt).toBeDefined()
    const next = await admin.scimTokens.create({ label: 'next', ttlDays: 1 })
    expect(next.token).toMatch(/^spm_[0-9A-Za-z]{49}$/)
    await admin.scimTokens.revoke({ id: item?.id ?? '' })
    expect((await ask('GET', '/Users')).status).toBe(401)
    expect((await connector(world, next.token)('GET', '/Users')).status).toBe(200)
    expect(await failure(admin.scimTokens.revoke({ id: item?.id ?? '' }))).toMatchObject({
      code: 'not-found',
    })
    for (let i = 0; i < 4; i++) await admin.scimTokens.create({ label: 'more' })
    expect(await failure(admin.scimTokens.create({ label: 'too many' }))).toMatchObject({ code: 'conflict' })
  })

  test('cannot be guessed: an address that fails 30 times is held off, with a good one, too', async () => {
    const { world, ask } = await startScim('scim: {}\n')
    await using _world = world
    const wrong = connector(world, `spm_${'0'.repeat(49)}`)
    for (let i = 0; i < 30; i++) await wrong('GET', '/Users')
    expect((await ask('GET', '/Users')).status).toBe(429)
  })

  test('holds no more than so many requests a minute', async () => {
    const { world, ask } = await startScim('scim: {}\nlimits: { scimRequestsPerMinute: 3 }\n')
    await using _world = world
    for (let i = 0; i < 3; i++) expect((await ask('GET', '/Users')).status).toBe(200)
    expect(await ask('GET', '/Users')).toMatchObject({ status: 429, body: { status: '429' } })
  })

  test('is not to be had where there is no SCIM', async () => {
    await using world = await startWorld(provider)
    const admin = await setUp(world)
    expect(await failure(admin.scimTokens.create({ label: 'x' }))).toMatchObject({ code: 'conflict' })
    expect((await connector(world, undefined)('GET', '/Users')).status).toBe(404)
  })
})
