import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createClient, type ApiError, type Client } from '@sallyport/api'
import { createAuthority, loadAuthority } from '@sallyport/identity'
import { expect, test } from 'vitest'

/** Something at an address that is no gateway, or a broken one. */
async function standIn(answer: RequestListener): Promise<{ readonly client: Client } & AsyncDisposable> {
  const authority = await loadAuthority(await createAuthority({ name: 'test' }))
  const { certificate, privateKey } = await authority.issueServerCertificate({ names: ['localhost'] })
  const server = createServer({ cert: certificate, key: privateKey.reveal() }, answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    client: createClient({ baseUrl: `https://localhost:${port}`, ca: authority.certificate, timeoutMs: 300 }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error as ApiError,
  )

test('something else that answers is no gateway', async () => {
  await using it = await standIn((_, response) => response.writeHead(502).end('<h1>Bad gateway</h1>'))
  expect(await failure(it.client.gateway.version())).toMatchObject({ status: 502, code: 'bad-answer' })
})

test.each(['{"name":"sallyport"}', 'not JSON', ''])('an answer like %j is not understood', async (body) => {
  await using it = await standIn((_, response) => response.writeHead(200).end(body))
  expect(await failure(it.client.gateway.version())).toMatchObject({ code: 'bad-answer' })
})

test('no answer in time is no answer', async () => {
  await using it = await standIn(() => undefined)
  expect(await failure(it.client.gateway.version())).toMatchObject({ status: 0, code: 'unreachable' })
})

test('lines that are cut short are never taken for the whole', async () => {
  await using it = await standIn((_, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.write('{"sequence":1,"at":"2026-01-01T00:00:00Z","kind":"opened"}\n', () => response.destroy())
  })
  const kinds: string[] = []
  const read = async (): Promise<void> => {
    for await (const { kind } of it.client.sessions.events({ id: 'ses_1' })) kinds.push(kind)
  }
  expect(await failure(read())).toMatchObject({ code: 'bad-answer', detail: 'the answer was cut short' })
  expect(kinds).toEqual(['opened'])
})

test('a call ends when its caller no longer wants it', async () => {
  await using it = await standIn(() => undefined)
  const end = new AbortController()
  const call = failure(it.client.gateway.version({}, { signal: end.signal }))
  end.abort()
  expect(await call).toMatchObject({ code: 'cancelled' })
})
