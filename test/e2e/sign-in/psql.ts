import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findLaterPsql, trusting } from '../../world/later-psql.ts'
import { run, startProcess, type RunningProcess } from '../../world/process.ts'
import { temporaryDirectory } from '../../world/temporary.ts'
import type { Ground } from './ground.ts'

const found = findLaterPsql()

/** Real psql, with libpq's own OAuth module, and nothing of ours where it runs. */
export function byPsql(ground: Ground): void {
  describe.skipIf(found === undefined)('psql 18 as Debian has it', () => {
    const life = new AsyncDisposableStack()
    let command: readonly string[]

    beforeAll(async () => {
      const { path } = life.use(await temporaryDirectory())
      const authority = await readFile(ground.sallyport.authorityFile, 'utf8')
      command = found === undefined ? [] : await trusting(found, authority, path)
    })
    afterAll(() => life.disposeAsync())

    const target = (more = ''): string =>
      [
        `host=localhost port=${ground.sallyport.ports.postgres} user=orders-db dbname=shop`,
        `oauth_issuer=${ground.sallyport.baseUrl} oauth_client_id=psql`,
        `sslmode=verify-full sslrootcert=/etc/ssl/certs/ca-certificates.crt ${more}`,
      ].join(' ')
    const environment = { PATH: process.env['PATH'], HOME: '/tmp', PGOPTIONS: '-csallyport.auth=oauth' }
    const ask = ['-X', '-A', '-t', '-q', '-w', '-c', 'select 6 * 7']
    const psql = (more = ''): Promise<RunningProcess> =>
      startProcess(command[0] ?? '', [...command.slice(1), target(more), ...ask], { environment })
    const answer = async (running: RunningProcess, name: string, said: 'allow' | 'deny'): Promise<void> => {
      const [, url = '', code = ''] = await running.line(/Visit (https:\S+) and enter the code: (\S+)/)
      const browser = await ground.signedIn(name)
      const page = await browser.submit(await browser.go(url), { code })
      expect(page.text).toContain('<strong>psql</strong>')
      expect(page.text).toContain(code)
      await browser.submit(page, { answer: said })
    }

    test('signs in through the company’s provider, with nothing of ours on its machine', async () => {
      await using running = await psql('require_auth=oauth')
      await answer(running, 'alice', 'allow')
      await running.line(/^42$/)
      expect(await running.exited).toMatchObject({ code: 0 })
      const { admin } = ground.sallyport
      const { items } = await admin.client.sessions.list({ resource: 'orders-db', limit: 1 })
      expect(items.map(({ principal }) => principal.id)).toEqual(['user:alice'])
      const tokens = await admin.client.tokens.list({ all: true })
      expect(tokens.items).toContainEqual(expect.objectContaining({ user: 'alice', label: 'psql' }))
    })

    test('is told no, where the person says so', async () => {
      await using running = await psql()
      await answer(running, 'bob', 'deny')
      expect((await running.exited).code).not.toBe(0)
      expect(running.output).toContain('the sign-in was sent away (access_denied)')
    })

    test('is asked for a password where it does not say that it wants OAuth', async () => {
      const { code, stderr } = await run(command[0] ?? '', [...command.slice(1), target(), ...ask], {
        environment: { ...environment, PGOPTIONS: '' },
      })
      expect(code).not.toBe(0)
      expect(stderr).toContain('no password supplied')
    })

    test('goes nowhere for a token but to the issuer that it was told of', async () => {
      await using running = await psql('oauth_issuer=https://login.example')
      expect((await running.exited).code).not.toBe(0)
      expect(running.output).toContain('is incompatible with oauth_issuer')
    })
  })
}
