// oxlint-disable vitest/expect-expect -- what expects is isWritten
import { createServer } from 'node:https'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { allRoutes, type Client } from '@sallyport/api'
import { AuditChain, type AuditEntry, type AuditKind } from '@sallyport/core'
import { generatePrivateKey, keyLine } from '@sallyport/openssh'
import { signedBy } from '@sallyport/openssh/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connector, provider } from '../testing/scim.ts'
import { ToyClient } from '../testing/toy-client.ts'
import { failure, password, setUp, startWorld, type World } from '../testing/world.ts'

/** Routes that change something: what is tried below, and why others leave no entry, or where theirs is tried. */
const routes: Readonly<Record<string, string>> = {
  'setup.look': 'reads',
  'setup.consume': 'tried',
  'login.withCode': 'tried',
  'login.withPassword': 'tried',
  'device.begin': 'changes nothing but memory: what comes of it is a token',
  'device.token': 'tried',
  'whoami.logout': 'tried',
  'tokens.create': 'tried',
  'tokens.delegate': 'tried',
  'tokens.revoke': 'tried',
  'keys.challenge': 'changes nothing but memory: what comes of it is a key',
  'keys.add': 'tried',
  'keys.remove': 'tried',
  'keys.certify': 'tried',
  'users.create': 'tried',
  'users.setGroups': 'tried',
  'users.disable': 'tried',
  'users.enable': 'tried',
  'users.renewSetupLink': 'tried',
  'resources.suggestTags': 'sessions.test.ts and the tags of e2e: it needs a target',
  'apply.documents': 'tried',
  'policies.rollback': 'tried',
  'policies.can': 'reads',
  'policies.whoCan': 'reads',
  'policies.simulate': 'tried',
  'policies.check': 'reads',
  'policies.test': 'reads',
  'agents.revoke': 'it needs an agent: packages/agent',
  'joinTokens.create': 'tried',
  'joinTokens.revoke': 'tried',
  'requests.create': 'tried',
  'requests.approve': 'tried',
  'requests.deny': 'tried',
  'requests.close': 'as the other answers: access-requests.test.ts',
  'requests.withdraw': 'tried',
  'grants.revoke': 'tried',
  'access.report': 'tried',
  'reviews.approve': 'reviews.test.ts: it needs a session that waits',
  'reviews.deny': 'reviews.test.ts: it needs a session that waits',
  'sessions.stillWatching': 'says that somebody is still there',
  'sessions.kill': 'sessions.test.ts: it needs a session',
  'federation.test': 'reads',
  'gateway.doctor': 'reads',
  'authorities.prepare': 'tried',
  'authorities.switch': 'as `prepare`: clients.test.ts',
  'authorities.retire': 'as `prepare`: clients.test.ts',
  'webhooks.resend': 'webhook tests: it needs dead letters',
  'webhooks.test': 'tried',
  'scimTokens.create': 'tried',
  'scimTokens.revoke': 'tried',
}

test('every route that changes something is accounted for', () => {
  const changing = allRoutes().filter(({ route, verb }) => route.method !== 'GET' || verb === 'report')
  expect(changing.map(({ noun, verb }) => `${noun}.${verb}`)).toEqual(Object.keys(routes))
})

