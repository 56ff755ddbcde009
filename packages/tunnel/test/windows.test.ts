import http2 from 'node:http2'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { windows } from '../src/limits.ts'
import { testAuthority } from '../src/testing/index.ts'
import { probeWindows, withWindows } from '../src/windows.ts'
import { Target, TestGateway } from './world.ts'

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
