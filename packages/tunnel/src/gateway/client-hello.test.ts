import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { readGreeting } from './client-hello.ts'

async function helloFor(servername?: string): Promise<Buffer> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1', ...(servername && { servername }) }).on('error', () => {})
  const [socket] = (await once(server, 'connection')) as [import('node:net').Socket]
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  client.destroy()
  socket.destroy()
  server.close()
  return bytes
}

/** The same handshake message, in records of so many bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    const fragment = message.subarray(at, at + size)
    records.push(Buffer.from([22, 3, 1, fragment.length >> 8, fragment.length & 0xff]), fragment)
  }
  return Buffer.concat(records)
}

describe('the greeting of a TLS client', () => {
  test('names the server that is asked for, however it is cut', async () => {
    const hello = await helloFor('2.gateway.sallyport.internal')
    const found = { kind: 'hello', serverName: '2.gateway.sallyport.internal' }
    expect(readGreeting(hello)).toEqual(found)
    for (let length = 0; length < hello.length; length++)
      expect(readGreeting(hello.subarray(0, length))).toEqual({ kind: 'more' })
    for (const size of [1, 3, 100]) expect(readGreeting(inRecords(hello, size))).toEqual(found)
  })

  test('need not name one', async () => {
    expect(readGreeting(await helloFor())).toEqual({ kind: 'hello', serverName: undefined })
  })

  test('is not taken from what is no TLS, or is no greeting', async () => {
    const notTls = { kind: 'not-tls' }
    expect(readGreeting(Buffer.from('GET / HTTP/1.1'))).toEqual(notTls)
    const hello = await helloFor('a.example')
    expect(readGreeting(Buffer.concat([hello.subarray(0, 5), Buffer.of(2), hello.subarray(6)]))).toEqual(
      notTls,
    )
  })

  test('never throws, whatever it holds', async () => {
    const hello = await helloFor('a.example')
    for (let i = 0; i < 2 * hello.length; i++) {
      const bytes = Buffer.from(hello)
      bytes[i % hello.length] = (i * 151 + 7) & 0xff
      expect(['hello', 'more', 'not-tls']).toContain(readGreeting(bytes).kind)
    }
  })
})
