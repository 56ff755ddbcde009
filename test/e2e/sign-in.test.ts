import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Browser } from '../world/browser.ts'
import { startNode } from '../world/process.ts'
import { temporaryDirectory } from '../world/temporary.ts'
import { byBackChannel } from './sign-in/back-channel.ts'
import { Ground, session } from './sign-in/ground.ts'
import { byPsql } from './sign-in/psql.ts'
import { byStepUp } from './sign-in/step-up.ts'
import { byProviderAnswers } from './sign-in/provider-answers.ts'
import { byScim } from './sign-in/scim.ts'

const program = new URL('../../packages/cli/src/main.ts', import.meta.url)

describe('people sign in at their company’s provider, over two processes', () => {
  const ground = new Ground()
  const { at, begun, signIn, signedIn, letIn, psql, live, audit, flowOf } = ground
  beforeAll(ground.open)
  afterAll(() => ground[Symbol.asyncDispose]())

  test('as users who appear at their first sign-in, with the groups that the provider says', async () => {
    const browser = await signedIn('alice')
    const client = await ground.sallyport.client(await letIn(browser))
    expect((await client.whoami.get()).principal).toEqual({
      kind: 'user',
      id: 'user:alice',
      name: 'alice',
      groups: ['dba'],
    })
    const { items } = await ground.sallyport.admin.client.users.list()
    expect(items.find(({ name }) => name === 'alice')).toMatchObject({
      state: 'active',
      provider: ground.provider.url,
    })
    expect(await audit()).toContain(`user alice signed in from 127.0.0.1, by ${ground.provider.url}`)
  })

  test('and somebody local of the same name is somebody else', async () => {
    const client = await ground.sallyport.client(await letIn(await signedIn('root')))
    const { principal, mayAdminister } = await client.whoami.get()
    expect(principal.id).toMatch(/^user:root-[0-9a-f]{10}$/)
    expect(mayAdminister).toBe(false)
  })

  test('by a session cookie that scripts, plain HTTP and other sites do not get, and that nothing else takes', async () => {
    const browser = new Browser(ground.trusted)
    const page = await begun(browser)
    expect(browser.cookies(at('/')).has(`${session}-flow`)).toBe(true)
    let shown = page
    while (shown.url.origin === ground.provider.url)
      shown = await browser.submit(shown, { login: 'alice', password: 'x' })
    const token = browser.cookies(at('/')).get(session) ?? ''
    expect(token).toMatch(/^spb_/)
    expect(browser.cookies(at('/')).has(`${session}-flow`)).toBe(false)
    const set = (await browser.ask(at('/sign-in/start?to=/device'))).headers['set-cookie']
    expect(String(set)).toMatch(/; Path=\/; Max-Age=600; Secure; HttpOnly; SameSite=Lax$/)
    await expect((await ground.sallyport.client(token)).whoami.get()).rejects.toMatchObject({
      code: 'unauthenticated',
    })
    expect((await psql(token)).stderr).toContain('the credential is not valid')
    const program = await letIn(browser)
    browser.cookies(at('/')).set(session, program)
    expect((await browser.go(at('/device'))).url.pathname).toBe('/sign-in')
    for (const url of browser.visited) expect(url.href).not.toMatch(/sp[bd]?_/)
  })

  test('rotated at each sign-in: a cookie that somebody has put there before is not one afterwards', async () => {
    const thief = await signedIn('bob')
    const fixed = thief.cookies(at('/')).get(session) ?? ''
    const browser = new Browser(ground.trusted)
    browser.cookies(at('/')).set(session, fixed)
    browser.cookies(at('/')).set('x', 'y')
    await signIn(browser, 'alice')
    expect(browser.cookies(at('/')).get(session)).not.toBe(fixed)
    expect((await thief.go(at('/device'))).url.pathname).toBe('/sign-in')
    const next = browser.cookies(at('/')).get(session)
    await signIn(browser, 'alice')
    expect(browser.cookies(at('/')).get(session)).not.toBe(next)
  })

  test('and are led to no page but ours', async () => {
    for (const to of [
      'https://evil.example/',
      '//evil.example',
      '/\\evil.example',
      '/api/v1/whoami',
      'javascript:alert(1)',
      '/device?x=\n',
      '/device/../x',
    ]) {
      const browser = new Browser(ground.trusted)
      const page = await signIn(browser, 'alice', to)
      expect(page.url.href).toBe(at('/sign-in').href)
    }
    const browser = new Browser(ground.trusted)
    expect((await signIn(browser, 'alice', '/device?code=BCDF-GHJK')).url.pathname).toBe('/device')
  })

  byProviderAnswers(ground)
  byBackChannel(ground)
  byPsql(ground)
  byStepUp(ground)

  describe('a program signs in by a browser anywhere', () => {
    test('once a person has compared the code and seen who asks; its token is given out once', async () => {
      const browser = await signedIn('carol')
      const { deviceCode, userCode, urlWithCode } = await ground.anybody.device.begin({
        program: '<b>ssh</b>',
      })
      expect(userCode).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
      const page = await browser.go(urlWithCode)
      expect(page.text).toContain(userCode)
      expect(page.text).toContain('&#60;b&#62;ssh&#60;/b&#62;')
      expect(page.text).toContain('127.0.0.1')
      const waiting = ground.anybody.device.token({ deviceCode })
      await browser.submit(page, { answer: 'allow' })
      const { signedIn: got } = await waiting
      expect(got?.user).toBe('carol')
      await expect(ground.anybody.device.token({ deviceCode })).rejects.toMatchObject({
        code: 'unauthenticated',
      })
      const again = await browser.go(urlWithCode)
      expect(again.status).toBe(403)
    })

    test('not by guessing: the sixth wrong code in a minute is not looked at', async () => {
      const browser = await signedIn('carol')
      const { userCode } = await ground.anybody.device.begin({ program: 'x' })
      const form = await browser.go(at('/device'))
      let last = form
      for (let i = 0; i < 6; i++) last = await browser.submit(form, { code: 'BBBB-BBBB' })
      expect(last.text).toContain('too many wrong codes')
      expect((await browser.submit(form, { code: userCode })).text).toContain('too many wrong codes')
    })

    const login = async (home: string, ...how: readonly string[]) =>
      startNode(
        program,
        ['login', '--gateway', ground.sallyport.baseUrl, '--ca', ground.sallyport.authorityFile, ...how],
        {
          environment: { PATH: process.env['PATH'], HOME: home, XDG_STATE_HOME: home },
        },
      )

    test('and `sallyport login` does, by the browser of its own machine', async () => {
      await using home = await temporaryDirectory()
      const browser = await signedIn('carol')
      const running = await login(home.path)
      const [link] = await running.line(/https:\S+/)
      const page = await browser.go(link)
      const back = await browser.submit(page, { answer: 'allow' })
      expect(back.url.hostname).toBe('127.0.0.1')
      expect(page.headers['content-security-policy']).toContain(`form-action 'self' ${back.url.origin};`)
      const wrong = new URL(back.url)
      wrong.searchParams.set('state', 'x')
      expect((await fetch(wrong)).status).toBe(404)
      expect((await fetch(back.url)).status).toBe(200)
      await running.line(/Signed in to .* as carol/)
      expect((await running.exited).code).toBe(0)
    })

    test('and with --device, by any', async () => {
      await using home = await temporaryDirectory()
      const running = await login(home.path, '--device')
      const [link] = await running.line(/https:\S+/)
      const browser = await signedIn('carol')
      // One more code is looked at 12 s after five wrong ones.
      await expect
        .poll(async () => (await browser.go(link)).status, { timeout: 20_000, interval: 3000 })
        .toBe(200)
      await browser.submit(await browser.go(link), { answer: 'allow' })
      await running.line(/Signed in to .* as carol/)
      expect((await running.exited).code).toBe(0)
    })

    test('over loopback with a code that is good for whoever began it, and once', async () => {
      const browser = await signedIn('carol')
      const verifier = randomBytes(32).toString('base64url')
      const challenge = createHash('sha256').update(verifier).digest('base64url')
      const query = new URLSearchParams({ port: '50000', state: 's'.repeat(43), challenge })
      const codeOf = async (): Promise<string> => {
        const back = await browser.submit(await browser.go(at(`/sign-in/program?${query.toString()}`)), {
          answer: 'allow',
        })
        return back.url.searchParams.get('code') ?? ''
      }
      const code = await codeOf()
      const stolen = ground.anybody.login.withCode({ code, verifier: randomBytes(32).toString('base64url') })
      await expect(stolen).rejects.toMatchObject({ code: 'unauthenticated' })
      await expect(ground.anybody.login.withCode({ code, verifier })).rejects.toMatchObject({
        code: 'unauthenticated',
      })
      const good = await codeOf()
      expect((await ground.anybody.login.withCode({ code: good, verifier })).user).toBe('carol')
      for (const port of ['80', '99999', 'x', '22'])
        expect(
          (
            await browser.go(
              at(
                `/sign-in/program?${new URLSearchParams({ port, state: 's'.repeat(43), challenge }).toString()}`,
              ),
            )
          ).status,
        ).toBe(400)
    })
  })

  test('while administrators may use a password, and no other local user', async () => {
    const { items } = await ground.sallyport.admin.client.users.list()
    expect(items.find(({ name }) => name === 'root')).toMatchObject({ groups: ['administrators'] })
    const browser = new Browser(ground.trusted)
    const page = await browser.submit(await browser.go(at('/sign-in')), {
      name: 'root',
      password: 'correct horse battery staple',
    })
    expect(page.text).toContain('You are signed in')
    await expect(ground.sallyport.person('erin', ['dba'])).rejects.toThrow(
      'people sign in at the identity provider here',
    )
    const other = new Browser(ground.trusted)
    const refused = await other.submit(await other.go(at('/sign-in')), {
      name: 'erin',
      password: 'whatever it is',
    })
    expect(refused.status).toBe(401)
    expect(refused.text).toContain('The name or the password is wrong')
  })

  test('who are disabled here end at once, and are not signed in again', async () => {
    const browser = await signedIn('bob')
    const client = await live(await letIn(browser))
    await ground.sallyport.admin.client.users.disable({ name: 'bob' })
    await client.line(/your access was revoked/)
    await client.exited
    const page = await signIn(new Browser(ground.trusted), 'bob')
    expect(page.status).toBe(403)
    expect(page.text).toContain('you were not signed in')
    await ground.sallyport.admin.client.users.enable({ name: 'bob' })
  })

  byScim(ground)

  test('whose set-up the doctor finds to be as it should', async () => {
    const { checks } = await ground.sallyport.admin.client.gateway.doctor()
    const about = checks.filter(({ name }) => name.startsWith('identity provider'))
    expect(about.map(({ name, state }) => [name.replace(/identity provider(: )?/, ''), state])).toEqual([
      ['', 'good'],
      ['keys', 'good'],
      ['clock', 'good'],
      ['client', 'good'],
      ['redirect', 'good'],
      // It gives refresh tokens unasked, which it does not say.
      ['scopes', 'warning'],
    ])
  })

  test('and go on while it is down; nobody new comes in then, and is told so', async () => {
    const token = await letIn(await signedIn('alice'))
    const { browser, back } = await flowOf()
    ground.provider.isDown = true
    try {
      expect((await psql(token)).stdout).toBe('1\n')
      const page = await browser.go(back)
      expect(page.text).toContain('the identity provider cannot be asked just now')
      expect(browser.cookies(at('/')).has(session)).toBe(false)
      const { checks } = await ground.sallyport.admin.client.gateway.doctor()
      expect(checks.find(({ name }) => name === 'identity provider')).toMatchObject({ state: 'bad' })
      expect((await new Browser(ground.trusted).go(at('/sign-in/start'))).status).toBe(503)
    } finally {
      ground.provider.isDown = false
    }
  })

  test(
    'who are removed there, or from a group, are so here within a minute; who is neither goes on',
    { timeout: 120_000 },
    async () => {
      const tokens = new Map<string, string>()
      for (const name of ['alice', 'bob', 'carol']) tokens.set(name, await letIn(await signedIn(name)))
      const client = await live(tokens.get('bob') ?? '')
      const started = performance.now()
      ground.provider.people.delete('bob')
      const carol = ground.provider.people.get('carol')
      if (carol !== undefined) carol.groups = ['interns']
      await client.line(/your access was revoked/)
      expect(performance.now() - started).toBeLessThan(65_000)
      await expect
        .poll(async () => (await psql(tokens.get('carol') ?? '')).code, { timeout: 10_000, interval: 500 })
        .not.toBe(0)
      expect((await psql(tokens.get('alice') ?? '')).stdout).toBe('1\n')
      expect(await audit()).toContain('the provider does not vouch for user bob any more')
      expect(await audit()).toContain('user carol is in groups interns')
      await client.exited
    },
  )

  test('and no secret of any of that stands in the log or in the audit log', async () => {
    const log = ground.sallyport.gateway.output
    const all = `${log}${await audit()}`
    expect(all).not.toContain(ground.provider.clientSecret)
    expect(all).not.toMatch(/sp[bdm]?_[0-9A-Za-z]{49}/)
    expect(all).not.toMatch(/eyJ[\w-]+\.[\w-]+\./)
    expect(all).not.toMatch(/[?&]code=/)
  })
})
