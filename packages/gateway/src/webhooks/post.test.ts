import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { post } from './post.ts'

async function receiver(answer: RequestListener) {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    // A name that no resolver knows: what was checked is what is dialled.
    to: { url: new URL(`http://hooks.invalid:${port}/secret-path`), addresses: ['127.0.0.1'] },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const forever = new AbortController().signal

describe('posting to a webhook', () => {
  test('sends body and headers to the addresses that were checked, under the name that was declared', async () => {
    const seen: unknown[] = []
    await using it = await receiver((request, response) => {
      const { method, url, headers } = request
      request.setEncoding('utf8').on('data', (body: string) => seen.push({ method, url, headers, body }))
      request.on('end', () => response.writeHead(204).end())
    })
    await post(it.to, { 'sallyport-event': 'test' }, '{"ü":1}', forever)
    expect(seen).toMatchObject([
      {
        method: 'POST',
        url: '/secret-path',
        body: '{"ü":1}',
        headers: {
          host: it.to.url.host,
          'sallyport-event': 'test',
          'content-type': 'application/json',
          'content-length': '8',
        },
      },
    ])
  })

  test('fails where the answer is not 2xx, in words without anything that was answered', async () => {
    await using it = await receiver((_, response) => response.writeHead(500, 'no <!channel>').end('secret'))
    await expect(post(it.to, {}, '{}', forever)).rejects.toThrow(/^it answered 500$/)
  })

  test('follows no redirect', async () => {
    let requests = 0
    await using it = await receiver((request, response) => {
      requests++
      response.writeHead(307, { location: `http://127.0.0.1:${request.socket.localPort}/elsewhere` }).end()
    })
    await expect(post(it.to, {}, '{}', forever)).rejects.toThrow(/redirect/)
    expect(requests).toBe(1)
  })

  test('hears for how long the receiver wants to be left alone', async () => {
    await using it = await receiver((_, response) => response.writeHead(429, { 'retry-after': '7' }).end())
    await expect(post(it.to, {}, '{}', forever)).rejects.toMatchObject({ retryAfterMs: 7000 })
  })

  test('does not wait for an answer without an end', async () => {
    await using it = await receiver((_, response) => {
      response.writeHead(200)
      response.write('x')
    })
    await expect(post(it.to, {}, '{}', forever)).resolves.toBeUndefined()
  })

  test('that cannot be reached fails without naming the address', async () => {
    const to = { url: new URL('http://hooks.invalid:1/secret-path'), addresses: ['127.0.0.1'] }
    await expect(post(to, {}, '{}', forever)).rejects.toThrow(/^it cannot be reached: ECONNREFUSED$/)
  })

  test('sends nothing that is too large', async () => {
    const to = { url: new URL('http://hooks.invalid:1/'), addresses: ['127.0.0.1'] }
    await expect(post(to, {}, 'x'.repeat(65_537), forever)).rejects.toThrow(/larger than 65536 bytes/)
  })
})
