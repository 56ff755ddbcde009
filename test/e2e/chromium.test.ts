import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, startChromium, type Chromium } from '../world/chromium.ts'
import { startNode } from '../world/process.ts'
import { temporaryDirectory } from '../world/temporary.ts'
import { Ground, session } from './sign-in/ground.ts'

const program = new URL('../../packages/cli/src/main.ts', import.meta.url)

describe.skipIf(!hasChromium())('in a real browser, people', () => {
  const ground = new Ground()
  let chromium: Chromium
  let page: Page
  beforeAll(async () => {
    await ground.open()
    chromium = await startChromium(ground.trusted)
    page = await chromium.page()
  })
  afterAll(async () => {
    await chromium?.[Symbol.asyncDispose]()
    await ground[Symbol.asyncDispose]()
  })

  /** The provider's own pages ask for a name and for consent. */
  async function atProvider(name: string): Promise<void> {
    await page.waitForURL(`${ground.provider.url}/**`)
    await page.getByPlaceholder('Enter any login').fill(name)
    await page.getByPlaceholder('and password').fill('any')
    await page.getByRole('button', { name: 'Sign-in' }).click()
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.waitForURL(`${ground.sallyport.baseUrl}/**`)
  }

  test('sign in at their provider, from the page to which a link of a program leads, and let it in', async () => {
    await using home = await temporaryDirectory()
    const login = await startNode(
      program,
      ['login', '--device', '--gateway', ground.sallyport.baseUrl, '--ca', ground.sallyport.authorityFile],
      { environment: { PATH: process.env['PATH'], HOME: home.path, XDG_STATE_HOME: home.path } },
    )
    const [link] = await login.line(/https:\S+/)
    const [, code = ''] = await login.line(/code ([A-Z]{4}-[A-Z]{4})/)
    await page.goto(link)
    await page.getByRole('link', { name: 'Sign in with ACME' }).click()
    await atProvider('alice')
    await page.getByRole('heading', { name: 'Let this program in?' }).waitFor()
    expect(await page.locator('.code').textContent()).toBe(code)
    expect(await page.locator('main').textContent()).toContain('sallyport login')
    await page.getByRole('button', { name: 'Yes, it is mine' }).click()
    await page.getByRole('heading', { name: 'It is let in' }).waitFor()
    await login.line(/Signed in to .* as alice/)
    expect((await login.exited).code).toBe(0)
  })

  test('stay signed in, by a cookie that no script sees', async () => {
    await page.goto(`${ground.sallyport.baseUrl}/sign-in`)
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    expect(await page.evaluate('document.cookie')).toBe('')
    const kept = (await chromium.cookies(ground.sallyport.baseUrl)).find(({ name }) => name === session)
    expect(kept).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Lax', path: '/' })
  })

  test('let in `sallyport login` on their own machine, whose page the form may lead to', async () => {
    await using home = await temporaryDirectory()
    const login = await startNode(
      program,
      ['login', '--gateway', ground.sallyport.baseUrl, '--ca', ground.sallyport.authorityFile],
      { environment: { PATH: process.env['PATH'], HOME: home.path, XDG_STATE_HOME: home.path } },
    )
    const [link] = await login.line(/https:\S+/)
    await page.goto(link)
    await page.getByRole('button', { name: 'Yes, sign me in' }).click()
    await page.getByText('You can close this page and go back to your terminal').waitFor()
    await login.line(/Signed in to .* as alice/)
    expect((await login.exited).code).toBe(0)
  })

  test('send away a program that they did not begin', async () => {
    const { deviceCode, urlWithCode } = await ground.anybody.device.begin({ program: 'somebody else' })
    await page.goto(urlWithCode)
    await page.getByRole('button', { name: 'No', exact: true }).click()
    await page.getByRole('heading', { name: 'It was sent away' }).waitFor()
    await expect(ground.anybody.device.token({ deviceCode })).rejects.toMatchObject({ status: 403 })
  })

  test('are not acted for by another site that sends our forms', async () => {
    const { deviceCode, userCode } = await ground.anybody.device.begin({ program: 'a thief' })
    const evil = await chromium.page()
    await evil.goto(ground.provider.url)
    const leads = evil.waitForURL(`${ground.sallyport.baseUrl}/**`)
    await evil.evaluate(
      ([to = '', code = '']) => {
        const { document } = globalThis as unknown as { document: SmallDocument }
        document.body.innerHTML = `<form method="post" action="${to}/device"><input name="code" value="${code}"><input name="answer" value="allow"></form>`
        document.body.firstElementChild.submit()
      },
      [ground.sallyport.baseUrl, userCode],
    )
    await leads
    expect(await evil.locator('body').textContent()).not.toContain('It is let in')
    await evil.close()
    const [waiting] = await Promise.allSettled([
      ground.anybody.device.token({ deviceCode }),
      (async () => {
        await page.goto(`${ground.sallyport.baseUrl}/device?code=${userCode}`)
        await page.getByRole('button', { name: 'No', exact: true }).click()
      })(),
    ])
    expect(waiting).toMatchObject({ status: 'rejected', reason: { status: 403 } })
  })

  test('use a password by keyboard alone where one is allowed, and are told what was wrong', async () => {
    await using other = await startChromium(ground.trusted)
    const own = await other.page()
    await own.goto(`${ground.sallyport.baseUrl}/sign-in`)
    const type = async (password: string): Promise<void> => {
      await own.getByText('With a password of this gateway').press('Enter')
      await own.getByLabel('Name').focus()
      await own.keyboard.type('root')
      await own.keyboard.press('Tab')
      await own.keyboard.type(password)
      await own.keyboard.press('Enter')
    }
    await type('wrong')
    await own.getByRole('alert').getByText('The name or the password is wrong').waitFor()
    await type('correct horse battery staple')
    await own.getByRole('heading', { name: 'You are signed in' }).waitFor()
    await own.getByRole('button', { name: 'Sign out' }).click()
    await own.getByRole('heading', { name: 'You are signed out' }).waitFor()
    await own.goBack()
    await own.reload()
    expect(await own.getByRole('heading').textContent()).toBe('Sign in')
  })

  test('see pages that fit a telephone, in the dark too, and of which the browser has nothing to complain', async () => {
    chromium.complaints.length = 0
    await page.setViewportSize({ width: 360, height: 640 })
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme })
      for (const path of ['/', '/sign-in', '/device']) {
        await page.goto(new URL(path, ground.sallyport.baseUrl).href)
        const isTooWide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth'
        expect(await page.evaluate(isTooWide), `${path}, ${scheme}`).toBe(false)
      }
    }
    expect(chromium.complaints).toEqual([])
  })
})

/** As much of a page as the other site's script touches. */
interface SmallDocument {
  readonly body: { innerHTML: string; readonly firstElementChild: { submit(): void } }
}
