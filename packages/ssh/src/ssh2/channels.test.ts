import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { hasSsh, runSsh } from '../testing/openssh.ts'
import { admitAll, logIn, runServer } from '../testing/ssh-pair.ts'
import type { AcceptChannel, ClientChannel, ServerChannel, SessionChannel, Terminal } from './index.ts'

const mebibyte = 1024 * 1024

/** A server whose sessions are `session`'s. */
const sessions = (session: (session: SessionChannel) => void) =>
  runServer((connection) => {
    admitAll(connection)
    connection.on('session', (accept) => session(accept()))
  })

/** A server that runs the same, whatever the command. */
const program = (run: (channel: ServerChannel) => void) =>
  sessions((session) =>
    session.on('exec', (accept) => {
      const channel = accept()
      if (channel) run(channel)
    }),
  )

const exec = async (port: number, command = 'true'): Promise<ClientChannel> => {
  const client = await logIn(port)
  return new Promise((resolve, reject) =>
    client.exec(Buffer.from(command), {}, (error, channel) => (error ? reject(error) : resolve(channel))),
  )
}

describe('what a program writes', () => {
  it('arrives whole and in order on both streams, however they take turns in waiting for the client', async () => {
    await using server = await program((channel) => {
      const [out, err] = ['o', 'e'].map((mark) => Buffer.alloc(64 * 1024, mark)) as [Buffer, Buffer]
      for (let i = 0; i < 48; i++) {
        channel.write(out)
        channel.stderr.write(err)
      }
      channel.stderr.end(() => {
        channel.exit(0)
        channel.end()
      })
    })
    const channel = await exec(server.port)
    await sleep(200) // both streams have used the window up, and wait
    const [out, err] = await Promise.all([buffer(channel), buffer(channel.stderr)])
    expect(out.equals(Buffer.alloc(3 * mebibyte, 'o'))).toBe(true)
    expect(err.equals(Buffer.alloc(3 * mebibyte, 'e'))).toBe(true)
  })

  it('is not lost on stderr where the program ends while the client is slow', async () => {
    await using server = await program((channel) => {
      channel.stderr.write(Buffer.alloc(3 * mebibyte, 'e'))
      channel.exit(3)
      channel.end()
    })
    const channel = await exec(server.port)
    channel.resume()
    await sleep(200)
    expect((await buffer(channel.stderr)).length).toBe(3 * mebibyte)
  })

  it('lets go of what waits when the client leaves', async () => {
    let written = false
    await using server = await program((channel) => {
      channel.write(Buffer.alloc(8 * mebibyte), () => (written = true))
    })
    const channel = await exec(server.port)
    channel.close()
    await expect.poll(() => written).toBe(true)
  })
})

describe('a client that sends no more', () => {
  it('may send signals and new sizes', async () => {
    const seen: string[] = []
    await using server = await sessions((session) => {
      session.on('exec', (accept) => {
        const channel = accept()
        channel?.resume()
        channel?.once('end', () => channel.write('more?'))
        session.on('signal', (_accept, _reject, { name }) => {
          seen.push(name)
          channel?.end()
        })
        session.on('window-change', (_accept, _reject, { cols }) => seen.push(String(cols)))
      })
    })
    const channel = await exec(server.port)
    channel.eof()
    await once(channel, 'data')
    const { _client, outgoing } = channel as unknown as Insides
    _client._protocol.windowChange(outgoing.id, 24, 132, 0, 0)
    _client._protocol.signal(outgoing.id, 'INT')
    channel.resume()
    await once(channel, 'close')
    expect(seen).toEqual(['132', 'INT'])
  })

  it.skipIf(!hasSsh)('gets its answer, as OpenSSH with nothing on stdin', async () => {
    await using server = await sessions((session) =>
      session.on('exec', (accept) => void sleep(300).then(() => finish(accept))),
    )
    expect(await runSsh(server.port, ['true'])).toMatchObject({ status: 0, stderr: '' })
  })
})

describe('what a client sends before its command is accepted', () => {
  it.skipIf(!hasSsh)('waits for the command', async () => {
    await using server = await sessions((session) =>
      session.on('exec', (accept) => {
        void sleep(300).then(async () => {
          const channel = accept()
          if (!channel) return
          const input = await buffer(channel)
          channel.write(input)
          channel.exit(0)
          channel.end()
        })
      }),
    )
    const stdin = Buffer.alloc(300_000, 'abc')
    const { stdout } = await runSsh(server.port, ['cat'], { stdin })
    expect(stdout.equals(stdin)).toBe(true)
  })
})

