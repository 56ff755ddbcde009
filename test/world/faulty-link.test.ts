import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startFaultyLink, type FaultyLink } from './faulty-link.ts'

const echo = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => {})
  socket.pipe(socket)
})
let link: FaultyLink

beforeEach(async () => {
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  link = await startFaultyLink((echo.address() as AddressInfo).port)
})
afterEach(async () => {
  await link[Symbol.asyncDispose]()
  echo.close()
  await once(echo, 'close')
})

test('bytes and the end pass unchanged', async () => {
  const client = connect({ port: link.port, host: '127.0.0.1', allowHalfOpen: true })
  const sent = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251))
  client.end(sent)
  expect(Buffer.concat(await client.toArray()).equals(sent)).toBe(true)
})

test('a delay holds each way', async () => {
  link.faults.delayMs = 40
  const client = await connected()
  const begin = performance.now()
  client.write('x')
  await once(client, 'data')
  expect(performance.now() - begin).toBeGreaterThanOrEqual(78)
  client.destroy()
})

test('a rate is kept', async () => {
  link.faults.bytesPerSecond = 1_000_000
  const client = connect({ port: link.port, host: '127.0.0.1', allowHalfOpen: true })
  const begin = performance.now()
  client.end(Buffer.alloc(100_000))
  await client.toArray()
  expect(performance.now() - begin).toBeGreaterThanOrEqual(99)
})

test('a stalled wire gives nothing until it resumes', async () => {
  const client = await connected()
  link.stall()
  client.write('x')
  const answer = once(client, 'data').then(() => 'answer')
  expect(await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 60, 'silence'))])).toBe(
    'silence',
  )
  link.resume()
  expect(await answer).toBe('answer')
  client.destroy()
})

test('a cut resets those that are on it and lets new ones in', async () => {
  const client = await connected()
  client.write('x')
  await once(client, 'data')
  link.cut()
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException]
  expect(error.code).toBe('ECONNRESET')
  const second = await connected()
  second.destroy()
})

test('closed it refuses, opened again it is on the same port', async () => {
  await link.close()
  const [error] = (await once(connect(link.port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException]
  expect(error.code).toBe('ECONNREFUSED')
  await link.open()
  const client = await connected()
  client.destroy()
})

async function connected(): Promise<Socket> {
  const client = connect({ port: link.port, host: '127.0.0.1' })
  await once(client, 'connect')
  return client
}
