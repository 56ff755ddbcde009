import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { text } from 'node:stream/consumers'
import type { Client } from '@sallyport/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { password, setUp, startWorld, type Answer, type World } from './testing/world.ts'

const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'
const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code'

describe('the gateway as an OAuth authorization server', () => {
  let world: World
  let root: Client
  beforeAll(async () => {
    world = await startWorld('oauth:\n  clients: [psql, pgadmin]\nlimits:\n  signInsPerMinute: 60\n')
    root = await setUp(world)
  }, 60_000)
  afterAll(() => world[Symbol.asyncDispose]())

  const post = async (
    path: string,
    body: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer & { readonly json: Record<string, unknown> }> => {
    const asked = request(new URL(path, world.gateway.baseUrl), {
      method: 'POST',
      agent: false,
      ca: world.gateway.authority?.certificate ?? '',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    })
    asked.end(body)
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    const said = await text(response)
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: said,
      json: JSON.parse(said) as Record<string, unknown>,
    }
  }
  const form = (fields: Readonly<Record<string, string>>): string => new URLSearchParams(fields).toString()
  const begin = (fields: Readonly<Record<string, string>> = { client_id: 'psql' }) =>
    post('/oauth/device_authorization', form(fields))
  const redeem = (code: unknown, client = 'psql') =>
    post('/oauth/token', form({ grant_type: deviceCode, device_code: String(code), client_id: client }))

  /** As a browser does it that is signed in as root. */
  const answer = async (userCode: unknown, said: 'allow' | 'deny'): Promise<void> => {
    const origin = { origin: world.gateway.baseUrl, 'sec-fetch-site': 'same-origin' }
    const go = async (path: string, fields: Record<string, string>, cookie = ''): Promise<string> => {
      const asked = request(new URL(path, world.gateway.baseUrl), {
        method: 'POST',
        agent: false,
        ca: world.gateway.authority?.certificate ?? '',
        headers: { ...origin, cookie, 'content-type': 'application/x-www-form-urlencoded' },
      })
      asked.end(form(fields))
      const [response] = (await once(asked, 'response')) as [IncomingMessage]
      response.resume()
      return String(response.headers['set-cookie'] ?? response.statusCode)
    }
    const cookie = (await go('/sign-in', { name: 'root', password })).split(';', 1)[0]
    expect(await go('/device', { code: String(userCode), answer: said }, cookie)).toBe('200')
  }

  test('says what it offers, and claims no more, under the name that it has as an issuer', async () => {
    for (const path of ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']) {
      const { status, headers, body } = await world.ask(path)
      expect(status).toBe(200)
      expect(headers['content-type']).toMatch(/^application\/json(;|$)/)
      expect(headers['access-control-allow-origin']).toBeUndefined()
      const issuer = world.gateway.baseUrl
      expect(JSON.parse(body)).toEqual({
        issuer,
        token_endpoint: `${issuer}/oauth/token`,
        device_authorization_endpoint: `${issuer}/oauth/device_authorization`,
        grant_types_supported: [deviceCode, tokenExchange],
        token_endpoint_auth_methods_supported: ['none'],
      })
    }
  })

  test('lets a client in on the word of a person elsewhere, as RFC 8628 has it', async () => {
    const { status, headers, json } = await begin()
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      pragma: 'no-cache',
      'content-type': expect.stringMatching(/^application\/json(;|$)/),
    })
    expect(json).toEqual({
      device_code: expect.stringMatching(/^spd_/),
      user_code: expect.stringMatching(/^[B-Z]{4}-[B-Z]{4}$/),
      verification_uri: `${world.gateway.baseUrl}/device`,
      verification_uri_complete: `${world.gateway.baseUrl}/device?code=${String(json['user_code'])}`,
      expires_in: expect.closeTo(600, -1),
      interval: 2,
    })
    expect(await redeem(json['device_code'])).toMatchObject({
      status: 400,
      json: { error: 'authorization_pending' },
    })
    expect(await redeem(json['device_code'])).toMatchObject({ status: 400, json: { error: 'slow_down' } })
    expect(await redeem(json['device_code'], 'pgadmin')).toMatchObject({
      status: 400,
      json: { error: 'invalid_grant' },
    })

    const second = (await begin()).json
    await answer(second['user_code'], 'allow')
    const got = await redeem(second['device_code'])
    expect(got).toMatchObject({
      status: 200,
      headers: { 'cache-control': 'no-store', pragma: 'no-cache' },
      json: { token_type: 'Bearer', expires_in: expect.closeTo(3600, -1) },
    })
    const client = world.client(String(got.json['access_token']))
    expect((await client.whoami.get()).principal.id).toBe('user:root')
    const { items } = await root.tokens.list({})
    expect(items.map(({ label }) => label)).toContain('psql')
    expect((await redeem(second['device_code'])).json).toMatchObject({ error: 'invalid_grant' })
    expect(world.log.text).not.toMatch(/spd?_[0-9A-Za-z]{49}/)
  })

  test('tells a client that was sent away', async () => {
    const { json } = await begin()
    await answer(json['user_code'], 'deny')
    expect(await redeem(json['device_code'])).toMatchObject({ status: 400, json: { error: 'access_denied' } })
  })

  test.each([
    ['another client', { client_id: 'stranger' }, 'invalid_client'],
    ['no client', {}, 'invalid_request'],
    ['a client without a name', { client_id: '' }, 'invalid_request'],
    ['a client with a secret', { client_id: 'psql', client_secret: 'x' }, 'invalid_client'],
    ['a client with an assertion', { client_id: 'psql', client_assertion: 'x' }, 'invalid_client'],
    ['a scope', { client_id: 'psql', scope: 'openid' }, 'invalid_scope'],
  ])('begins nothing for %s', async (_, fields, error) => {
    const { status, json } = await begin(fields as Record<string, string>)
    expect([status, json['error']]).toEqual([400, error])
  })

  test.each([
    ['', 'invalid_request'],
    ['grant_type=', 'invalid_request'],
    ['grant_type=authorization_code&code=x&client_id=psql', 'unsupported_grant_type'],
    ['grant_type=password&username=root&password=x&client_id=psql', 'unsupported_grant_type'],
    [`grant_type=${deviceCode}&client_id=psql`, 'invalid_request'],
    [`grant_type=${deviceCode}&device_code=x`, 'invalid_request'],
    [`grant_type=${deviceCode}&client_id=psql&device_code=spd_x`, 'invalid_grant'],
    [`grant_type=${deviceCode}&client_id=psql&client_id=psql&device_code=x`, 'invalid_request'],
    [`grant_type=${deviceCode}&client_id=%00%ff"\\&device_code=x`, 'invalid_client'],
  ])('gives no token for %j', async (body, error) => {
    const { status, json } = await post('/oauth/token', body)
    expect([status, json['error']]).toEqual([400, error])
    expect(json['error_description']).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
  })

  test('repeats nothing of a form, which may have a token in the wrong place', async () => {
    for (const body of [
      `spd_secret&spd_secret&client_id=psql`,
      'grant_type=spd_secret',
      'client_id=spd_secret',
    ]) {
      const at = body.startsWith('client_id') ? '/oauth/device_authorization' : '/oauth/token'
      expect((await post(at, body)).body).not.toContain('spd_secret')
    }
  })

  test('takes nothing from an address, a header, or JSON, and no more than 32 KiB', async () => {
    const body = form({ grant_type: deviceCode, device_code: 'x', client_id: 'psql' })
    expect(await post(`/oauth/token?${body}`, body)).toMatchObject({
      status: 400,
      json: { error: 'invalid_request' },
    })
    const basic = { authorization: `Basic ${Buffer.from('psql:secret').toString('base64')}` }
    expect(await post('/oauth/token', body, basic)).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Basic realm="sallyport"' },
      json: { error: 'invalid_client' },
    })
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x'])
      expect(await post('/oauth/token', '{}', { 'content-type': type })).toMatchObject({
        status: 400,
        json: { error: 'invalid_request' },
      })
    expect(await post('/oauth/token', `x=${'y'.repeat(40_000)}`)).toMatchObject({
      status: 413,
      json: { error: 'invalid_request' },
    })
    expect((await world.ask('/oauth/token')).status).toBe(404)
  })

  describe('exchanges a token, as RFC 8693 has it,', () => {
    const exchange = (fields: Readonly<Record<string, string>>, more = '') =>
      post(
        '/oauth/token',
        form({ grant_type: tokenExchange, subject_token_type: accessToken, ...fields }) + more,
      )
    const own = async (): Promise<string> => (await root.tokens.create({ label: 'x', ttlSeconds: 600 })).token

    test('for an access token that ends with it', async () => {
      const subject = await own()
      const { status, headers, json } = await exchange({ subject_token: subject })
      expect(status).toBe(200)
      expect(headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' })
      expect(json).toEqual({
        access_token: expect.stringMatching(/^sp_/),
        issued_token_type: accessToken,
        token_type: 'Bearer',
        expires_in: expect.closeTo(600, -1),
      })
      const got = world.client(String(json['access_token']))
      expect((await got.whoami.get()).principal.id).toBe('user:root')
      const shown = (await root.tokens.list({})).items.find(({ label }) => label === 'x')
      await root.tokens.revoke({ id: shown?.id ?? '' })
      await expect(got.whoami.get()).rejects.toMatchObject({ code: 'unauthenticated' })
      expect(world.log.text).not.toMatch(/spd?_[0-9A-Za-z]{49}/)
    })

    test('narrowed to what audience and scope say, which both must be understood', async () => {
      const issuer = world.gateway.baseUrl
      const asked = { subject_token: await own(), scope: 'resource:orders-db account:app_ro action:read' }
      expect(
        (await exchange(asked, `&audience=orders-db&audience=web&resource=${encodeURIComponent(issuer)}`))
          .status,
      ).toBe(200)
      const { items } = await root.audit.list({ limit: 5 })
      expect(items.flatMap(({ changes }) => changes).join()).toContain(
        'narrowed to [{"resources":["orders-db"],"accounts":["app_ro"],"actions":["read"]}]',
      )
      expect((await exchange({ subject_token: `${await own()}\n`, audience: issuer })).status).toBe(200)
    })

    test.each([
      ['another scope', { scope: 'openid' }, 'invalid_scope'],
      ['a scope without a name', { scope: 'resource:' }, 'invalid_scope'],
      ['an audience elsewhere', { audience: 'https://other.example' }, 'invalid_target'],
      ['a resource elsewhere', { resource: 'https://other.example' }, 'invalid_target'],
      [
        'audience and scope that have nothing in common',
        { audience: 'a', scope: 'resource:b' },
        'invalid_target',
      ],
      [
        'more resources than can be named',
        { scope: Array.from({ length: 51 }, (_, i) => `resource:r${i}`).join(' ') },
        'invalid_scope',
      ],
      ['no token', { subject_token: '' }, 'invalid_request'],
      ['a token that is none', { subject_token: 'sp_x' }, 'invalid_request'],
      ['a token without its type', { subject_token_type: '' }, 'invalid_request'],
      ['an ID token', { subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' }, 'invalid_request'],
      ['SAML', { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, 'invalid_request'],
      [
        'a JWT that is none',
        { subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' },
        'invalid_request',
      ],
      [
        'a wish for another kind',
        { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
        'invalid_request',
      ],
      ['an actor without a type', { actor_token: 'sp_x' }, 'invalid_request'],
      ['the type of an actor alone', { actor_token_type: accessToken }, 'invalid_request'],
      ['an actor that is nobody', { actor_token: 'sp_x', actor_token_type: accessToken }, 'invalid_request'],
      ['another client', { client_id: 'stranger' }, 'invalid_client'],
      ['a client with a secret', { client_id: 'psql', client_secret: 'x' }, 'invalid_client'],
    ])('and gives nothing for %s', async (_, fields, error) => {
      const { status, json } = await exchange({
        subject_token: await own(),
        ...(fields as Record<string, string>),
      })
      expect([status, json['error']]).toEqual([400, error])
      expect(json['access_token']).toBeUndefined()
      expect(json['error_description']).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
    })
  })

  test('has as many sign-ins of one address wait as of any program, and takes so many a minute', async () => {
    let last = await begin()
    for (let i = 0; i < 60 && last.json['error'] === undefined; i++) last = await begin()
    expect(last).toMatchObject({ status: 429, json: { error: 'temporarily_unavailable' } })
    expect(last.json['error_description']).toContain('too many sign-ins are waiting')
    for (let i = 0; i < 60; i++) last = await begin()
    expect(last).toMatchObject({ status: 429, json: { error: 'temporarily_unavailable' } })
    expect(last.json['error_description']).toContain('too many requests from your address')
  })
})
