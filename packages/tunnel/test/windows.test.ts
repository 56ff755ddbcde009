import http2 from 'node:http2'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { windows } from '../src/limits.ts'
import { testAuthority } from '../src/testing/index.ts'
import { nextStreamWindow, probeWindows, streamWindow, withWindows } from '../src/windows.ts'
import { Cable, everything, Target, TestAgent, TestGateway, until } from './world.ts'

test('the agents’ port grants the windows that it should', async () => {
  await using gateway = await TestGateway.start()
  await probeWindows({ host: '127.0.0.1', port: gateway.server.port }, windows)
  expect(windows.streamBytes).toBeGreaterThan(65_535)
})

test('a server of the protocol’s own windows is told from ours, loudly', async () => {
  const authority = await testAuthority()
  const { certificate, privateKey } = await authority.server()
  const server = new Server()
  const credentials = ServerCredentials.createSsl(null, [
    { private_key: Buffer.from(privateKey.reveal()), cert_chain: Buffer.from(certificate) },
  ])
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
  await expect(probeWindows({ host: '127.0.0.1', port }, windows)).rejects.toThrow(
    '65535 (stream) and 65535 (connection)',
  )
  server.forceShutdown()
})

test('a port that says nothing fails the test in time', async () => {
  await using silent = await Target.start(() => {})
  await expect(probeWindows({ host: '127.0.0.1', port: silent.port }, windows, 50)).rejects.toThrow('in time')
})

test('Node’s own function is back in its place afterwards, also where making the server failed', async () => {
  const original = http2.createSecureServer
  await using _gateway = await TestGateway.start()
  expect(http2.createSecureServer).toBe(original)
  const failing = (): void => {
    throw new Error('no server')
  }
  expect(() => withWindows(windows, {}, failing)).toThrow('no server')
  expect(() => withWindows(windows, {}, () => {})).toThrow('its internals have changed')
  expect(http2.createSecureServer).toBe(original)
})

test('all streams of a connection together stay within the budget, and a few have the full window', () => {
  const { streamBytes, budgetBytes } = windows
  expect(
    [1, 4, 5, 9, 100, 1_000].map((streams) => streamWindow(streams, streamBytes, budgetBytes) / 1024),
  ).toEqual([4_096, 4_096, 2_048, 1_024, 128, 65_535 / 1024])
  fc.assert(
    fc.property(fc.array(fc.constantFrom(1, -1, 50, -50), { maxLength: 400 }), (changes) => {
      let [streams, window] = [0, streamBytes as number]
      for (const change of changes) {
        streams = Math.max(0, streams + change)
        window = nextStreamWindow(window, streams, streamBytes, budgetBytes)
        expect(window === 65_535 || window * streams <= budgetBytes).toBe(true)
        expect(window).toBeLessThanOrEqual(streamBytes)
      }
      expect(nextStreamWindow(window, 0, streamBytes, budgetBytes)).toBe(streamBytes)
    }),
  )
})

test('the window of a connection follows the number of its streams', async () => {
  await using gateway = await TestGateway.start()
  const { certificate, privateKey, authority } = await gateway.enrol()
  const session = http2.connect(`https://${gateway.address}`, {
    cert: certificate,
    key: privateKey.reveal(),
    ca: authority,
    checkServerIdentity: () => undefined,
  })
  const granted: (number | undefined)[] = []
  session.on('remoteSettings', (settings) => granted.push(settings.initialWindowSize))
  await until(() => granted.length > 0, 'the first settings')
  const headers = {
    ':method': 'POST',
    ':path': '/sallyport.tunnel.v1.Tunnel/Carry',
    'content-type': 'application/grpc',
  }
  const streams = Array.from({ length: 9 }, () =>
    session.request(headers, { endStream: false }).on('error', () => {}),
  )
  await until(() => granted.includes(windows.budgetBytes / 16), 'a smaller window')
  for (const stream of streams) stream.close(http2.constants.NGHTTP2_CANCEL)
  await until(() => granted.at(-1) === windows.streamBytes, 'the full window again')
  const [full, half, quarter] = [1, 2, 4].map((by) => windows.streamBytes / by)
  expect(granted).toEqual([full, half, quarter, half, full])
  session.destroy()
})

test('results cross a distance of 50 ms at many times what 64 KiB windows allow', async () => {
  await using gateway = await TestGateway.start()
  await using cable = await Cable.to(gateway.server.port, 25)
  const size = 24 * 1024 * 1024
  await using target = await Target.start((socket) => socket.end(Buffer.alloc(size)))
  await using _agent = await TestAgent.start(gateway, { through: cable.address })
  const stream = await gateway.dial(target.port)
  const startedAt = performance.now()
  expect((await everything(stream)).length).toBe(size)
  const megabytesPerSecond = size / 1024 / 1024 / ((performance.now() - startedAt) / 1_000)
  // Some 78 on a quiet machine; 64 KiB windows allow 1.3.
  expect(megabytesPerSecond).toBeGreaterThan(10)
  stream.end()
})
