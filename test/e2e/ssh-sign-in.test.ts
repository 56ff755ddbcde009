import { describe, expect, test } from 'vitest'
import { declareSshd, hasSshd, SshClient, startSshd } from '../world/openssh.ts'
import type { RunningProcess } from '../world/process.ts'
import { Ground } from './sign-in/ground.ts'

const policy = `
@id("dba-over-ssh")
permit (principal in Group::"dba", action == Action::"exec", resource);
`

describe.skipIf(!hasSshd)('ssh that shows neither token nor key, over two processes', () => {
  test('says where to sign in, waits for that, and is whoever signed in; or is not, where they say no', async () => {
    await using server = await startSshd()
    await using ground = new Ground([`127.0.0.1:${server.port}`])
    await ground.open()
    const { sallyport } = ground
    await declareSshd(sallyport, server)
    await sallyport.apply({ kind: 'Policy', name: 'ssh', text: policy })
    const client = await SshClient.of(sallyport, sallyport.admin)
    const flags = ['-o', 'PreferredAuthentications=keyboard-interactive', '-o', 'LogLevel=INFO']
    const begin = (): Promise<RunningProcess> => client.start('web', ['echo', 'it is me'], flags)
    const answer = async (ssh: RunningProcess, said: 'allow' | 'deny'): Promise<void> => {
      const [, url = ''] = await ssh.line(/open (https:\S+)/)
      const [, code = ''] = await ssh.line(/shows the code ([\w-]+)/)
      const browser = await ground.signedIn('alice')
      const page = await browser.go(new URL(url))
      expect(page.text).toContain(code)
      await browser.submit(page, { answer: said })
    }

    await using ssh = await begin()
    await answer(ssh, 'allow')
    await ssh.line(/^it is me$/)
    expect(await ssh.exited).toMatchObject({ code: 0 })
    const { items } = await sallyport.admin.client.sessions.list({ resource: 'web' })
    expect(items.map(({ principal }) => principal.id)).toEqual(['user:alice'])

    await using denied = await begin()
    await answer(denied, 'deny')
    expect(await denied.exited).toMatchObject({ code: 255 })
    expect(denied.output).toContain('Permission denied')
    expect(denied.output).not.toContain('it is me')
  })
})