describe('an audit entry says of everything what it was, who did it and from where:', () => {
  let world: World
  let root: Client
  let ann: Client
  let seen = 0
  beforeAll(async () => {
    world = await startWorld(`${provider}  localUsers: everybody\nscim: {}\n`)
    root = await setUp(world)
    ann = await person('ann', 'staff')
  }, 60_000)
  afterAll(() => world[Symbol.asyncDispose]())

  async function person(name: string, ...groups: string[]): Promise<Client> {
    const { setupLink } = await root.users.create({ name, groups })
    const { token } = await world.client().setup.consume({ code: codeOf(setupLink), password })
    return world.client(token)
  }
  const codeOf = ({ url }: { url: string }) => new URL(url).hash.slice(1)

  /** What was written since it was last asked. */
  async function fresh(): Promise<AuditEntry[]> {
    const entries: AuditEntry[] = []
    for await (const entry of root.audit.export({ from: seen + 1 })) entries.push(entry as AuditEntry)
    seen = entries.at(-1)?.seq ?? seen
    return entries
  }

  async function isWritten(
    doing: () => unknown,
    kind: AuditKind,
    about: Partial<AuditEntry>,
    words: string | RegExp,
  ): Promise<void> {
    const pattern = typeof words === 'string' ? words.replaceAll(/[.()*+?]/g, String.raw`\$&`) : words
    await fresh()
    await doing()
    const found: AuditEntry[] = []
    await expect
      .poll(async () => {
        found.push(...(await fresh()))
        return found.map((entry) => [entry.kind, entry.changes.join('; ')])
      })
      .toContainEqual([kind, expect.stringMatching(pattern)])
    const matching = found.filter((entry) => entry.kind === kind)
    expect(matching).toContainEqual(expect.objectContaining(about))
  }

  const here = '127.0.0.1'
  const byRoot = { by: 'user:root', principal: 'user:root', actor: null, address: here }
  const byAnn = { by: 'user:ann', principal: 'user:ann', actor: null, address: here }
  const ofNobody = { by: 'system', principal: null, address: here }
  const logIn = (name: string, shown = password) =>
    world.client().login.withPassword({ name, password: shown })

  test('log-ins, and those that fail, without telling users from others to whoever fails', async () => {
    await isWritten(() => logIn('ann'), 'log-in', byAnn, 'user ann logged in from 127.0.0.1')
    const wrong = 'a password that is wrong'
    await isWritten(
      () => failure(logIn('ann', wrong)),
      'log-in-failed',
      { ...ofNobody, principal: 'user:ann' },
      'log-in failed for user ann',
    )
    await isWritten(
      () => failure(logIn('hunter2', wrong)),
      'log-in-failed',
      ofNobody,
      'log-in failed for an unknown name',
    )
    const secret = { deviceCode: `spd_${'0'.repeat(49)}` }
    await isWritten(
      () => failure(world.client().device.token(secret)),
      'log-in-failed',
      ofNobody,
      'a sign-in was refused',
    )
    const code = { code: 'x'.repeat(43), verifier: 'y'.repeat(43) }
    await isWritten(
      () => failure(world.client().login.withCode(code)),
      'log-in-failed',
      ofNobody,
      'a sign-in was refused',
    )
    const link = { code: `sps_${'0'.repeat(49)}`, password }
    await isWritten(
      () => failure(world.client().setup.consume(link)),
      'log-in-failed',
      ofNobody,
      'a sign-in was refused',
    )
    await isWritten(
      () => failure(world.client('sp_x').whoami.get()),
      'log-in-failed',
      ofNobody,
      'an access token was refused at the API',
    )
    const refusedByToy = async () => {
      using client = new ToyClient(world.portOf('toy'))
      await client.logIn('sp_wrong', 'shop')
    }
    await isWritten(
      refusedByToy,
      'log-in-failed',
      { by: 'system', principal: null },
      'a log-in was refused: invalid-credential',
    )
    expect(JSON.stringify((await root.audit.list({ limit: 500 })).items)).not.toContain('hunter2')
  })

  test('tokens, keys and certificates', async () => {
    let id = ''
    await isWritten(
      async () => ({ id } = await ann.tokens.create({ label: 'x' })),
      'token',
      byAnn,
      /^token tok_\w+ made for user:ann/,
    )
    await isWritten(() => ann.tokens.delegate({ agent: 'helper', ttlSeconds: 60 }), 'token', byAnn, 'helper')
    await isWritten(() => root.tokens.revoke({ id }), 'token', byRoot, `token ${id} revoked`)
    const publicKey = () => keyLine(generatePrivateKey().publicKey.blob, '')
    const added = async () => {
      const key = generatePrivateKey()
      const { challenge, message, namespace } = await ann.keys.challenge()
      const signature = signedBy(key, namespace, message)
      return ann.keys.add({ publicKey: keyLine(key.publicKey.blob, ''), challenge, signature })
    }
    await isWritten(
      async () => ({ id } = await added()),
      'key',
      byAnn,
      /SSH key key_\w+ .* added for user:ann/,
    )
    await isWritten(() => ann.keys.remove({ id }), 'key', byAnn, `SSH key ${id}`)
    await isWritten(
      () => ann.keys.certify({ publicKey: publicKey() }),
      'certificate',
      byAnn,
      /SSH certificate \d+ for .* issued/,
    )
    await isWritten(() => root.authorities.prepare({}), 'setting', byRoot, '')
    const bob = await person('bob')
    await isWritten(() => bob.whoami.logout(), 'token', { by: 'user:bob' }, 'revoked')
  })

  test('users', async () => {
    await isWritten(
      () => root.users.create({ name: 'carol', groups: [] }),
      'user',
      byRoot,
      'user carol created',
    )
    await isWritten(
      () => root.users.setGroups({ name: 'carol', groups: ['staff'] }),
      'user',
      byRoot,
      'user carol is in groups staff',
    )
    await isWritten(
      () => root.users.renewSetupLink({ name: 'carol' }),
      'user',
      byRoot,
      'set-up link made for user carol',
    )
    await isWritten(() => root.users.disable({ name: 'carol' }), 'user', byRoot, 'user carol disabled')
    await isWritten(() => root.users.enable({ name: 'carol' }), 'user', byRoot, 'user carol enabled')
    await isWritten(
      () => person('dave'),
      'user',
      { by: 'user:dave', address: here },
      'set-up link used for user dave',
    )
  })

  test('everything that is declared', async () => {
    const apply = (document: object) => root.apply.documents({ documents: [document as never] })
    const shop = {
      kind: 'Resource',
      name: 'shop',
      protocol: 'toy',
      host: 'h',
      agent: 'a',
      accounts: [{ name: 'app', credential: { from: 'none' } }],
    }
    await isWritten(() => apply(shop), 'resource', byRoot, 'resource shop declared')
    await isWritten(
      () => apply({ kind: 'Credential', name: 'c', password: 'hunter2' }),
      'credential',
      byRoot,
      'credential c set',
    )
    const text = `@id("staff") @request("dba") permit (principal in Group::"staff", action == Action::"connect", resource);`
    await isWritten(() => apply({ kind: 'Policy', name: 'p', text }), 'policy', byRoot, /polic/)
    await isWritten(() => apply({ kind: 'Policy', name: 'p', text: `${text}\n` }), 'policy', byRoot, /polic/)
    await isWritten(() => root.policies.rollback({ version: '1', note: 'back' }), 'policy', byRoot, /polic/)
    const keys = {
      from: 'document',
      keys: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', kid: 'k' }],
    }
    const issuer = {
      kind: 'Issuer',
      name: 'ci',
      issuer: 'https://ci.example',
      audiences: ['g'],
      tokens: 'workload',
      algorithms: ['EdDSA'],
      keys,
      rules: [{ name: 'r', match: { sub: 'x' }, is: { workload: 'w' }, groups: [] }],
    }
    await isWritten(() => apply(issuer), 'issuer', byRoot, 'issuer ci declared')
    const part = (it: object) => Buffer.from(JSON.stringify(it)).toString('base64url')
    const forged = `${part({ alg: 'EdDSA', kid: 'k' })}.${part({ iss: 'https://ci.example' })}.AAAA`
    await isWritten(
      () => failure(world.client(forged).whoami.get()),
      'federation-refused',
      ofNobody,
      'a token of issuer ci was refused',
    )
    const server = createServer()
    server.listen(0, here)
    await once(server, 'listening')
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/x`
    await isWritten(
      () =>
        apply({
          kind: 'Webhook',
          name: 'ops',
          url,
          events: ['break-glass'],
          secret: { from: 'sealed', name: 'c' },
        }),
      'webhook',
      byRoot,
      'webhook ops declared',
    )
    await isWritten(() => root.webhooks.test({ name: 'ops' }), 'webhook', byRoot, 'webhook ops tested')
    server.close()
    expect(JSON.stringify((await root.audit.list({ limit: 500 })).items)).not.toContain('hunter2')
  })

  test('requests, grants and reports', async () => {
    await person('erin', 'dba').then(async (erin) => {
      const ask = () => ann.requests.create({ resource: 'shop', account: 'app', reason: 'because' })
      let id = ''
      await isWritten(async () => ({ id } = (await ask()).request), 'access-request', byAnn, `by user:ann`)
      const byErin = { ...byAnn, by: 'user:erin', principal: 'user:erin' }
      await isWritten(() => erin.requests.approve({ id }), 'access-request', byErin, 'approve by user:erin')
      const [grant] = (await root.grants.list({})).items
      await isWritten(
        () => root.grants.revoke({ id: grant?.id ?? '', reason: 'x' }),
        'grant',
        byRoot,
        'revoked',
      )
      await isWritten(
        async () => erin.requests.deny({ id: (await ask()).request.id, comment: 'no' }),
        'access-request',
        byErin,
        'deny by user:erin',
      )
      await isWritten(
        async () => ann.requests.withdraw({ id: (await ask()).request.id }),
        'access-request',
        byAnn,
        'withdrawn',
      )
    })
    const all = async (lines: AsyncIterable<unknown>) => {
      for await (const _ of lines);
    }
    await isWritten(() => all(root.access.report({}) as never), 'report', byRoot, 'reported')
    await isWritten(
      () => all(root.policies.simulate({ policies: [], days: 1 } as never) as never),
      'report',
      byRoot,
      'policies simulated',
    )
  })

  test('agents’ tokens, connectors and what they do', async () => {
    let id = ''
    await isWritten(
      async () => ({ id } = await root.joinTokens.create({ pool: 'dc1' } as never)),
      'enrolment',
      byRoot,
      `join token`,
    )
    await isWritten(() => root.joinTokens.revoke({ id }), 'enrolment', byRoot, `join token ${id} revoked`)
    let token = ''
    await isWritten(
      async () => ({ id, token } = await root.scimTokens.create({ label: 'x' })),
      'scim',
      byRoot,
      'SCIM token',
    )
    const body = { userName: 'zoe', externalId: 'z' }
    const ask = connector(world, token)
    await isWritten(
      () => ask('POST', '/Users', body),
      'scim',
      { by: `scim:${id}`, principal: null, address: here },
      'user zoe created',
    )
    await isWritten(() => root.scimTokens.revoke({ id }), 'scim', byRoot, 'revoked')
    await isWritten(() => ask('GET', '/Users'), 'log-in-failed', ofNobody, `SCIM token ${id}, which is over`)
  })

  test('and the whole of it follows from entry to entry', async () => {
    const chain = new AuditChain()
    for await (const entry of root.audit.export({})) expect(chain.take(entry as AuditEntry)).toBe(true)
    expect(await root.audit.verify({})).toEqual({ sound: true, entries: chain.seq, head: chain.head })
  })

  test('many refused attempts are as many entries a minute as there may be', async () => {
    for (let i = 0; i < 70; i++) await failure(world.client('sp_x').whoami.get())
    const refused = (await fresh()).filter(({ kind }) => kind === 'log-in-failed')
    expect(refused.length).toBeLessThanOrEqual(60)
    expect((await root.users.list()).items.length).toBeGreaterThan(3)
  })
})
