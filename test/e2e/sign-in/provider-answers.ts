import { describe, expect, test } from 'vitest'
import { Browser } from '../../world/browser.ts'
import { session, type Ground } from './ground.ts'

/** Answers that are not the provider's to this very browser, and forms that are not ours. */
export function byProviderAnswers(ground: Ground): void {
  const { at, signedIn, flowOf } = ground

  describe('G321: an answer of the provider counts for nothing', () => {
    const isRefused = async (browser: Browser, back: URL): Promise<boolean> => {
      const page = await browser.go(back)
      return (
        page.status === 403 &&
        page.text.includes('you were not signed in') &&
        !browser.cookies(at('/')).has(session)
      )
    }

    test('in another browser than the one that began: nobody is signed in as somebody else', async () => {
      const { back, sealed } = await flowOf()
      expect(await isRefused(new Browser(ground.trusted), back)).toBe(true)
      const other = await flowOf()
      expect(await isRefused(other.browser, back)).toBe(true)
      const altered = new Browser(ground.trusted)
      altered.cookies(at('/')).set(`${session}-flow`, `${sealed.slice(0, -4)}AAAA`)
      expect(await isRefused(altered, back)).toBe(true)
    })

    test('without state, or with that of another flow', async () => {
      const { browser, back, sealed } = await flowOf()
      const without = new URL(back)
      without.searchParams.delete('state')
      expect(await isRefused(browser, without)).toBe(true)
      browser.cookies(at('/')).set(`${session}-flow`, sealed)
      const other = new URL(back)
      other.searchParams.set('state', 'x'.repeat(43))
      expect(await isRefused(browser, other)).toBe(true)
    })

    test('without iss, or with that of another provider', async () => {
      const { browser, back, sealed } = await flowOf()
      expect(back.searchParams.get('iss')).toBe(ground.provider.url)
      for (const iss of [undefined, 'https://evil.example']) {
        const altered = new URL(back)
        if (iss === undefined) altered.searchParams.delete('iss')
        else altered.searchParams.set('iss', iss)
        browser.cookies(at('/')).set(`${session}-flow`, sealed)
        expect(await isRefused(browser, altered)).toBe(true)
      }
    })

    test('with the code of another flow: neither PKCE nor nonce fits', async () => {
      const mine = await flowOf()
      const theirs = await flowOf()
      const mixed = new URL(mine.back)
      mixed.searchParams.set('code', theirs.back.searchParams.get('code') ?? '')
      expect(await isRefused(mine.browser, mixed)).toBe(true)
    })

    test('with two states, with an error, or twice', async () => {
      const { browser, back, sealed } = await flowOf()
      expect((await browser.go(back)).text).toContain('You are signed in')
      const again = new Browser(ground.trusted)
      again.cookies(at('/')).set(`${session}-flow`, sealed)
      expect(await isRefused(again, back)).toBe(true)
      for (const query of ['error=access_denied', 'code=x', '', `state=a&state=b&code=x`]) {
        again.cookies(at('/')).set(`${session}-flow`, sealed)
        expect(await isRefused(again, at(`/sign-in/callback?${query}`))).toBe(true)
      }
    })
  })

  describe('a form of another site', () => {
    test('changes nothing', async () => {
      const browser = await signedIn('alice')
      const { userCode, deviceCode } = await ground.anybody.device.begin({ program: 'evil' })
      const form = new URLSearchParams({ code: userCode, answer: 'allow' })
      const of = (headers: Record<string, string>) => browser.ask(at('/device'), form, headers)
      for (const headers of [
        {},
        { origin: 'https://evil.example' },
        { origin: 'null' },
        { origin: ground.sallyport.baseUrl, 'sec-fetch-site': 'cross-site' },
        { origin: ground.sallyport.baseUrl, 'sec-fetch-site': 'same-site' },
      ])
        expect((await of(headers)).status).toBe(403)
      await browser.submit(await browser.go(at(`/device?code=${userCode}`)), { answer: 'deny' })
      await expect(ground.anybody.device.token({ deviceCode })).rejects.toMatchObject({ code: 'forbidden' })
    })
  })
}
