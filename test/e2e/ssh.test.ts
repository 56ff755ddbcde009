import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Browser } from '../world/browser.ts'
import { declareSshd, hasSshd, isInstalled, SshClient, startSshd, type Sshd } from '../world/openssh.ts'
import { run } from '../world/process.ts'
import { startSallyport, unrestricted, type Person, type Sallyport } from '../world/sallyport.ts'
import { startTokenIssuer } from '../world/token-issuer.ts'

const policies = `
@id("readers") permit (principal in Group::"readers", action == Action::"connect", resource);
@id("on-request") @request("dba") @duration("2h")
permit (principal in Group::"askers", action == Action::"connect", resource);
`

describe.skipIf(!hasSshd)('ssh, through gateway and agent to a real sshd', () => {
  let server: Sshd
  let sallyport: Sallyport
  let alice: Person
  let client: SshClient

  beforeAll(async () => {
    server = await startSshd()
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`] })
    await declareSshd(sallyport, server)
    await sallyport.apply(unrestricted, { kind: 'Policy', name: 'access', text: policies })
    alice = await sallyport.person('alice', ['unrestricted'])
    client = await SshClient.of(sallyport, alice)
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  test('a command runs, with a token as the password', async () => {
    const { code, stdout, stderr } = await client.ssh('web', ['uptime'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/load average/)
  })

  test('what it writes, on both streams, and what it ends with, are its own', async () => {
    const { code, stdout, stderr } = await client.ssh('web', ['printf out; printf err >&2; exit 7'])
    expect({ code, stdout, stderr }).toEqual({ code: 7, stdout: 'out', stderr: 'err' })
  })

  test('it gets what is typed until that ends, and may go on then', async () => {
    const input = Buffer.alloc(1_000_000, 'sallyport\n')
    const { code, stdout } = await client.ssh('web', ['md5sum; sleep 0.2; echo on; exit 3'], { input })
    expect({ code, lines: stdout.split('\n').length }).toEqual({ code: 3, lines: 3 })
    expect((await client.ssh('web', ['cat'], { input })).stdout).toBe(input.toString())
  })

  test('a signal that ends it is told as such', async () => {
    const { code, stderr } = await client.ssh('web', ['kill -TERM $$'])
    expect(code).toBe(255)
    expect(stderr).toBe('')
  })

  test('a job’s own token is the password, or what it was exchanged for: OpenSSH cuts what has 1024 characters', async () => {
    await using issuer = await startTokenIssuer()
    const match = { repository: 'acme/shop' }
    const rule = { name: 'main', match, is: { workload: 'ci-shop' }, groups: ['unrestricted'] }
    await sallyport.apply(issuer.document({ rules: [rule] }))
    const uptime = async (token: string) => {
      const job = await SshClient.of(sallyport, { ...alice, name: 'job', token })
      return (await job.ssh('web', ['true'])).code
    }
    const long = await issuer.token({ padding: 'x'.repeat(700) })
    expect(long.length).toBeGreaterThan(1023)
    expect([await uptime(await issuer.token()), await uptime(long)]).toEqual([0, 255])
    const curl = new Browser([await readFile(sallyport.authorityFile, 'utf8')])
    const form = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token: long,
    })
    const { text } = await curl.ask(new URL('/oauth/token', sallyport.baseUrl), form)
    expect(await uptime(String((JSON.parse(text) as { access_token: unknown }).access_token))).toBe(0)
  })

  test('a wrong token is a wrong password, and nothing more is said', async () => {
    const stranger = await SshClient.of(sallyport, { ...alice, name: 'stranger', token: 'sp_wrong' })
    const { code, stderr } = await stranger.ssh('web', ['true'])
    expect(code).toBe(255)
    expect(stderr).toContain('web@127.0.0.1: Permission denied (publickey,keyboard-interactive,password).')
    expect(stderr).not.toContain('sallyport')
  })

  test('who is not let in is told why, in words that rsync, git and Ansible show', async () => {
    const asker = await SshClient.of(sallyport, await sallyport.person('asker', ['askers']))
    const { code, stderr } = await asker.ssh('web', ['true'])
    expect(code).toBe(255)
    expect(stderr).toContain(
      `sallyport: access has to be asked for: sallyport request web --account ${server.user} --for 2h --reason "…"\n`,
    )
    const { code: none, stderr: words } = await client.ssh('nowhere', ['true'])
    expect(none).toBe(255)
    expect(words).toContain('sallyport: there is no such resource or account, or you may not reach it\n')
    const forwarding = await client.ssh('nowhere', [], { flags: ['-N'] })
    expect(forwarding.code).toBe(255)
    expect(forwarding.stderr).toContain('sallyport: there is no such resource')
  })

  test('what policy forbids fails with its words and 126', async () => {
    const reader = await SshClient.of(sallyport, await sallyport.person('reader', ['readers']))
    const { code, stdout, stderr } = await reader.ssh('web', ['id'])
    expect({ code, stdout }).toEqual({ code: 126, stdout: '' })
    expect(stderr).toMatch(/^sallyport: /m)
    const shell = await reader.ssh('web', [], { input: 'id\n' })
    expect({ code: shell.code, stdout: shell.stdout }).toEqual({ code: 126, stdout: '' })
  })

  test('a target whose host key is another than the pinned one is not logged in to', async () => {
    const other = await startSshd()
    await using _other = other
    const pinned = await server.hostKey()
    await sallyport.apply({
      kind: 'Resource',
      name: 'impostor',
      protocol: 'ssh',
      host: '127.0.0.1',
      port: server.port,
      agent: 'local',
      accounts: [{ name: server.user, credential: { from: 'sealed', name: 'web' } }],
      options: { hostKeys: [await other.hostKey()] },
    })
    const changed = await client.ssh('impostor', ['true'])
    expect(changed.code).toBe(255)
    expect(changed.stderr).toContain(
      "sallyport: the target's host key is not one that is pinned: it was set up anew, or somebody is in between",
    )
    expect(changed.stderr).toContain(pinned)
  })

  test('a file of 20 MB arrives whole, both ways', async () => {
    const file = join(server.directory, 'large')
    const content = Buffer.alloc(20_000_000, 'what is large is cut into packets ')
    await writeFile(file, content)
    expect(
      await client.ssh('web', [`cat ${file} | cksum; cat > ${file}.copy`], { input: content }),
    ).toMatchObject({
      code: 0,
    })
    expect((await readFile(`${file}.copy`)).equals(content)).toBe(true)
    const down = await client.ssh('web', [`cat ${file}`])
    expect(down.stdout.length).toBe(content.length)
  })

  test.skipIf(!isInstalled('ssh-audit'))('ssh-audit finds nothing that fails', async () => {
    const { stdout } = await run('ssh-audit', ['-n', '-p', String(sallyport.ports.ssh), '127.0.0.1'])
    expect(stdout).toContain('curve25519-sha256')
    expect(stdout.split('\n').filter((each) => each.includes('[fail]'))).toEqual([])
  })

  describe('by what the command line arranges', () => {
    const sallyportAs = (person: Person, ...args: string[]) =>
      run(process.execPath, [new URL('../../packages/cli/src/main.ts', import.meta.url).pathname, ...args], {
        environment: {
          ...process.env,
          SALLYPORT_GATEWAY: sallyport.baseUrl,
          SALLYPORT_TOKEN: person.token,
          SALLYPORT_CA: sallyport.authorityFile,
          SALLYPORT_STATE_HOME: join(sallyport.directory, 'state'),
        },
      })

    test('`sallyport connect` runs ssh, which knows the gateway by its key', async () => {
      const { stdout } = await sallyportAs(alice, 'connect', 'web', '--print')
      const script = `${stdout.trimEnd()} 'echo connected'`
      expect(await run('sh', ['-c', script])).toMatchObject({ code: 0, stdout: 'connected\n', stderr: '' })
      const known = join(sallyport.directory, 'state/connect/web/known_hosts')
      const [name = '', type = '', key = ''] = (await readFile(known, 'utf8')).split(' ')
      await writeFile(known, `${name} ${type} ${key.replace(/.{8}\n$/, 'AAAAAAAA\n')}\n`)
      expect((await run('sh', ['-c', script])).code).toBe(255)
    })

    /** Where nobody is there who could sign in. */
    const byToken = ['-o', 'PreferredAuthentications=password']

    test('`sallyport ssh-config` writes what plain ssh needs', async () => {
      const { stdout, code } = await sallyportAs(alice, 'ssh-config')
      expect(code).toBe(0)
      expect(stdout).toMatch(/^Host web\n {2}HostName localhost\n {2}User web\n {2}Port \d+\n/m)
      const file = join(sallyport.directory, 'ssh_config')
      await writeFile(file, stdout)
      const plain = await run('ssh', ['-F', file, ...byToken, 'web', 'echo by name'], {
        environment: client.environment,
      })
      expect(plain).toMatchObject({ code: 0, stdout: 'by name\n', stderr: '' })
    })
  })
})
