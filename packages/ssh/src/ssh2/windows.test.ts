import { type Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { message, sendRaw } from '../testing/raw-ssh.ts'
import { acceptOn, exec, exit, farewell, logIn, logInOn, runFor, runServer } from '../testing/ssh-pair.ts'
import { type ClientConnection } from './index.ts'

const mebibyte = 1024 * 1024
const silent = () => {}

describe('a client that takes more than it may', () => {
  /** @returns why it was sent away, as we know it and as it was told */
  const overrun = async (send: (client: ClientConnection) => void | Promise<void>) => {
    const faults: string[] = []
    await using server = await runServer(runFor(silent, ({ code }) => faults.push(code)))
    const loggedIn = await logIn(server.port)
    await exec(loggedIn)
    const said = farewell(loggedIn.client)
    await send(loggedIn.client)
    await said
    return faults
  }

  it('is sent away: data beyond the window', async () => {
    expect(await overrun(fillWindow)).toEqual(['client/too-large'])
  })

  it('is sent away: data after the end of data', async () => {
    const faults = await overrun((client) => {
      sendRaw(client, message(96, 0))
      sendRaw(client, message(94, 0, 'more'))
    })
    expect(faults).toEqual(['client/out-of-order'])
  })

  it('is sent away: a channel for packets of no size', async () => {
    const faults = await overrun((client) => sendRaw(client, message(90, 'session', 7, mebibyte, 0)))
    expect(faults).toEqual(['client/malformed'])
  })

  it('is cut off where it asks and asks, and reads no answer', async () => {
    const [ours, theirs] = duplexPair()
    const errors: Error[] = []
    acceptOn(theirs, (connection) => {
      runFor(silent)(connection)
      connection.on('error', (error) => errors.push(error))
    })
    const { client } = await logInOn(ours)
    ours.pause()
    const request = message(80, 'what@example.com', true)
    let most = 0
    for (let sent = 0; !theirs.destroyed && sent < 200_000; sent++) {
      sendRaw(client, request)
      most = Math.max(most, theirs.writableLength)
      if (sent % 1000 === 0) await setImmediate()
    }
    expect(theirs.destroyed).toBe(true)
    expect(errors.map(String)).toEqual(['Error: The other side asks and does not listen'])
    expect(most).toBeLessThan(3 * mebibyte)
    ours.destroy()
  })
})

describe('a client that reads late', () => {
  it('stops the program, however large the window that it offers, and gets all of it in the end', async () => {
    const total = 64 * mebibyte
    let written = 0
    await using server = await runServer(
      runFor((channel) => {
        const more = (): void => {
          while (written < total) {
            written += mebibyte
            if (!channel.write(Buffer.alloc(mebibyte))) return
          }
          exit(channel, 0)
        }
        channel.listen({ drained: more })
        more()
      }),
    )
    const { client, ssh } = await logIn(server.port)
    const { _sock } = client as unknown as { _sock: Socket }
    const channel = ssh.open('session')
    // The next window that is offered is far larger.
    const { _protocol } = client as unknown as { _protocol: { _takeMessage: (payload: Buffer) => void } }
    const take = _protocol._takeMessage
    _protocol._takeMessage = (payload) => {
      take(payload)
      if (payload[0] === 91) sendRaw(client, message(93, 0, 0x7fffffff))
    }
    const opened = await channel
    let received = 0
    const closed = new Promise<void>((resolve) =>
      opened.listen({
        data: (bytes) => {
          received += bytes.length
          opened.consumed(bytes.length)
        },
        closed: resolve,
      }),
    )
    void opened.ask('exec', ['true'])
    await expect.poll(() => written).toBeGreaterThan(0)
    _sock.pause()
    await sleep(1000)
    const before = written
    await sleep(300)
    expect(written).toBe(before)
    expect(written).toBeLessThan(32 * mebibyte)
    expect(server.sockets[0]?.writableLength).toBeLessThan(2 * mebibyte)
    _sock.resume()
    await closed
    expect(received).toBe(total)
  })
})

/** Sends one packet more than 2 MiB to channel 0. */
async function fillWindow(client: ClientConnection): Promise<void> {
  for (let i = 0; i <= 64; i++) {
    sendRaw(client, message(94, 0, Buffer.alloc(32 * 1024)))
    await setImmediate()
  }
}
