import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiError } from '@sallyport/api'
import { Browser } from '../world/browser.ts'
import { environmentOf } from '../world/endpoint.ts'
import { clientPath } from '../world/postgres-binaries.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { cstring, int32, message, startup } from '../world/raw-messages.ts'
import { openStream, RawPostgres, type RawFrame } from '../world/raw-postgres.ts'
import { run, startProcess } from '../world/process.ts'
import { declarePostgres, startSallyport, type Sallyport } from '../world/sallyport.ts'
import { startTokenIssuer, type TokenIssuer } from '../world/token-issuer.ts'

const policy = `
@id("deploy")
permit (principal in Group::"deployers", action in [Action::"connect", Action::"read", Action::"call", Action::"session", Action::"transaction"], resource);
`

describe('a job’s own token as the password of psql, over two processes', () => {
  let server: Postgres
  let sallyport: Sallyport
  let issuer: TokenIssuer

  beforeAll(async () => {
    server = await startPostgres({ databases: ['shop'] })
    issuer = await startTokenIssuer()
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`], processes: 2 })
    await declarePostgres(sallyport, server)
    await sallyport.apply({ kind: 'Policy', name: 'deploy', text: policy }, issuer.document())
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await issuer?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  const environment = (token: string) =>
    environmentOf({ ...sallyport.endpoint({ ...sallyport.admin, token }, 'orders-db', 'shop') })
  const psql = (token: string, sql = 'select 1') =>
    run(clientPath('psql'), ['-X', '-A', '-t', '-q', '-c', sql], { environment: environment(token) })
  const live = async (token: string) => {
    const client = await startProcess(
      clientPath('psql'),
      ['-X', '-q', '-c', '\\echo in', '-c', 'select pg_sleep(100)'],
      { environment: environment(token) },
    )
    await client.line(/^in$/)
    return client
  }
  const isRefused = async (token: string): Promise<boolean> => {
    const { code, stderr } = await psql(token)
    expect(stderr).not.toContain(token)
    return code !== 0 && stderr.includes('sallyport: the credential is not valid')
  }
  const audit = async (): Promise<string> =>
    JSON.stringify((await sallyport.admin.client.audit.list({ limit: 500 })).items)

  test('lets it in by the rule that matches, in both processes, and its session says who it was', async () => {
    const token = await issuer.token()
    for (let i = 0; i < 4; i++) expect((await psql(token)).stdout).toBe('1\n')
    const { items } = await sallyport.admin.client.sessions.list({ resource: 'orders-db' })
    expect(items.map(({ principal }) => principal.id)).toContain('workload:ci-shop')
    const tokens = await sallyport.admin.client.tokens.list({ all: true })
    expect(tokens.items.filter(({ user }) => user === 'workload:ci-shop')).toHaveLength(1)
    expect(await audit()).toContain('a token of issuer ci was taken by rule main from 127.0.0.1:')
    expect(await audit()).not.toContain(token)
  })

  test('is what a client shows by OAUTHBEARER, too, and one that is not good is told so in its words', async () => {
    const logIn = async (token: string): Promise<RawFrame> => {
      const endpoint = sallyport.endpoint(sallyport.admin, 'orders-db', 'shop')
      await using client = new RawPostgres(await openStream(endpoint))
      const { user, database } = endpoint
      client.send(startup({ user, database, options: '-csallyport.auth=oauth' }))
      await client.until(({ tag }) => tag === 'R')
      const said = Buffer.from(`n,,\x01auth=Bearer ${token}\x01\x01`)
      client.send(message('p', cstring('OAUTHBEARER'), int32(said.length), said))
      const [answer] = await client.until(({ tag }) => tag === 'R')
      if (answer?.body.readInt32BE(0) === 11) client.send(message('p', Buffer.of(1)))
      const last = await client.until(({ tag }) => tag === 'Z' || tag === 'E')
      return last.at(-1)!
    }
    expect((await logIn(await issuer.token())).tag).toBe('Z')
    const refused = await logIn(await issuer.token({ aud: 'other' }))
    expect(refused.tag).toBe('E')
    expect(refused.body.toString()).toContain('C28000\0Msallyport: the credential is not valid')
  })

  test('is good at the API, where it says who it is', async () => {
    const client = await sallyport.client(await issuer.token())
    expect(await client.whoami.get()).toMatchObject({
      principal: { kind: 'workload', id: 'workload:ci-shop', groups: ['deployers'] },
      mayAdminister: false,
    })
    const stranger = await sallyport.client(await issuer.token({ aud: 'other' }))
    await expect(stranger.whoami.get()).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  test('is told about by `sallyport federation test`, and nobody but an administrator may ask', async () => {
    const { admin } = sallyport
    const ask = (token: string) => admin.client.federation.test({ token })
    expect(await ask(await issuer.token())).toMatchObject({
      isGood: true,
      issuer: 'ci',
      rule: 'main',
      who: { id: 'workload:ci-shop', groups: ['deployers'] },
    })
    expect(await ask(await issuer.token({ ref: 'refs/heads/x' }))).toEqual({
      isGood: false,
      issuer: 'ci',
      why: 'no rule matches its claims',
    })
    expect(await ask('nonsense')).toMatchObject({ isGood: false })
    const job = await sallyport.client(await issuer.token())
    await expect(job.federation.test({ token: 'x' })).rejects.toMatchObject({ code: 'forbidden' })
  })

  describe('exchanged for one of ours', () => {
    const exchange = async (token: string): Promise<Record<string, unknown>> => {
      const curl = new Browser([await readFile(sallyport.authorityFile, 'utf8')])
      const form = new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        subject_token: token,
        audience: 'orders-db',
      })
      const { text } = await curl.ask(new URL('/oauth/token', sallyport.baseUrl), form)
      return JSON.parse(text) as Record<string, unknown>
    }

    test('is good in every process, for what it was narrowed to, until the job’s token is revoked', async () => {
      const { access_token: token, expires_in: seconds } = await exchange(await issuer.token({ jti: 'x' }))
      expect(Number(seconds)).toBeLessThanOrEqual(300)
      for (let i = 0; i < 4; i++) expect((await psql(String(token))).stdout).toBe('1\n')
      const client = await live(String(token))
      const { items } = await sallyport.admin.client.tokens.list({ all: true })
      const own = items.find(({ label }) => label === 'ci/main')
      await sallyport.admin.client.tokens.revoke({ id: own?.id ?? '' })
      await client.line(/your access was revoked/)
      await client.exited
      expect(await isRefused(String(token))).toBe(true)
    })

    test('is all that it is good for, once, where its issuer says so', async () => {
      await sallyport.apply(issuer.document({ exchange: 'once' }))
      const token = await issuer.token({ jti: 'y' })
      expect(await isRefused(token)).toBe(true)
      expect((await psql(String((await exchange(token))['access_token']))).stdout).toBe('1\n')
      expect(await exchange(token)).toMatchObject({ error: 'invalid_request' })
      expect(await isRefused(token)).toBe(true)
      await sallyport.apply(issuer.document())
    })
  })

  test('G312: made for another client of the same issuer, it lets nobody in', async () => {
    expect(await isRefused(await issuer.token({ aud: 'another-client' }))).toBe(true)
    expect(
      await isRefused(await issuer.token({ aud: ['gateway', 'another-client'], azp: 'another-client' })),
    ).toBe(true)
    expect(await isRefused(await issuer.token({ aud: ['gateway', 'another-client'] }))).toBe(true)
    expect(await audit()).toContain('azp is \\"another-client\\"')
  })

  test('G313: as the ID token of a sign-in, it lets nobody in', async () => {
    expect(await isRefused(await issuer.token({ nonce: 'n' }))).toBe(true)
    expect(await isRefused(await issuer.token({ token_use: 'id' }))).toBe(true)
    expect(await isRefused(await issuer.token({}, { typ: 'at+jwt' }))).toBe(true)
  })

  test('G314 and G315: signed by a new key it is good at once, and while its issuer is down it goes on being so', async () => {
    await issuer.addKey('k2')
    const before = issuer.asked.length
    // Each process looks once in half a minute: what it knows may be younger than that.
    await expect
      .poll(async () => (await psql(await issuer.token({}, { kid: 'k2' }))).stdout, {
        timeout: 50_000,
        interval: 1000,
      })
      .toBe('1\n')
    expect(issuer.asked.length - before).toBeLessThanOrEqual(4)
    issuer.isDown = true
    expect((await psql(await issuer.token())).stdout).toBe('1\n')
    expect(await isRefused(await issuer.token({ exp: 1 }))).toBe(true)
    issuer.isDown = false
  })

  test('G318: of a person who is shut out, it ends what it has opened, within a second', async () => {
    const token = await issuer.person('dora', ['deployers'])
    const client = await live(token)
    const at = performance.now()
    await sallyport.admin.client.users.disable({ name: 'dora' })
    await client.line(/your access was revoked/)
    expect(performance.now() - at).toBeLessThan(1000)
    await client.exited
    expect(await isRefused(token)).toBe(true)
    expect(await isRefused(await issuer.person('dora', ['deployers'], { jti: '2' }))).toBe(true)
    expect(await audit()).toContain('user dora disabled')
  })

  test('of a person is never that of somebody local who has the same name', async () => {
    const client = await sallyport.client(await issuer.person('root', ['deployers']))
    const { principal, mayAdminister } = await client.whoami.get()
    expect(principal.id).toMatch(/^user:root-[0-9a-f]{10}$/)
    expect(mayAdminister).toBe(false)
    const name = principal.id.slice('user:'.length)
    await expect(sallyport.admin.client.users.setGroups({ name, groups: ['dba'] })).rejects.toThrow(ApiError)
    await expect(sallyport.apply({ kind: 'User', name, groups: [] })).rejects.toThrow('their provider says')
    await expect(sallyport.admin.client.users.renewSetupLink({ name })).rejects.toThrow(ApiError)
  })

  test('ends its sessions when its issuer is declared otherwise, or not any more', async () => {
    const token = await issuer.token()
    const client = await live(token)
    await sallyport.apply(issuer.document({ maxLifetimeSeconds: 1800 }))
    await client.line(/your access was revoked/)
    await client.exited
    expect((await psql(token)).stdout).toBe('1\n')
    await sallyport.apply(issuer.document())
  })

  test('is never asked of an issuer without TLS, or with a certificate that is not trusted', async () => {
    await expect(sallyport.apply(issuer.document({ issuer: 'http://localhost:1' }))).rejects.toThrow('https')
    const { certificateAuthority: _, ...untrusted } = issuer.document()
    await sallyport.apply(untrusted)
    expect(await isRefused(await issuer.token())).toBe(true)
    await sallyport.apply(issuer.document())
  })

  test('declared so that it could be taken for two things is refused as a whole', async () => {
    const twice = issuer.document({ name: 'other' })
    await expect(sallyport.apply(twice)).rejects.toThrow('has this address too')
    const rules = [{ name: 'x', match: { repository: 'acme/other' }, is: { workload: 'ci-shop' } }]
    await expect(sallyport.apply({ ...twice, issuer: 'https://other.example', rules })).rejects.toThrow(
      'is told by rule main of ci already',
    )
    await expect(
      sallyport.apply(issuer.document({ rules: [{ name: 'x', match: {}, is: { workload: 'all' } }] })),
    ).rejects.toThrow('everybody on that platform')
  })
})
