import { request } from 'node:https'
import { describe, expect, test } from 'vitest'
import type { Browser } from '../../world/browser.ts'
import { session, type Ground } from './ground.ts'

/** The provider says by itself that somebody has left, as it does when they sign out there. */
export function byBackChannel(ground: Ground): void {
  const { at, signedIn, letIn, live, psql, audit } = ground

  /** At the provider, of everything. */
  const signOutThere = async (browser: Browser): Promise<void> => {
    const page = await browser.go(new URL('/session/end', ground.provider.url))
    await browser.submit(page, { logout: 'yes' })
  }
  const post = (body: string, type = 'application/x-www-form-urlencoded') =>
    new Promise<{ status: number | undefined; text: string; caching: string | undefined }>(
      (resolve, reject) => {
        const headers = { 'content-type': type, 'content-length': Buffer.byteLength(body) }
        const options = { method: 'POST', agent: false, ca: [...ground.trusted], headers }
        request(at('/sign-in/backchannel-logout'), options, (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (part: string) => (text += part))
          response.on('end', () =>
            resolve({ status: response.statusCode, text, caching: response.headers['cache-control'] }),
          )
        })
          .on('error', reject)
          .end(body)
      },
    )

  describe('who sign out at their provider', () => {
    test('lose here what they opened by that sign-in, a query that runs at once, and nothing else', async () => {
      const [browser, elsewhere] = [await signedIn('alice'), await signedIn('alice')]
      const [here, there] = [await letIn(browser), await letIn(elsewhere)]
      const running = await live(here)
      await signOutThere(browser)
      await running.line(/your access was revoked/)
      await running.exited
      expect(ground.provider.said.at(-1)?.status).toBe(200)
      expect((await psql(here)).stderr).toContain('the credential is not valid')
      expect((await browser.go(at('/device'))).url.pathname).toBe('/sign-in')
      expect((await psql(there)).stdout).toBe('1\n')
      expect(elsewhere.cookies(at('/')).has(session)).toBe(true)
      expect(await audit()).toContain('the provider says that user alice has left')
    })

    test('while what the provider has said once is not believed again, nor what it has not said', async () => {
      const { logoutToken } = ground.provider.said.at(-1) ?? { logoutToken: '' }
      const said = {
        status: 400,
        text: '{"error":"invalid_request","error_description":"the logout token is not valid"}',
        caching: 'no-store',
      }
      for (const body of [
        new URLSearchParams({ logout_token: logoutToken }).toString(),
        new URLSearchParams({ logout_token: `${logoutToken.slice(0, -4)}AAAA` }).toString(),
        'logout_token=x&logout_token=y',
        'logout_token=',
        '',
      ])
        expect(await post(body)).toEqual(said)
      expect((await post('{}', 'application/json')).status).toBe(400)
      expect((await post(`logout_token=${'x'.repeat(20_000)}`)).status).toBe(413)
      expect(ground.sallyport.gateway.output).toContain('it was taken before')
      expect(ground.sallyport.gateway.output).not.toContain(logoutToken)
    })
  })
}
