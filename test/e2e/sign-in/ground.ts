import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '@sallyport/api'
import { Browser, type Shown } from '../../world/browser.ts'
import { environmentOf } from '../../world/endpoint.ts'
import { startIdentityProvider, type IdentityProvider } from '../../world/identity-provider.ts'
import { freePort } from '../../world/ports.ts'
import { clientPath } from '../../world/postgres-binaries.ts'
import { startPostgres } from '../../world/postgres.ts'
import { run, startProcess } from '../../world/process.ts'
import { declarePostgres, startSallyport, type Sallyport } from '../../world/sallyport.ts'
import { temporaryDirectory } from '../../world/temporary.ts'

/** The cookie of a browser's session. */
export const session = '__Host-sallyport'
const policy = `
@id("dba")
permit (principal in Group::"dba", action in [Action::"connect", Action::"read", Action::"call", Action::"session", Action::"transaction"], resource);
`

/** A deployment over two processes, and a provider at which alice, bob, carol and a root sign in, all of the group dba. */
export class Ground implements AsyncDisposable {
  readonly #life = new AsyncDisposableStack()
  readonly #targets: readonly string[]
  provider!: IdentityProvider
  sallyport!: Sallyport
  anybody!: Client
  trusted!: string[]

  /** @param targets what the agent may reach beside the database, as `HOST:PORT` */
  constructor(targets: readonly string[] = []) {
    this.#targets = targets
  }

  readonly open = async (): Promise<void> => {
    const server = this.#life.use(await startPostgres({ databases: ['shop'] }))
    const ports = {
      api: await freePort(),
      agents: await freePort(),
      metrics: await freePort(),
      postgres: await freePort(),
      ssh: await freePort(),
    }
    this.provider = this.#life.use(await startIdentityProvider(`https://localhost:${ports.api}`))
    const { path } = this.#life.use(await temporaryDirectory())
    const certificateAuthority = join(path, 'provider-ca.pem')
    await writeFile(certificateAuthority, this.provider.authority)
    for (const name of ['alice', 'bob', 'carol', 'root'])
      this.provider.people.set(name, { name, groups: ['dba'] })
    this.sallyport = this.#life.use(
      await startSallyport({
        allow: [`127.0.0.1:${server.port}`, ...this.#targets],
        processes: 2,
        ports,
        environment: { OIDC_SECRET: this.provider.clientSecret },
        gateway: {
          oidc: {
            issuer: this.provider.url,
            clientId: this.provider.clientId,
            clientSecret: 'env:OIDC_SECRET',
            name: 'ACME',
            certificateAuthority,
          },
          scim: {},
          limits: { signInsPerMinute: 1000 },
        },
      }),
    )
    this.trusted = [this.provider.authority, await readFile(this.sallyport.authorityFile, 'utf8')]
    this.provider.gatewayAuthority = this.trusted[1] ?? ''
    this.anybody = await this.sallyport.client()
    await declarePostgres(this.sallyport, server)
    await this.sallyport.apply({ kind: 'Policy', name: 'dba', text: policy })
  };

  [Symbol.asyncDispose](): Promise<void> {
    return this.#life.disposeAsync()
  }

  readonly at = (path: string): URL => new URL(path, this.sallyport.baseUrl)
  /** Up to the provider's first page. */
  readonly begun = (browser: Browser, to = '/sign-in'): Promise<Shown> =>
    browser.go(this.at(`/sign-in/start?to=${encodeURIComponent(to)}`))
  /** Through the provider's pages, whose forms ask for a name and for consent. */
  readonly signIn = async (browser: Browser, name: string, to?: string): Promise<Shown> => {
    let page = await this.begun(browser, to)
    for (let step = 0; page.url.origin === this.provider.url && step < 5; step++)
      page = await browser.submit(
        page,
        page.text.includes('name="login"') ? { login: name, password: 'any' } : {},
      )
    return page
  }
  readonly signedIn = async (name: string): Promise<Browser> => {
    const browser = new Browser(this.trusted)
    const { url, text } = await this.signIn(browser, name)
    if (!text.includes('You are signed in')) throw new Error(`not signed in, but at ${url.href}: ${text}`)
    return browser
  }
  readonly letIn = async (browser: Browser, client = this.anybody): Promise<string> => {
    const { deviceCode, urlWithCode } = await client.device.begin({ program: 'a test' })
    await browser.submit(await browser.go(urlWithCode), { answer: 'allow' })
    return (await client.device.token({ deviceCode })).signedIn?.token ?? ''
  }
  readonly psql = (token: string) =>
    run(clientPath('psql'), ['-X', '-A', '-t', '-q', '-c', 'select 1'], {
      environment: environmentOf(
        this.sallyport.endpoint({ ...this.sallyport.admin, token }, 'orders-db', 'shop'),
      ),
    })
  readonly live = async (token: string) => {
    const client = await startProcess(
      clientPath('psql'),
      ['-X', '-q', '-c', '\\echo in', '-c', 'select pg_sleep(300)'],
      {
        environment: environmentOf(
          this.sallyport.endpoint({ ...this.sallyport.admin, token }, 'orders-db', 'shop'),
        ),
      },
    )
    await client.line(/^in$/)
    return client
  }
  readonly audit = async (): Promise<string> =>
    JSON.stringify((await this.sallyport.admin.client.audit.list({ limit: 500 })).items)

  /** The address at which the browser would come back, not gone to. */
  readonly answered = async (browser: Browser): Promise<URL> => {
    let page = await this.begun(browser)
    const isBack = (url: URL): boolean => url.pathname === '/sign-in/callback'
    for (let step = 0; step < 5; step++) {
      const form = page.text.includes('name="login"') ? { login: 'alice', password: 'x' } : {}
      const before = browser.visited.length
      page = await browser.submit(page, form)
      const back = browser.visited.slice(before).find(isBack)
      if (back !== undefined) return back
    }
    throw new Error('the browser never came back')
  }
  readonly flowOf = async (): Promise<{ browser: Browser; sealed: string; back: URL }> => {
    const browser = new Browser(this.trusted)
    let sealed = ''
    const cookies = browser.cookies(this.at('/'))
    const set = cookies.set.bind(cookies)
    cookies.set = (name, value) => {
      if (name.endsWith('-flow')) sealed = value
      return set(name, value)
    }
    // An answer whose code was used is no use to anybody: each is taken on its way.
    const ask = browser.ask.bind(browser)
    browser.ask = (url, body, headers) =>
      url.pathname === '/sign-in/callback'
        ? (browser.visited.push(url), Promise.resolve({ url, status: 200, text: '', headers: {} }))
        : ask(url, body, headers)
    const back = await this.answered(browser)
    browser.ask = ask
    cookies.set(`${session}-flow`, sealed)
    return { browser, sealed, back }
  }
}
