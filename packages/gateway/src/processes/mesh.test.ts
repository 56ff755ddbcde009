import { EventEmitter, once } from 'node:events'
import { createServer, type AddressInfo, connect, type Socket } from 'node:net'
import { Fault } from '@sallyport/core'
import { describe, expect, test } from 'vitest'
import { CannotStart } from '../cannot-start.ts'
import { Peer, type Channel } from './mesh.ts'

/** Two ends of a channel that copies what is sent, as one between processes does. */
function channels(): [Channel & { connected: boolean }, Channel] {
  const [one, other] = [new EventEmitter(), new EventEmitter()]
  const end = (own: EventEmitter, far: EventEmitter) =>
    Object.assign(own, {
      connected: true,
      send(message: unknown, handle?: Socket) {
        const copy: unknown = structuredClone(message)
        setImmediate(() => far.emit('message', copy, handle))
        return true
      },
    })
  return [end(one, other), end(other, one)]
}

interface Theirs {
  add(a: number, b: number): number
  later(bytes: Uint8Array): Promise<string>
  refuse(how: 'fault' | 'cannot-start' | 'bug'): never
}

const theirs: Theirs = {
  add: (a, b) => a + b,
  later: (bytes) => Promise.resolve(Buffer.from(bytes).toString('hex')),
  refuse: (how) => {
    if (how === 'fault') throw new Fault('gateway/no-agent', 'none is there')
    if (how === 'cannot-start') throw new CannotStart(4, 'no room', 'make some')
    throw new TypeError('a secret of the house')
  },
}

describe('the mesh between processes', () => {
  test('answers what is asked, at once or later, many at a time', async () => {
    const [near, far] = channels()
    const peer = new Peer<Theirs>(near, {})
    void new Peer(far, theirs)
    expect(await Promise.all([peer.ask('add', 1, 2), peer.ask('later', Uint8Array.of(7, 255))])).toEqual([
      3,
      '07ff',
    ])
  })

  test('throws here what was thrown there, and tells nothing of a bug', async () => {
    const [near, far] = channels()
    const peer = new Peer<Theirs>(near, {})
    void new Peer(far, theirs)
    await expect(peer.ask('refuse', 'fault')).rejects.toMatchObject({
      code: 'gateway/no-agent',
      shown: 'none is there',
    })
    await expect(peer.ask('refuse', 'cannot-start')).rejects.toMatchObject({ exitCode: 4, next: 'make some' })
    const bug = await peer.ask('refuse', 'bug').catch((thrown: unknown) => thrown)
    expect(bug).toMatchObject({ code: 'gateway/internal' })
    expect(String(bug)).not.toContain('secret')
  })

  test('answers only what it was given to answer', async () => {
    const [near, far] = channels()
    const peer = new Peer<{ toString(): string }>(near, {})
    void new Peer(far, {})
    await expect(peer.ask('toString')).rejects.toMatchObject({ code: 'gateway/internal' })
  })

  test('leaves nobody waiting for a side that is gone', async () => {
    const [near] = channels()
    const peer = new Peer<Theirs>(near, {})
    const asked = peer.ask('add', 1, 1)
    peer.gone(new Error('it has died'))
    await expect(asked).rejects.toThrow('it has died')
    await expect(peer.ask('add', 1, 1)).rejects.toThrow('it has died')
  })

  test('passes sockets, and resets those that cannot arrive', async () => {
    const server = createServer()
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const dial = async () => {
      const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
      const [socket] = (await once(server, 'connection')) as [Socket]
      return { client, socket }
    }
    const [near, far] = channels()
    const peer = new Peer(near, {})
    const arrived = Promise.withResolvers<unknown[]>()
    void new Peer(far, {}, (...passed) => arrived.resolve(passed))
    const first = await dial()
    peer.pass('client', first.socket, 'toy')
    expect(await arrived.promise).toEqual(['client', first.socket, 'toy'])

    near.connected = false
    const second = await dial()
    peer.pass('client', second.socket)
    await expect(once(second.client, 'data')).rejects.toMatchObject({ code: 'ECONNRESET' })
    first.client.destroy()
    first.socket.destroy()
    server.close()
  })
})
