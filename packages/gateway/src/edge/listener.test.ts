import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { CannotStart } from '../cannot-start.ts'
import { Admission } from './admission.ts'
import { Connections, type ConnectionsOptions } from './connections.ts'
import { listen, type ListenerOptions } from './listener.ts'
import { listening } from './port-holder.ts'

const loopback = { host: '127.0.0.1', port: 0 }

async function started(over: Partial<ConnectionsOptions & ListenerOptions> = {}) {
  const refused: string[] = []
  const troubles: unknown[] = []
  const life = new AsyncDisposableStack()
  const connections = life.use(
    new Connections({
      admission: new Admission({ connections: 10, connectionsBeforeLogin: 2 }),
      serve: (socket) => untilClosed(socket),
      onRefused: (_, limit) => refused.push(limit),
      onTrouble: (error) => troubles.push(error),
      ...over,
    }),
  )
  const { port } = life.use(
    await listen({
      name: 'postgres',
      address: loopback,
      take: (socket) => connections.take(socket),
      onTrouble: (error) => troubles.push(error),
      ...over,
    }),
  )
  const listener = { port, [Symbol.asyncDispose]: () => life.disposeAsync() }
  return { listener, refused, troubles }
}

async function untilClosed(socket: Socket): Promise<void> {
  socket.resume()
  await once(socket, 'close')
}

describe('a listener', () => {
  test('hands each connection to the protocol, and waits for it at the end', async () => {
    const served: string[] = []
    const { listener } = await started({
      serve: async (socket) => {
        socket.end('hello')
        await untilClosed(socket)
        served.push('one')
      },
    })
    const client = connect(listener.port, '127.0.0.1').setEncoding('utf8')
    const [greeting] = (await once(client, 'data')) as [string]
    expect(greeting).toBe('hello')
    client.end()
    await listener[Symbol.asyncDispose]()
    expect(served).toEqual(['one'])
  })

  test('refuses the connection that is one too many before log-in, and has room again afterwards', async () => {
    const run = await started()
    await using _ending = run.listener
    const dial = () => connect(run.listener.port, '127.0.0.1')
    const [first, second] = [dial(), dial()]
    await Promise.all([once(first, 'connect'), once(second, 'connect')])
    const third = dial()
    await expect(once(third, 'data')).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(run.refused).toEqual(['connectionsBeforeLogin'])
    first.destroy()
    second.destroy()
  })

  test('goes on when a protocol throws', async () => {
    const bug = new Error('bug')
    const { listener, troubles } = await started({ serve: () => Promise.reject(bug) })
    for (let i = 0; i < 2; i++) {
      const client = connect(listener.port, '127.0.0.1')
      client.on('error', () => undefined)
      await once(client, 'close')
    }
    await listener[Symbol.asyncDispose]()
    expect(troubles).toEqual([bug, bug])
  })

  test('says which key to change when its port is taken, and who holds it', async () => {
    const other = createServer().listen(loopback)
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const error = await started({ address: { host: '127.0.0.1', port } }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(CannotStart)
    expect(error).toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(`port ${port}, wanted for listen.postgres, is taken`),
      next: expect.stringContaining('SALLYPORT_LISTEN__POSTGRES'),
    })
    other.close()
  })
})

describe('admission', () => {
  test('counts log-ins out of the address’s share, and everything out at the end', () => {
    const admission = new Admission({ connections: 3, connectionsBeforeLogin: 1 })
    const first = admission.enter('a')
    if (typeof first === 'string') throw new Error('no place')
    expect(admission.enter('a')).toBe('connectionsBeforeLogin')
    first.loggedIn()
    first.loggedIn()
    const second = admission.enter('a')
    const third = admission.enter('b')
    if (typeof second === 'string' || typeof third === 'string') throw new Error('no place')
    expect(admission.enter('c')).toBe('connections')
    for (const place of [first, second, third, third]) place[Symbol.dispose]()
    expect(admission.total).toBe(0)
    expect(admission.enter('a')).toBeTypeOf('object')
  })
})

test('a port’s listeners are found in the kernel’s table', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:3C48 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0 100 0 0 10 0',
    '   1: 0100007F:3C48 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4243 1 0 20 0 0 10 -1',
  ].join('\n')
  expect(listening(table, 0x3c48)).toEqual(['4242'])
  expect(listening(table, 1)).toEqual([])
  expect(listening('', 1)).toEqual([])
})
