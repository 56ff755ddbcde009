import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { Browser } from '../../world/browser.ts'
import type { Ground } from './ground.ts'

/** People and groups that the provider's connector keeps up to date. */
export function byScim(ground: Ground): void {
  const { at, signedIn, signIn, letIn, live, psql, audit } = ground

  describe('and by SCIM', () => {
    test('people are there before they sign in, are in the groups that are pushed, and lose live sessions with them', async () => {
      const { token: secret } = await ground.sallyport.admin.client.scimTokens.create({ label: 'test' })
      const ask = async (method: string, path: string, body?: object): Promise<{ id: string }> => {
        const asked = request(at(`/scim/v2${path}`), {
          method,
          agent: false,
          ca: ground.trusted,
          headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/scim+json' },
        })
        asked.end(body && JSON.stringify(body))
        const [answer] = (await once(asked, 'response')) as [IncomingMessage]
        const said = await text(answer)
        if ((answer.statusCode ?? 0) >= 300) throw new Error(`${method} ${path}: ${said}`)
        return said === '' ? { id: '' } : (JSON.parse(said) as { id: string })
      }
      const patch = (path: string, operation: object) => ask('PATCH', path, { Operations: [operation] })

      ground.provider.people.set('dave', { name: 'dave', groups: ['interns'] })
      const user = await ask('POST', '/Users', {
        userName: 'dave@acme.example',
        externalId: 'dave',
        active: true,
      })
      const group = await ask('POST', '/Groups', { displayName: 'dba', members: [{ value: user.id }] })
      const token = await letIn(await signedIn('dave'))
      const { principal } = await (await ground.sallyport.client(token)).whoami.get()
      expect(principal).toMatchObject({ id: 'user:dave', groups: ['dba'] })
      const before = await live(token)

      await patch(`/Groups/${group.id}`, { op: 'Remove', path: 'members', value: [{ value: user.id }] })
      expect((await psql(token)).code).not.toBe(0)
      await before.exited
      await patch(`/Groups/${group.id}`, { op: 'Add', path: 'members', value: [{ value: user.id }] })
      expect((await psql(token)).stdout).toBe('1\n')

      const client = await live(token)
      await patch(`/Users/${user.id}`, { op: 'Replace', path: 'active', value: 'False' })
      await client.line(/your access was revoked/)
      await client.exited
      expect((await signIn(new Browser(ground.trusted), 'dave')).status).toBe(403)
      await patch(`/Users/${user.id}`, { op: 'Replace', path: 'active', value: 'True' })
      expect((await psql(await letIn(await signedIn('dave')))).stdout).toBe('1\n')
      await ask('DELETE', `/Groups/${group.id}`)
      expect(await audit()).toContain('scim:stk_')
    })
  })
}