describe('answers to requests of a channel', () => {
  it.skipIf(!hasSsh)('keep the order of the requests', async () => {
    await using server = await sessions((session) => {
      session.on('pty', (accept) => void sleep(300).then(accept))
      session.on('exec', (_accept, reject) => reject())
    })
    const { status, stderr } = await runSsh(server.port, ['true'], { arguments: ['-tt'] })
    expect(stderr).toContain('exec request failed')
    expect(stderr).not.toContain('PTY allocation request failed')
    expect(status).toBe(255)
  })

  it('come for those that follow the start, too', async () => {
    await using server = await sessions((session) => {
      session.on('exec', (accept) => accept())
      session.on('auth-agent', (accept) => accept?.())
    })
    const channel = await exec(server.port)
    const { _client, _callbacks, outgoing } = channel as unknown as Insides
    const failed = new Promise((resolve) => _callbacks.push(resolve))
    _client._protocol.openssh_agentForward(outgoing.id, true)
    expect(await failed).toBe(false)
  })

  it('refuse a second program in one channel', async () => {
    await using server = await sessions((session) => session.on('exec', (accept) => accept()))
    const channel = await exec(server.port)
    const { _client, _callbacks, outgoing } = channel as unknown as Insides
    const failed = new Promise((resolve) => _callbacks.push(resolve))
    _client._protocol.exec(outgoing.id, 'again', true)
    expect(await failed).toBe(true)
  })
})

describe('bytes that are no UTF-8', () => {
  const odd = Buffer.from([0x6c, 0x73, 0x20, 0xff, 0xfe, 0x00, 0x80])

  it('arrive as they were sent, in commands, variables and names of subsystems', async () => {
    const seen: Buffer[] = []
    await using server = await sessions((session) => {
      session.on('env', (_accept, _reject, { key, val }) => seen.push(key, val))
      session.on('exec', (accept, _reject, { command }) => {
        seen.push(command)
        accept()?.end()
      })
      session.on('subsystem', (accept, _reject, { name }) => {
        seen.push(name)
        accept()?.end()
      })
    })
    const client = await logIn(server.port)
    await new Promise((resolve) => client.exec(odd, { env: [[odd, odd]] }, resolve))
    await new Promise((resolve) => client.subsys(odd, resolve))
    expect(seen).toEqual([odd, odd, odd, odd])
  })
})

describe('a terminal', () => {
  const asked = async (run: (port: number) => Promise<unknown>): Promise<Terminal> => {
    let terminal: Terminal | undefined
    await using server = await sessions((session) => {
      session.on('pty', (accept, _reject, info) => {
        terminal = info
        accept?.()
      })
      session.on('exec', (accept) => finish(accept))
      session.on('shell', (accept) => finish(accept))
    })
    await run(server.port)
    if (!terminal) throw new Error('nobody asked')
    return terminal
  }

  it('has the modes that were asked for, by name and as bytes with those that nobody knows', async () => {
    const modes = Buffer.from([53, 0, 0, 0, 1, 42, 0, 0, 0, 1, 99, 1, 2, 3, 4, 0])
    const terminal = await asked(async (port) => {
      const client = await logIn(port)
      const pty = { term: 'xterm', rows: 1, cols: 2, width: 3, height: 4, modes }
      await new Promise((resolve) => client.shell(pty, {}, resolve))
    })
    expect(terminal).toMatchObject({ term: 'xterm', rows: 1, cols: 2, width: 3, height: 4 })
    expect(terminal.modes).toEqual({ ECHO: 1 })
    expect(terminal.rawModes.equals(modes)).toBe(true)
  })
})

describe('a channel that is closed before anything was started', () => {
  it('is answered, and forgotten', async () => {
    await using server = await sessions((session) => session.on('exec', (_accept, reject) => reject()))
    const client = await logIn(server.port)
    for (let i = 0; i < 3; i++) await new Promise((resolve) => client.exec(Buffer.from('no'), {}, resolve))
    const { _chanMgr } = server.connections[0] as unknown as { _chanMgr: { _count: number } }
    await expect.poll(() => _chanMgr._count).toBe(0)
    const { _chanMgr: ours } = client as unknown as { _chanMgr: { _count: number } }
    await expect.poll(() => ours._count).toBe(0)
  })
})

describe('a forwarded connection', () => {
  it('is half open after one side has sent all', async () => {
    await using server = await runServer((connection) => {
      admitAll(connection)
      connection.on('tcpip', (accept) => {
        const channel = accept()
        channel?.end('hello')
        if (channel) void buffer(channel).then((sent) => received.push(sent.toString()))
      })
    })
    const received: string[] = []
    const client = await logIn(server.port)
    const channel = await new Promise<ClientChannel>((resolve) =>
      client.forwardOut('127.0.0.1', 1, '127.0.0.1', 2, (_error, opened) => resolve(opened)),
    )
    expect((await buffer(channel)).toString()).toBe('hello')
    channel.end('and back')
    await once(channel, 'close')
    expect(received).toEqual(['and back'])
  })
})

function finish(accept: AcceptChannel): void {
  const channel = accept()
  channel?.write('done')
  channel?.exit(0)
  channel?.end()
}

/** What ssh2's client does not offer, but other clients do. */
interface Insides {
  readonly _callbacks: ((failed: boolean) => void)[]
  readonly outgoing: { readonly id: number }
  readonly _client: {
    readonly _protocol: {
      signal(id: number, name: string): void
      windowChange(id: number, rows: number, cols: number, height: number, width: number): void
      openssh_agentForward(id: number, wantReply: boolean): void
      exec(id: number, command: string, wantReply: boolean): void
    }
  }
}
