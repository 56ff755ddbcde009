import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from '@sallyport/api'
import { Browser, type Shown } from '../world/browser.ts'
import { hasChromium, startChromium } from '../world/chromium.ts'
import { environmentOf } from '../world/endpoint.ts'
import { freePort } from '../world/ports.ts'
import { clientPath } from '../world/postgres-binaries.ts'
import { startPostgres } from '../world/postgres.ts'
import { run, startNode, startProcess } from '../world/process.ts'
import { declarePostgres, startSallyport, type Sallyport } from '../world/sallyport.ts'
import { isSimpleSamlPhpInstalled, startSimpleSamlPhp, type SimpleSamlPhp } from '../world/simplesamlphp.ts'
import { temporaryDirectory } from '../world/temporary.ts'

const session = '__Host-sallyport'
const flow = '__Host-sallyport-form-flow'
const program = new URL('../../packages/cli/src/main.ts', import.meta.url)
const policy = `
@id("dba")
permit (principal in Group::"dba", action in [Action::"connect", Action::"read", Action::"call", Action::"session", Action::"transaction"], resource);
`

describe.skipIf(!isSimpleSamlPhpInstalled())(
  'people sign in by SAML at simpleSAMLphp, over two processes',
  () => {
    const life = new AsyncDisposableStack()
    let provider: SimpleSamlPhp
    let sallyport: Sallyport
    let anybody: Client
    let trusted: string[]

    beforeAll(async () => {
      const server = life.use(await startPostgres({ databases: ['shop'] }))
      provider = life.use(await startSimpleSamlPhp())
      await provider.know(['alice', 'bob'].map((uid) => ({ uid, groups: ['dba'] })))
      const { path } = life.use(await temporaryDirectory())
      const [metadata, certificateAuthority] = [join(path, 'idp.xml'), join(path, 'ca.pem')]
      await writeFile(metadata, await provider.metadata())
      await writeFile(certificateAuthority, provider.authority)
      const ports = {
        api: await freePort(),
        agents: await freePort(),
        metrics: await freePort(),
        postgres: await freePort(),
        ssh: await freePort(),
      }
      const issuer = `${provider.url}/saml2/idp/metadata.php`
      const saml = {
        issuer,
        metadata,
        name: 'ACME',
        nameAttribute: 'uid',
        signRequests: true,
        certificateAuthority,
      }
      sallyport = life.use(
        await startSallyport({
          allow: [`127.0.0.1:${server.port}`],
          processes: 2,
          ports,
          gateway: { saml, limits: { signInsPerMinute: 1000 } },
        }),
      )
      trusted = [provider.authority, await readFile(sallyport.authorityFile, 'utf8')]
      anybody = await sallyport.client()
      await declarePostgres(sallyport, server)
      await sallyport.apply({ kind: 'Policy', name: 'dba', text: policy })
      await provider.serve((await new Browser(trusted).go(at('/sign-in/saml/metadata'))).text)
    }, 180_000)
    afterAll(() => life.disposeAsync())

    const at = (path: string): URL => new URL(path, sallyport.baseUrl)
    /** Up to the provider's page that sends the browser back with its answer. */
    const answered = async (browser: Browser, name: string, to = '/sign-in'): Promise<Shown> => {
      const page = await browser.go(at(`/sign-in/saml/start?to=${encodeURIComponent(to)}`))
      return browser.submit(page, { username: name, password: 'password' })
    }
    const signIn = async (browser: Browser, name: string): Promise<Shown> =>
      browser.submit(await answered(browser, name))
    const signedIn = async (name: string): Promise<Browser> => {
      const browser = new Browser(trusted)
      const { url, text } = await signIn(browser, name)
      if (!text.includes('You are signed in')) throw new Error(`not signed in, but at ${url.href}: ${text}`)
      return browser
    }
    const letIn = async (browser: Browser): Promise<string> => {
      const { deviceCode, urlWithCode } = await anybody.device.begin({ program: 'a test' })
      await browser.submit(await browser.go(urlWithCode), { answer: 'allow' })
      return (await anybody.device.token({ deviceCode })).signedIn?.token ?? ''
    }
    const environmentWith = (token: string) =>
      environmentOf(sallyport.endpoint({ ...sallyport.admin, token }, 'orders-db', 'shop'))
    const psql = (token: string) =>
      run(clientPath('psql'), ['-X', '-A', '-t', '-q', '-c', 'select 1'], {
        environment: environmentWith(token),
      })
    const audit = async (): Promise<string> =>
      JSON.stringify((await sallyport.admin.client.audit.list({ limit: 500 })).items)
    const isRefused = ({ status, text }: Shown, browser: Browser): boolean =>
      status === 403 && text.includes('you were not signed in') && !browser.cookies(at('/')).has(session)

    test('who become users with the groups of an attribute, and query with the token of a program they let in', async () => {
      const browser = new Browser(trusted)
      expect((await browser.go(at('/sign-in'))).text).toContain('Sign in with ACME')
      expect((await signIn(browser, 'alice')).text).toContain('You are signed in')
      expect(browser.cookies(at('/')).get(session)).toMatch(/^spb_/)
      expect(browser.cookies(at('/')).has(flow)).toBe(false)
      const token = await letIn(browser)
      expect(await psql(token)).toMatchObject({ code: 0, stdout: '1\n' })
      const { principal, mayAdminister } = await (await sallyport.client(token)).whoami.get()
      expect(principal).toEqual({ kind: 'user', id: 'user:alice', name: 'alice', groups: ['dba'] })
      expect(mayAdminister).toBe(false)
      expect(await audit()).toContain(
        `user alice signed in from 127.0.0.1, by ${provider.url}/saml2/idp/metadata.php`,
      )
    })

    test('and `sallyport login` does, by the browser of its own machine', async () => {
      await using home = await temporaryDirectory()
      const running = await startNode(
        program,
        ['login', '--gateway', sallyport.baseUrl, '--ca', sallyport.authorityFile],
        { environment: { PATH: process.env['PATH'], HOME: home.path, XDG_STATE_HOME: home.path } },
      )
      const [link] = await running.line(/https:\S+/)
      const browser = new Browser(trusted)
      const [start = ''] = /\/sign-in\/saml\/start[^"]*/.exec((await browser.go(link)).text) ?? []
      const page = await browser.submit(await browser.go(at(start.replaceAll('&#38;', '&'))), {
        username: 'alice',
        password: 'password',
      })
      const back = await browser.submit(await browser.submit(page), { answer: 'allow' })
      expect((await fetch(back.url)).status).toBe(200)
      await running.line(/Signed in to .* as alice/)
    })

    test('not twice by the same answer, also where the browser shows that it asked', async () => {
      const browser = new Browser(trusted)
      const page = await answered(browser, 'alice')
      const sealed = browser.cookies(at('/')).get(flow) ?? ''
      expect((await browser.submit(page)).text).toContain('You are signed in')
      const again = new Browser(trusted)
      again.cookies(at('/')).set(flow, sealed)
      expect(isRefused(await again.go(at('/sign-in/saml/acs'), fieldsOf(page)), again)).toBe(true)
      expect(await audit()).toContain('the provider’s answer was brought before')
    })

    test('not in another browser than the one that asked, nor without having asked', async () => {
      const page = await answered(new Browser(trusted), 'alice')
      const thief = new Browser(trusted)
      expect(isRefused(await thief.submit(page), thief)).toBe(true)
      const other = new Browser(trusted)
      await other.go(at('/sign-in/saml/start'))
      expect(isRefused(await other.submit(page), other)).toBe(true)
      const unasked = new Browser(trusted)
      const us = encodeURIComponent(at('/sign-in/saml/metadata').href)
      const login = await unasked.go(`${provider.url}/saml2/idp/SSOService.php?spentityid=${us}`)
      const offered = await unasked.submit(login, { username: 'alice', password: 'password' })
      expect(offered.text).toContain('SAMLResponse')
      await unasked.go(at('/sign-in/saml/start'))
      expect(isRefused(await unasked.submit(offered), unasked)).toBe(true)
      expect(sallyport.gateway.output).toContain('it does not answer what this browser asked')
    })

    test('with a session that is new each time, in place of the one that the browser had', async () => {
      const browser = await signedIn('alice')
      const before = browser.cookies(at('/')).get(session) ?? ''
      await browser.submit(await browser.go(at('/sign-in/saml/start')))
      expect(browser.cookies(at('/')).get(session)).not.toBe(before)
      const kept = new Browser(trusted)
      kept.cookies(at('/')).set(session, before)
      expect((await kept.go(at('/device'))).url.pathname).toBe('/sign-in')
    })

    test('and are led to no page but ours, whatever the answer comes with', async () => {
      for (const [to, leads] of [
        ['https://evil.example/', '/sign-in'],
        ['/device', '/device'],
      ] as const) {
        const browser = new Browser(trusted)
        const page = await browser.submit(await answered(browser, 'alice', to), {
          RelayState: 'https://evil.example/',
        })
        expect(page.url.href).toBe(at(leads).href)
      }
    })

    test('by a cookie that other sites’ forms come with for this alone', async () => {
      const set = (await new Browser(trusted).ask(at('/sign-in/saml/start'))).headers['set-cookie']
      expect(String(set)).toMatch(
        /^__Host-sallyport-form-flow=[^;]+; Path=\/; Max-Age=600; Secure; HttpOnly; SameSite=None$/,
      )
    })

    test('not by what is no answer, or far too much of one', async () => {
      for (const value of ['', 'x', 'PHg+', 'A'.repeat(200_000)]) {
        const browser = new Browser(trusted)
        await browser.go(at('/sign-in/saml/start'))
        const form = new URLSearchParams({ SAMLResponse: value })
        expect(isRefused(await browser.go(at('/sign-in/saml/acs'), form), browser)).toBe(true)
      }
      const form = new URLSearchParams({ SAMLResponse: 'A'.repeat(300_000) })
      expect((await new Browser(trusted).go(at('/sign-in/saml/acs'), form)).status).toBe(413)
    })

    test.skipIf(!hasChromium())(
      'in a real browser, where the page that sends the answer is of another site',
      { timeout: 120_000 },
      async () => {
        await using chromium = await startChromium(trusted)
        const page = await chromium.page()
        const start = at('/sign-in/saml/start?to=/device').href
        const back = async (): Promise<void> => {
          await page.waitForURL(at('/device').href)
          await page.getByRole('heading', { name: 'A program asks to be signed in' }).waitFor()
        }
        await page.goto(start)
        await page.locator('input[name=username]').fill('alice')
        await page.locator('input[name=password]').fill('password')
        await page.locator('input[name=password]').press('Enter')
        await back()
        const kept = await chromium.cookies(sallyport.baseUrl)
        expect(kept).toMatchObject([{ name: session, httpOnly: true, secure: true, sameSite: 'Lax' }])
        // Known there by now, they are sent back at once.
        await page.goto(start)
        await back()
        expect((await chromium.cookies(sallyport.baseUrl))[0]?.value).not.toBe(kept[0]?.value)
      },
    )

    test('who are disabled here end at once, and are not signed in again', async () => {
      const client = await startProcess(
        clientPath('psql'),
        ['-X', '-q', '-c', '\\echo in', '-c', 'select pg_sleep(300)'],
        { environment: environmentWith(await letIn(await signedIn('bob'))) },
      )
      await client.line(/^in$/)
      await sallyport.admin.client.users.disable({ name: 'bob' })
      await client.line(/your access was revoked/)
      await client.exited
      const browser = new Browser(trusted)
      expect(isRefused(await signIn(browser, 'bob'), browser)).toBe(true)
    })

    test('with other groups once the provider says so', async () => {
      await provider.know([{ uid: 'alice', groups: ['interns'] }])
      const token = await letIn(await signedIn('alice'))
      expect((await (await sallyport.client(token)).whoami.get()).principal.groups).toEqual(['interns'])
      expect((await psql(token)).code).not.toBe(0)
    })

    test('and the doctor says that the provider can be used', async () => {
      const { checks } = await sallyport.admin.client.gateway.doctor()
      expect(checks.filter(({ name }) => name.startsWith('SAML provider'))).toMatchObject(
        Array.from({ length: 3 }, () => ({ state: 'good' })),
      )
    })

    test('and no answer of the provider stands in the log or in the audit log', async () => {
      expect(`${sallyport.gateway.output}${await audit()}`).not.toMatch(
        /PHNhbWxw|<saml|SAMLResponse|spb?_[0-9A-Za-z]{49}/,
      )
    })
  },
)

function fieldsOf({ text }: Shown): URLSearchParams {
  const answer = /name="SAMLResponse" value="([^"]*)"/.exec(text)?.[1] ?? ''
  return new URLSearchParams({ SAMLResponse: answer })
}
