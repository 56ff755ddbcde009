import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import { expect, test } from 'vitest'
import type { CarriedStream } from '../carry.ts'
import { join } from './dial.ts'

test('a connection to a target whose tunnel breaks just behind its end is closed all the same', async () => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const [target] = (await once(server, 'connection')) as [Socket]
  const [stream, gateway] = duplexPair()
  // A stream that ends and breaks is all that is joined.
  join(socket, stream as unknown as CarriedStream)
  gateway.end()
  await once(stream, 'end')
  stream.destroy(new Error('the tunnel is gone'))
  await new Promise((resolve) => socket.once('close', resolve))
  target.on('error', () => undefined).resume()
  // While it is open at our end the kernel takes what the target says; once it is closed it does not.
  const broke = new Promise<string>((resolve) => {
    target.once('close', () => resolve('closed'))
    setTimeout(() => resolve('still open'), 3000).unref()
  })
  const writing = setInterval(() => target.write('anything'), 20)
  expect(await broke).toBe('closed')
  clearInterval(writing)
  server.close()
})
