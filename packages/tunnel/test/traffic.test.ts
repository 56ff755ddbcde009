import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { Cable, errorOf, everything, Target, TestAgent, TestGateway, until } from './world.ts'

const megabyte = 1024 * 1024

test('bytes go through unchanged, both ways, whatever their size', async () => {
  await using gateway = await TestGateway.start()
  await using target = await Target.echo()
  await using _agent = await TestAgent.start(gateway)
  const sent = randomBytes(20 * megabyte)
  const stream = await gateway.dial(target.port)
  const received = everything(stream)
  for (let at = 0, size = 1; at < sent.length; at += size, size = (size * 7) % 100_003)
    if (!stream.write(sent.subarray(at, at + size))) await once(stream, 'drain')
  stream.end()
  expect(hash(await received)).toBe(hash(sent))
})

test('writes of one turn leave together', async () => {
  await using gateway = await TestGateway.start()
  const chunks: number[] = []
  await using target = await Target.start((socket) => socket.on('data', (chunk) => chunks.push(chunk.length)))
  await using _agent = await TestAgent.start(gateway)
  const stream = await gateway.dial(target.port)
  for (let i = 0; i < 100; i++) stream.write('x')
  await until(() => chunks.reduce((a, b) => a + b, 0) === 100, 'all bytes')
  expect(chunks).toEqual([100])
  stream.destroy()
})

test('the target may speak first', async () => {
  await using gateway = await TestGateway.start()
  await using target = await Target.start((socket) => socket.end('220 ready'))
  await using _agent = await TestAgent.start(gateway)
  expect(String(await everything(await gateway.dial(target.port)))).toBe('220 ready')
})

test('the gateway half-closes, and still hears the answer', async () => {
  await using gateway = await TestGateway.start()
  await using target = await Target.start((socket) => {
    const heard: Buffer[] = []
    socket
      .on('data', (chunk) => heard.push(chunk))
      .on('end', () => socket.end(`heard ${Buffer.concat(heard).length}`))
  })
  await using _agent = await TestAgent.start(gateway)
  const stream = await gateway.dial(target.port)
  stream.end(Buffer.alloc(100_000))
  expect(String(await everything(stream))).toBe('heard 100000')
})

test('the target half-closes, and still hears more', async () => {
  await using gateway = await TestGateway.start()
  const heard: Buffer[] = []
  await using target = await Target.start((socket) =>
    socket.on('data', (chunk) => heard.push(chunk)).end('bye'),
  )
  await using _agent = await TestAgent.start(gateway)
  const stream = await gateway.dial(target.port)
  expect(String(await everything(stream))).toBe('bye')
  stream.write('one ')
  await until(() => heard.length === 1, 'the first word')
  stream.end('two')
  await once(stream, 'close')
  await until(() => target.sockets[0]?.readableEnded === true, "the gateway's end")
  expect(String(Buffer.concat(heard))).toBe('one two')
  await gateway.saw('stream-closed')
})

test("a target's reset is an error with its name, and never an end", async () => {
  await using gateway = await TestGateway.start()
  await using target = await Target.start((socket) => {
    socket.write(Buffer.alloc(10_000))
    socket.once('data', () => socket.resetAndDestroy())
  })
  await using _agent = await TestAgent.start(gateway)
  const stream = await gateway.dial(target.port)
  let hasEnded = false
  stream.on('end', () => (hasEnded = true)).resume()
  stream.write('go')
  expect(await errorOf(stream)).toMatchObject({ code: 'target/closed' })
  expect(hasEnded).toBe(false)
})

test("the gateway's reset is the target's, and never an end", async () => {
  await using gateway = await TestGateway.start()
  const ends: string[] = []
  await using target = await Target.start((socket) => {
    socket.on('error', (error: NodeJS.ErrnoException) => ends.push(error.code ?? ''))
    socket.on('end', () => ends.push('end'))
    socket.on('data', () => socket.write('more'))
  })
  await using _agent = await TestAgent.start(gateway)
  const stream = await gateway.dial(target.port)
  stream.on('error', () => {}).write('hello')
  await once(stream, 'data')
  stream.destroy(new Error('killed'))
  await until(() => ends.length > 0, 'an end at the target')
  expect(ends).toEqual(['ECONNRESET'])
})

