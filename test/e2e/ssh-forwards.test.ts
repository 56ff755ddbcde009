import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { declareSshd, hasSshd, SshClient, startSshd, type Sshd } from '../world/openssh.ts'
import { freePort } from '../world/ports.ts'
import { run } from '../world/process.ts'
import { soon } from '../world/soon.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../world/temporary.ts'
import { startSallyport, type Person, type Sallyport } from '../world/sallyport.ts'

const policies = `
@id("commands") permit (principal, action in [Action::"connect", Action::"exec"], resource);
@id("reviewed") @review("dba")
permit (principal in Group::"reviewed", action in [Action::"forward-local", Action::"forward-remote", Action::"forward-agent"], resource);
@id("watched") @watched("security")
permit (principal in Group::"watched", action == Action::"forward-local", resource);
@id("x11") permit (principal in Group::"x11", action == Action::"forward-x11", resource);
`

describe.skipIf(!hasSshd)('what ssh shows and carries beside a command', () => {
  let directory: TemporaryDirectory
  let server: Sshd
  let sallyport: Sallyport
  let echo: Server
  let bob: Person
  let reviewed: SshClient
  let watched: SshClient
  let x11: SshClient
  const echoPort = (): number => (echo.address() as { port: number }).port

  beforeAll(async () => {
    directory = await temporaryDirectory()
    // sshd gives it a display's cookie: it is kept where a program finds it.
    const xauth = join(directory.path, 'xauth')
    await writeFile(xauth, `#!/bin/sh\ncat >> ${join(directory.path, 'cookies')}\n`)
    await chmod(xauth, 0o755)
    server = await startSshd({ X11Forwarding: 'yes', LogLevel: 'DEBUG1', XAuthLocation: xauth })
    echo = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
    await once(echo, 'listening')
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`] })
    await declareSshd(sallyport, server)
    await sallyport.apply({ kind: 'Policy', name: 'access', text: policies })
    const client = async (name: string) => SshClient.of(sallyport, await sallyport.person(name, [name]))
    ;[reviewed, watched, x11] = [await client('reviewed'), await client('watched'), await client('x11')]
    bob = await sallyport.person('bob', ['dba'])
  })
  afterAll(async () => {
    echo?.close()
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
    await directory?.[Symbol.asyncDispose]()
  })

  const review = () => soon(async () => (await bob.client.reviews.list({ state: 'open' })).items[0])
  const connected = (port: number) =>
    soon(
      () =>
        new Promise<ReturnType<typeof connect> | undefined>((resolve) => {
          const socket = connect(port, '127.0.0.1')
          socket.once('connect', () => resolve(socket))
          socket.once('error', () => resolve(undefined))
        }),
    )

  test('a connection that waits for a review says so in the session beside it, and is made once that is approved', async () => {
    const local = await freePort()
    await using ssh = await reviewed.start(
      'web',
      ['echo on; sleep 60'],
      ['-L', `${local}:127.0.0.1:${echoPort()}`],
    )
    await ssh.line(/^on$/)
    const socket = await connected(local)
    const answer = text(socket)
    socket.end('through')
    const { id } = await review()
    await ssh.line(
      new RegExp(
        `^sallyport: connect from the target to 127.0.0.1 port ${echoPort()}: waiting for .*approve ${id}`,
      ),
    )
    await bob.client.reviews.approve({ id })
    expect(await answer).toBe('through')
  })

  test('a port that waits for one before there is a session says so as soon as there is', async () => {
    const remote = await freePort()
    await using ssh = await reviewed.start(
      'web',
      ['sleep 60'],
      ['-o', 'LogLevel=INFO', '-R', `${remote}:127.0.0.1:${echoPort()}`],
    )
    const { id } = await review()
    await ssh.line(
      new RegExp(`^sallyport: listen at the target on localhost port ${remote}: waiting for .*${id}`),
    )
    await bob.client.reviews.deny({ id })
    const [refused] = await ssh.line(/remote port forwarding failed.*/)
    expect(refused).toContain(`listen port ${remote}`)
  })

  test('where there is no session at all, ssh shows it with -v', async () => {
    const remote = await freePort()
    const flags = ['-v', '-o', 'LogLevel=DEBUG1', '-N', '-R', `${remote}:127.0.0.1:${echoPort()}`]
    await using ssh = await reviewed.start('web', [], flags)
    const { id } = await review()
    const [shown] = await ssh.line(/Remote: sallyport: listen at the target .*/)
    expect(shown).toContain(`approve ${id}`)
    await bob.client.reviews.deny({ id })
  })

  test('an agent that waits for one says so before what it is for runs', async () => {
    const socket = join(sallyport.directory, 'agent.sock')
    const agent = await run('ssh-agent', ['-a', socket])
    await using ssh = await reviewed.start(
      'web',
      ['ssh-add -l; true'],
      ['-A', '-o', `IdentityAgent=${socket}`],
    )
    const { id } = await review()
    const [shown] = await ssh.line(/^sallyport: waiting for .*/)
    expect(shown).toContain(`approve ${id}`)
    await bob.client.reviews.approve({ id })
    await ssh.line(/The agent has no identities/)
    process.kill(Number(/SSH_AGENT_PID=(\d+)/.exec(agent.stdout)?.[1]))
  })

  test('a connection that must be watched is refused at once: it could not pause', async () => {
    const { code, stderr } = await watched.ssh('web', [], {
      flags: ['-o', 'LogLevel=INFO', '-W', `127.0.0.1:${echoPort()}`],
    })
    expect(code).toBe(255)
    expect(stderr).toContain(
      'sallyport: somebody of security must watch it, and it could not pause when they leave',
    )
  })

  test('what draws on a screen draws on the client’s, where policy permits that, and nowhere else', async () => {
    // A screen: it hears how a program begins, and says something back.
    const heard: string[] = []
    const screen = createServer((socket) =>
      socket.once('data', (bytes) => (heard.push(bytes.toString('latin1')), socket.end('a screen'))),
    )
    const display = await soon(async () => {
      const number = 100 + Math.floor(Math.random() * 5000)
      screen.listen(6000 + number, '127.0.0.1')
      const isHeld = await once(screen, 'listening').then(
        () => true,
        () => false,
      )
      return isHeld ? number : undefined
    })
    const draw = join(directory.path, 'draw')
    await writeFile(draw, drawing(join(directory.path, 'cookies')))
    const forwarded = (client: SshClient) =>
      run('ssh', ['-F', client.configFile, '-Y', '-l', 'web', 'gateway', `bash ${draw}`], {
        environment: { ...client.environment, DISPLAY: `127.0.0.1:${display}.0` },
      })
    expect((await forwarded(x11)).stdout).toBe('drawn: a screen\n')
    expect(heard).toEqual([expect.stringContaining('MIT-MAGIC-COOKIE-1')])
    const denied = await forwarded(watched)
    expect(denied.stdout).toBe('no display\n')
    expect(denied.stderr).toContain('X11 forwarding request failed')
    screen.close()
  })

  test('a break reaches the target', async () => {
    const before = server.log.length
    await using ssh = await x11.start('web', ['echo on; sleep 20'], ['-tt'])
    await ssh.line(/^on/)
    ssh.write('\r~B')
    await expect.poll(() => server.log.slice(before)).toContain(' request break reply 0')
  })
})

/** A program that draws: it says what is in the display's answer. Its first words are those of X11, with the cookie that it was given. */
const drawing = (cookies: string): string => String.raw`
[ -n "$DISPLAY" ] || { echo no display; exit; }
number=$(echo "$DISPLAY" | sed 's/.*:\([0-9]*\).*/\1/')
cookie=$(awk '/^add/ { print $4 }' ${cookies} | tail -1)
exec 3<>/dev/tcp/127.0.0.1/$((6000 + number))
printf 'l\0\013\0\0\0\022\0\020\0\0\0MIT-MAGIC-COOKIE-1\0\0' >&3
printf "$(echo "$cookie" | sed 's/../\\x&/g')" >&3
echo "drawn: $(cat <&3)"
`
