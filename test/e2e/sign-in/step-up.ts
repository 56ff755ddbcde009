import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Browser, type Shown } from '../../world/browser.ts'
import { environmentOf } from '../../world/endpoint.ts'
import { clientPath } from '../../world/postgres-binaries.ts'
import { startNode, startProcess } from '../../world/process.ts'
import { temporaryDirectory } from '../../world/temporary.ts'
import { session, type Ground } from './ground.ts'

const program = new URL('../../../packages/cli/src/main.ts', import.meta.url)
const stronger = `
@id("ddl-with-a-key") @stepup("phr") @reason("changes of tables take a key")
permit (principal in Group::"dba", action == Action::"ddl", resource);
@id("inserts-when-new") @stepup("phr") @max_age("1h")
permit (principal in Group::"dba", action == Action::"insert", resource);
`
const closing = '@id("no") @stepup("phr") forbid (principal, action == Action::"administer", resource);'

/** What policy permits only to who has signed in in another way. */
export function byStepUp(ground: Ground): void {
  const { at, signedIn, letIn, audit } = ground

  const open = (token: string) =>
    startProcess(clientPath('psql'), ['-X', '-q', '-A', '-t', '-v', 'VERBOSITY=verbose'], {
      environment: environmentOf(
        ground.sallyport.endpoint({ ...ground.sallyport.admin, token }, 'orders-db', 'shop'),
      ),
    })
  /** Through the provider's pages, up to a page of the gateway. */
  const through = async (browser: Browser, link: string, name: string): Promise<Shown> => {
    let page = await browser.go(link)
    for (let step = 0; page.url.origin === ground.provider.url && step < 5; step++)
      page = await browser.submit(
        page,
        page.text.includes('name="login"') ? { login: name, password: 'any' } : {},
      )
    return page
  }

  describe('whom policy asks to sign in in another way', () => {
    beforeAll(() => ground.sallyport.apply({ kind: 'Policy', name: 'stronger', text: stronger }))
    afterAll(() => void (ground.provider.isWeak = false))

    test('are told where, and go on in the very session once they have, they themselves and nobody else', async () => {
      const browser = await signedIn('alice')
      const client = await open(await letIn(browser))
      client.write('create table stepped (i int);\n')
      await client.line(
        /ERROR: {2}42501: sallyport: this needs a sign-in by phr \(changes of tables take a key\)/,
      )
      const [, link = ''] = await client.line(/HINT: {2}open (https:\S+) , then run it again/)
      expect(link).toMatch(/\/sign-in\/step-up\/sgn_[0-9A-Z]{26}\?acr=phr$/)

      // Somebody else, though they sign in as is asked for.
      const other = await through(await signedIn('bob'), link, 'bob')
      expect(other.status).toBe(403)
      expect(other.text).toContain('this is for somebody else, or is over')

      // Signed in otherwise than is asked for.
      ground.provider.isWeak = true
      const weak = await through(browser, link, 'alice')
      expect(weak.status).toBe(403)
      expect(weak.text).toContain('not as strongly or as lately as is asked for')
      ground.provider.isWeak = false

      // Nothing is raised by a link alone.
      const page = await through(browser, link, 'alice')
      expect(page.text).toContain('Go on with what you were doing?')
      expect(page.text).toContain('<strong>a test</strong>')
      client.write('create table stepped (i int);\n\\echo still\n')
      await client.line(/^still$/)
      expect(client.output.match(/this needs a sign-in by phr/g)).toHaveLength(2)
      const stranger = new Browser(ground.trusted)
      const without = await stranger.go(at('/sign-in/step-up'), new URLSearchParams(), {
        origin: ground.sallyport.baseUrl,
        'sec-fetch-site': 'same-origin',
      })
      expect(without.status).toBe(403)

      const done = await browser.submit(page, { answer: 'allow' })
      expect(done.text).toContain('You are signed in anew')
      client.write('create table stepped (i int);\ninsert into stepped values (7);\n')
      // When that was, the provider says where it is asked.
      const [, newer = ''] = await client.line(/HINT: {2}open (https:\S+\?acr=phr&max_age=3600) , then/)
      await browser.submit(await through(browser, newer, 'alice'), { answer: 'allow' })
      client.write('insert into stepped values (7);\nselect i from stepped;\n')
      await client.line(/^7$/)
      client.write('drop table stepped;\n\\q\n')
      expect((await client.exited).code).toBe(0)
      expect(await audit()).toContain('user alice signed in anew from 127.0.0.1')
      expect((await browser.submit(page, { answer: 'allow' })).status).toBe(403)
    })

    test('and it is recorded that this was asked for, and not that it was permitted', async () => {
      const { items } = await ground.sallyport.admin.client.sessions.list({ limit: 50 })
      const [mine] = items.filter(({ principal }) => principal.name === 'alice')
      const events: unknown[] = []
      for await (const event of ground.sallyport.admin.client.sessions.events({ id: mine?.id ?? '' }))
        events.push(event)
      const text = JSON.stringify(events)
      expect(text).toContain('"effect":"deny","policies":["step-up","ddl-with-a-key"]')
      expect(text).toContain('"effect":"allow","policies":["ddl-with-a-key"]')
      expect(text).not.toContain('sgn_')
    })

    test('are not asked for what would shut out whoever asks for it', async () => {
      await expect(
        ground.sallyport.apply({ kind: 'Policy', name: 'closing', text: closing }),
      ).rejects.toMatchObject({ code: 'would-lock-out' })
    })

    test('sign in like that from the start, by the browser of their machine', async () => {
      await using home = await temporaryDirectory()
      const running = await login(home.path)
      const [link] = await running.line(/https:\S+/)
      const browser = await signedIn('carol')
      const before = browser.cookies(at('/')).get(session)
      const page = await through(browser, link, 'carol')
      expect(page.text).toContain('Sign in on this machine?')
      expect(browser.cookies(at('/')).get(session)).not.toBe(before)
      const back = await browser.submit(page, { answer: 'allow' })
      expect((await fetch(back.url)).status).toBe(200)
      await running.line(/Signed in to .* as carol/)
      expect((await running.exited).code).toBe(0)
    })

    test('or by any, and are told where the provider has not done what it was asked for', async () => {
      await using home = await temporaryDirectory()
      const running = await login(home.path, '--device')
      const [link] = await running.line(/https:\S+/)
      const browser = new Browser(ground.trusted)
      await browser.submit(await through(browser, link, 'carol'), { answer: 'allow' })
      await running.line(/Signed in to .* as carol/)

      ground.provider.isWeak = true
      const weak = await login(home.path, '--device')
      const [other] = await weak.line(/https:\S+/)
      expect((await through(new Browser(ground.trusted), other, 'carol')).status).toBe(403)
      await browser.submit(await browser.go(other.replace(/&acr=.*/, '')), { answer: 'deny' })
      expect((await weak.exited).code).not.toBe(0)
    })

    const login = (home: string, ...how: readonly string[]) =>
      startNode(
        program,
        [
          'login',
          '--acr',
          'phr',
          '--gateway',
          ground.sallyport.baseUrl,
          '--ca',
          ground.sallyport.authorityFile,
          ...how,
        ],
        { environment: { PATH: process.env['PATH'], HOME: home, XDG_STATE_HOME: home } },
      )
  })
}