test('a reset arrives although what was written before it cannot', async () => {
  await using gateway = await TestGateway.start()
  await using target = await Target.start((socket) => socket.pause())
  await using _agent = await TestAgent.start(gateway)
  const stream = await gateway.dial(target.port)
  stream.on('error', () => {})
  for (let i = 0; i < 1_000 && stream.writableLength < 64 * megabyte; i++)
    stream.write(Buffer.alloc(megabyte / 16))
  await gateway.saw('stream-opened')
  stream.destroy(new Error('killed'))
  const [socket] = target.sockets
  socket?.resume()
  await until(() => socket?.destroyed === true, 'the reset at the target')
  expect(socket?.errored).toMatchObject({ code: 'ECONNRESET' })
})

test('a stalled reader stops its source after a few megabytes, and nobody else', async () => {
  await using gateway = await TestGateway.start()
  let produced = 0
  const total = 64 * megabyte
  await using target = await Target.start((socket) => produce(socket, total, (bytes) => (produced += bytes)))
  await using echo = await Target.echo()
  await using _agent = await TestAgent.start(gateway)
  const stalled = await gateway.dial(target.port)
  let before = -1
  while (before !== produced) {
    before = produced
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  // One stream window, what the kernel's sockets hold, and a few frames.
  expect(produced).toBeGreaterThan(megabyte)
  expect(produced).toBeLessThan(20 * megabyte)
  const other = await gateway.dial(echo.port)
  other.end(Buffer.alloc(megabyte))
  expect((await everything(other)).length).toBe(megabyte)
  expect((await everything(stalled)).length).toBe(total)
})

test('a stalled target stops the gateway after a few megabytes', async () => {
  await using gateway = await TestGateway.start()
  await using target = await Target.start((socket) => void socket.pause())
  await using _agent = await TestAgent.start(gateway)
  const stream = await gateway.dial(target.port)
  let accepted = 0
  const fill = (): void => {
    while (stream.write(Buffer.alloc(64 * 1024))) accepted += 64 * 1024
  }
  stream.on('drain', fill).on('error', () => {})
  fill()
  let before = -1
  while (before !== accepted) {
    before = accepted
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  expect(accepted).toBeLessThan(20 * megabyte)
  expect(stream.writableNeedDrain).toBe(true)
  stream.destroy()
})

test("an agent's death ends its connections at once", async () => {
  await using gateway = await TestGateway.start()
  await using cable = await Cable.to(gateway.server.port)
  await using target = await Target.echo()
  await using _agent = await TestAgent.start(gateway, { through: cable.address })
  const streams = [await gateway.dial(target.port), await gateway.dial(target.port)]
  const errors = Promise.all(streams.map(errorOf))
  const startedAt = performance.now()
  cable.cut()
  expect(await errors).toMatchObject([{ code: 'gateway/agent-lost' }, { code: 'gateway/agent-lost' }])
  expect(performance.now() - startedAt).toBeLessThan(1_000)
  await until(
    () => target.sockets.every((socket) => socket.destroyed),
    'the connections to the target to end',
  )
})

test('the loss of the control stream does not cut what is carried', async () => {
  await using gateway = await TestGateway.start()
  await using cable = await Cable.to(gateway.server.port)
  await using target = await Target.echo()
  await using _agent = await TestAgent.start(gateway, { through: cable.address })
  const stream = await gateway.dial(target.port)
  cable.cut(0)
  await gateway.saw('agent-detached')
  stream.write('still here')
  expect(String((await once(stream, 'data'))[0])).toBe('still here')
  await gateway.saw('agent-attached', 2)
  const next = await gateway.dial(target.port)
  next.end('and again')
  expect(String(await everything(next))).toBe('and again')
  stream.end('to the end')
  expect(String(await everything(stream))).toBe('to the end')
})

test.for([
  { place: 'at a distance', distantMs: 0, connections: 8 },
  { place: 'nearby', distantMs: 5_000, connections: 1 },
])('$place, the connections that carry twenty calls at once are $connections', async (given) => {
  await using gateway = await TestGateway.start()
  await using cable = await Cable.to(gateway.server.port)
  await using target = await Target.echo()
  const { distantMs } = given
  await using _agent = await TestAgent.start(gateway, { through: cable.address, distantMs })
  const streams = await Promise.all(Array.from({ length: 20 }, () => gateway.dial(target.port)))
  expect(cable.connections).toBe(1 + given.connections)
  for (const stream of streams) stream.end('hello')
  expect(String(await Promise.all(streams.map(everything)))).toBe(Array(20).fill('hello').join(','))
})

test('one connection after the other goes over the same one', async () => {
  await using gateway = await TestGateway.start()
  await using cable = await Cable.to(gateway.server.port)
  await using target = await Target.echo()
  await using _agent = await TestAgent.start(gateway, { through: cable.address })
  for (let count = 1; count <= 3; count++) {
    const stream = await gateway.dial(target.port)
    stream.end('hello')
    expect(String(await everything(stream))).toBe('hello')
    await gateway.saw('stream-closed', count)
    // The agent's end closes a moment after ours.
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  expect(cable.connections).toBe(2)
})

test('a dial that fails leaves its place to the next', async () => {
  await using gateway = await TestGateway.start()
  await using cable = await Cable.to(gateway.server.port)
  await using target = await Target.echo()
  const allow = (): Promise<readonly string[]> => Promise.resolve([])
  await using agent = await TestAgent.start(gateway, { through: cable.address, allow })
  for (let count = 1; count <= 3; count++) {
    await expect(gateway.dial(target.port)).rejects.toMatchObject({ code: 'target/unreachable' })
    await agent.saw('dial-failed', count)
  }
  expect(cable.connections).toBe(2)
})

test('a further connection that cannot be made leaves its call to one that stands', async () => {
  await using gateway = await TestGateway.start()
  await using cable = await Cable.to(gateway.server.port)
  await using target = await Target.echo()
  await using _agent = await TestAgent.start(gateway, { through: cable.address })
  const first = await gateway.dial(target.port)
  cable.refuse()
  const second = await gateway.dial(target.port)
  for (const stream of [first, second]) stream.end('hello')
  expect(String(await Promise.all([first, second].map(everything)))).toBe('hello,hello')
})

test('the loss of a connection that carries ends what it carried, and nothing else', async () => {
  await using gateway = await TestGateway.start()
  await using cable = await Cable.to(gateway.server.port)
  await using target = await Target.echo()
  await using _agent = await TestAgent.start(gateway, { through: cable.address })
  const [first, second] = [await gateway.dial(target.port), await gateway.dial(target.port)]
  const lost = errorOf(first)
  cable.cut(1)
  expect(await lost).toMatchObject({ code: 'gateway/agent-lost' })
  const third = await gateway.dial(target.port)
  for (const stream of [second, third]) stream.end('hello')
  expect(String(await Promise.all([second, third].map(everything)))).toBe('hello,hello')
})

test('a link that says nothing is taken for dead, and what it carried is ended', async () => {
  await using gateway = await TestGateway.start({ pingIntervalMs: 100, deadAfterMs: 150 })
  await using cable = await Cable.to(gateway.server.port)
  await using target = await Target.echo()
  await using _agent = await TestAgent.start(gateway, { through: cable.address })
  const stream = await gateway.dial(target.port)
  const lost = errorOf(stream)
  cable.freeze()
  const { why } = await gateway.saw('agent-detached')
  // By our ping on the control stream or by HTTP/2's, whichever is first.
  expect(['silent', 'lost']).toContain(why)
  expect(await lost).toMatchObject({ code: 'gateway/agent-lost' })
})

test('round trips and connections are reported', async () => {
  await using gateway = await TestGateway.start({ pingIntervalMs: 20 })
  await using target = await Target.echo()
  await using _agent = await TestAgent.start(gateway)
  expect((await gateway.saw('agent-rtt', 3)).rttMs).toBeLessThan(1_000)
  const stream = await gateway.dial(target.port)
  expect(gateway.server.attached()).toMatchObject([
    { pool: 'shop', name: 'host-1', version: 'test', streams: 1 },
  ])
  stream.end('12345')
  await everything(stream)
  expect(await gateway.saw('stream-closed')).toMatchObject({ bytesUp: 5, bytesDown: 5, session: 'ses_1' })
  expect(gateway.server.attached()[0]?.streams).toBe(0)
})

function produce(socket: Socket, total: number, count: (bytes: number) => void): void {
  let left = total
  const more = (): void => {
    while (left > 0) {
      const chunk = Buffer.alloc(Math.min(left, 64 * 1024))
      left -= chunk.length
      count(chunk.length)
      if (!socket.write(chunk)) return
    }
    socket.off('drain', more).end()
  }
  socket.on('drain', more)
  more()
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
