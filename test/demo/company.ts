import { readFile } from 'node:fs/promises'
import { Browser, type Shown } from '../world/browser.ts'
import type { IdentityProvider } from '../world/identity-provider.ts'
import type { Sallyport } from '../world/sallyport.ts'
import { check } from './check.ts'
import type { Person } from './person.ts'
import type { Screen } from './screen.ts'

/** Where people sign in for everything: nobody is registered at the gateway. */
export interface Company {
  readonly provider: IdentityProvider
  readonly sallyport: Sallyport
}

/** The gateway's configuration for it. */
export function signedInAt(
  provider: IdentityProvider,
  certificateAuthority: string,
): { readonly gateway: Readonly<Record<string, unknown>>; readonly environment: Record<string, string> } {
  provider.people.set('alice', { name: 'alice', groups: ['developers'] })
  provider.people.set('bob', { name: 'bob', groups: ['dba'] })
  return {
    environment: { OIDC_SECRET: provider.clientSecret },
    gateway: {
      oidc: {
        issuer: provider.url,
        clientId: provider.clientId,
        clientSecret: 'env:OIDC_SECRET',
        name: 'ACME',
        certificateAuthority,
      },
    },
  }
}

/** People sign in where they do for everything else; a program is let in by their browser. @throws Error where a step did not show what it says */
export async function comeIn(
  { alice, bob, company }: { readonly alice: Person; readonly bob: Person; readonly company: Company },
  screen: Screen,
): Promise<void> {
  screen.heading('1. Signing in: at the company’s own provider')
  const { provider, sallyport } = company
  const trusted = [provider.authority, await readFile(sallyport.authorityFile, 'utf8')]
  const command = ['login', '--device', '--gateway', sallyport.baseUrl, '--ca', sallyport.authorityFile]
  for (const person of [alice, bob]) {
    screen.typed(person.name, `sallyport login --device --gateway ${sallyport.baseUrl}`)
    await using login = await person.start(command)
    const [link] = await login.line(/https:\S+/)
    const [, code = ''] = await login.line(/code (\S+)/)
    screen.output(
      `Open this in any browser, and go on if it shows the same code:\n\n  ${link}\n\n  code ${code}`,
    )
    const browser = new Browser(trusted)
    const page = await signIn(browser, new URL(link), person.name, provider)
    check(page.text.includes(code), 'the page shows the same code')
    screen.step(`(${person.name}’s browser: signs in at ACME, compares the code, lets the program in)`)
    await browser.submit(page, { answer: 'allow' })
    const [done] = await login.line(/Signed in to .*/)
    check((await login.exited).code === 0, 'the program is let in')
    screen.output(done)
  }
  const whoami = await alice.must(['whoami'])
  screen.typed('alice', 'sallyport whoami')
  screen.output(whoami)
  check(whoami.includes('developers'), 'her groups are what the provider says')
  screen.good(
    'nobody was registered here, and no password came by: the provider said who they are, for an hour',
  )
}

/** At the provider, whose pages ask for a name and for consent, and back to where the link leads. */
async function signIn(browser: Browser, link: URL, name: string, provider: IdentityProvider): Promise<Shown> {
  const asked = await browser.go(link)
  check(asked.text.includes('Sign in with ACME'), 'nobody is let in before they sign in')
  let page = await browser.go(
    new URL(`/sign-in/start?to=${encodeURIComponent(link.pathname + link.search)}`, link),
  )
  for (let step = 0; page.url.origin === provider.url && step < 5; step++)
    page = await browser.submit(
      page,
      page.text.includes('name="login"') ? { login: name, password: 'any' } : {},
    )
  return page
}
