import { once } from 'node:events'

import { describe, expect, it } from 'vitest'
import { message, rawSocket, sendRaw } from '../testing/raw-ssh.ts'
import { farewell, logIn, runFor, runServer, withKeys, type RunningServer } from '../testing/ssh-pair.ts'

const silent = () => {}

describe('log-ins', () => {
  const tries = async (server: RunningServer, count: number) => {
    const logIns = Array.from({ length: count }, () => ({ type: 'password', password: 'wrong' }) as const)
    await logIn(server.port, { logIns })
  }

  it('are ended after six that fail', async () => {
    let asked = 0
    await using server = await runServer((connection) => {
      connection.on('authentication', (request) => {
        asked++
        request.reject(['password'])
      })
    })
    await expect(tries(server, 10)).rejects.toThrow('Too many authentication failures')
    expect(asked).toBe(6)
  })

  it('are ended when they take too long, whatever was sent so far', async () => {
    await using server = await runServer(silent, { loginGraceMs: 300 })
    const mute = await rawSocket(server.port)
    const greeted = await rawSocket(server.port)
    greeted.socket.write('SSH-2.0-slow\r\n')
    const client = await withKeys(server.port)
    const [, , said] = await Promise.all([
      once(mute.socket, 'close'),
      once(greeted.socket, 'close'),
      farewell(client),
    ])
    expect(said).toBe('Log-in took too long')
  })

  it('cannot be asked for without end', async () => {
    let asked = 0
    await using server = await runServer((connection) => {
      connection.on('authentication', (request) => {
        asked++
        request.reject(['password'])
      })
    })
    const client = await withKeys(server.port)
    sendRaw(client, message(5, 'ssh-userauth'))
    for (let i = 0; i < 200; i++) sendRaw(client, message(50, 'alice', 'ssh-connection', 'none'))
    await farewell(client)
    expect(server.errors.map(String)).toEqual(['Error: Inbound: Unexpected USERAUTH_REQUEST'])
    expect(asked).toBeLessThanOrEqual(64)
  })

  it('are not heard any more once one succeeded', async () => {
    let asked = 0
    await using server = await runServer((connection) => {
      connection.on('authentication', () => asked++)
      runFor(silent)(connection)
    })
    const { client, ssh } = await logIn(server.port)
    for (let i = 0; i < 10; i++) sendRaw(client, message(50, 'root', 'ssh-connection', 'none'))
    await ssh.ask('are-you-there@example.com')
    expect(asked).toBe(1)
  })
})
