import { createServer, connect, type Server } from 'node:net'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { declareSshd, hasSshd, SshClient, startSshd, type Sshd } from '../world/openssh.ts'
import { freePort } from '../world/ports.ts'
import { run } from '../world/process.ts'
import { soon } from '../world/soon.ts'
import { startSallyport, unrestricted, type Sallyport } from '../world/sallyport.ts'

const policies = `
@id("commands")
permit (principal in Group::"commands", action in [Action::"connect", Action::"exec"], resource);
`

describe.skipIf(!hasSshd)('channels of ssh', () => {
  let server: Sshd
  let sallyport: Sallyport
  /** May do anything. */
  let client: SshClient
  /** May run commands, and nothing else. */
  let narrow: SshClient

  beforeAll(async () => {
    server = await startSshd()
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`] })
    await declareSshd(sallyport, server)
    await sallyport.apply(unrestricted, { kind: 'Policy', name: 'access', text: policies })
    client = await SshClient.of(sallyport, await sallyport.person('alice', ['unrestricted']))
    narrow = await SshClient.of(sallyport, await sallyport.person('bob', ['commands']))
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  test('a terminal is one as direct: its type, its modes, its size', async () => {
    const { stdout, code } = await client.ssh(
      'web',
      ['tty; echo $TERM; stty -a | head -1; stty -a | tr " ;" "\\n\\n" | grep -x -- -\\\\?iutf8; exit 4'],
      {
        flags: ['-tt'],
      },
    )
    expect(code).toBe(4)
    expect(stdout).toMatch(/\/dev\/pts\/\d+\r\n/)
    const noTerminal = await client.ssh('web', ['tty'])
    expect(noTerminal.stdout).toBe('not a tty\n')
  })

  test('a shell runs what is typed, and ends with what it ends', async () => {
    const { stdout, code } = await client.ssh('web', [], {
      input: 'echo in $((6*7))\nexit 5\n',
      flags: ['-T'],
    })
    expect({ code, stdout }).toEqual({ code: 5, stdout: 'in 42\n' })
  })

  test('a new size of the window reaches what runs in it', async () => {
    // script(1) gives ssh a terminal of its own, whose size is then changed.
    const command = `trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.05; done`
    const ssh = `ssh -F ${client.configFile} -tt -l web gateway '${command}'`
    const shell = await run(
      'script',
      ['-qec', `(sleep 2; stty rows 33 cols 77 </dev/tty) & ${ssh}`, '/dev/null'],
      { environment: client.environment, timeoutMs: 20_000 },
    )
    expect(shell.stdout).toContain('33 77')
  })

  test('variables that the resource lets clients set are set, and no others', async () => {
    const { stdout } = await client.ssh('web', ['echo "$LC_TEST:$SECRET"'], {
      flags: ['-o', 'SetEnv LC_TEST=ja SECRET=nein'],
    })
    expect(stdout).toBe('ja:\n')
  })

  test('many sessions share one connection, and each is its own', async () => {
    const control = join(sallyport.directory, 'control')
    const flags = ['-o', `ControlPath=${control}`]
    await using master = await client.start('web', [], [...flags, '-N', '-o', 'ControlMaster=yes'])
    await soon(async () => ((await run('test', ['-S', control])).code === 0 ? true : undefined))
    const runs = await Promise.all(
      [1, 2, 3, 4].map((code) => client.ssh('web', [`cat; exit ${code}`], { flags, input: `${code}` })),
    )
    expect(runs.map(({ code, stdout }) => [code, stdout])).toEqual(
      [1, 2, 3, 4].map((code) => [code, `${code}`]),
    )
    // ssh closes a channel when both sides have said all; how the command ended comes after that, or before.
    const codes: (number | null)[] = []
    for (let i = 0; i < 60; i++) codes.push((await client.ssh('web', ['exit 3'], { flags })).code)
    expect(codes).toEqual(Array(60).fill(3))
    const goesOn = 'exec >/dev/null 2>&1 </dev/null; sleep 4; exit 6'
    expect((await client.ssh('web', [goesOn], { flags: [...flags, '-n'] })).code).toBe(6)
    expect(master.exit).toBeUndefined()
  })

  test('an output that nobody reads any more ends what writes it, as direct', async () => {
    const { stdout, code } = await run(
      'sh',
      ['-c', `ssh -F ${client.configFile} -l web gateway yes | head -1`],
      { environment: client.environment, timeoutMs: 20_000 },
    )
    expect({ stdout, code }).toEqual({ stdout: 'y\n', code: 0 })
  })

  describe('connections through it', () => {
    let echo: Server
    let echoPort: number
    beforeAll(async () => {
      echoPort = await freePort()
      echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket))
      echo.listen(echoPort, '127.0.0.1')
      await once(echo, 'listening')
    })
    afterAll(() => void echo.close())

    const said = (port: number, words: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
        let heard = ''
        socket.on('data', (bytes: Buffer) => (heard += bytes.toString()))
        socket.on('end', () => resolve(heard))
        socket.on('error', () => resolve(heard))
        socket.end(words)
      })
    const listening = (port: number) =>
      soon(async () => {
        const { code } = await run('sh', ['-c', `ss -ltn | grep -q ':${port} '`])
        return code === 0 ? true : undefined
      })

    test('are made by the target where policy permits it, half-closed as direct', async () => {
      const local = await freePort()
      await using _ssh = await client.start('web', [], ['-N', '-L', `${local}:127.0.0.1:${echoPort}`])
      await listening(local)
      const words = 'x'.repeat(3_000_000)
      expect(await said(local, words)).toBe(words)
    })

    test('are refused in words where it does not', async () => {
      const aloud = ['-o', 'LogLevel=INFO']
      const local = await freePort()
      await using ssh = await narrow.start(
        'web',
        [],
        [...aloud, '-N', '-L', `${local}:127.0.0.1:${echoPort}`],
      )
      await listening(local)
      expect(await said(local, 'hello')).toBe('')
      await ssh.line(/open failed: administratively prohibited: sallyport: /)
      const { code, stderr } = await narrow.ssh('web', [], {
        flags: [...aloud, '-W', `127.0.0.1:${echoPort}`],
      })
      expect(code).toBe(255)
      expect(stderr).toContain('sallyport: ')
    })

    test('reach a Unix socket of the target', async () => {
      const path = join(server.directory, 'echo.sock')
      const local = await freePort()
      const unix = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket))
      unix.listen(path)
      await once(unix, 'listening')
      await using _ssh = await client.start('web', [], ['-N', '-L', `${local}:${path}`])
      await listening(local)
      expect(await said(local, 'by a socket')).toBe('by a socket')
      unix.close()
    })

    test('come back from a port of the target, where policy permits that', async () => {
      const remote = await freePort()
      await using _ssh = await client.start('web', [], ['-N', '-R', `${remote}:127.0.0.1:${echoPort}`])
      await listening(remote)
      expect(await said(remote, 'back again')).toBe('back again')
      const port = await freePort()
      const refused = await narrow.ssh('web', ['true'], {
        flags: ['-o', 'ExitOnForwardFailure=yes', '-R', `${port}:127.0.0.1:${echoPort}`],
      })
      expect(refused.code).toBe(255)
      expect(refused.stderr).toContain(`remote port forwarding failed for listen port ${port}`)
    })

    test('an agent is there for what runs, where policy permits that', async () => {
      const directory = join(sallyport.directory, 'agent-of-alice')
      const socket = `${directory}.sock`
      const agent = await run('ssh-agent', ['-a', socket])
      const pid = /SSH_AGENT_PID=(\d+)/.exec(agent.stdout)?.[1]
      await writeFile(directory, await server.loginKey(), { mode: 0o600 })
      await run('ssh-add', [directory], { environment: { ...process.env, SSH_AUTH_SOCK: socket } })
      const flags = ['-A', '-o', `IdentityAgent=${socket}`]
      expect((await client.ssh('web', ['ssh-add -l'], { flags })).stdout).toMatch(/SHA256:/)
      expect((await narrow.ssh('web', ['ssh-add -l'], { flags })).code).not.toBe(0)
      if (pid !== undefined) process.kill(Number(pid))
    })
  })
})
