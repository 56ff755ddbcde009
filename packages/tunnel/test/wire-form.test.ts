import { Server, ServerCredentials, status, type ServerDuplexStream } from '@grpc/grpc-js'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { Secret } from '@sallyport/core'
import { addService, Tunnel, type Chunk, type ChunkSchema } from '@sallyport/proto'
import { expect, test } from 'vitest'
import { Traffic } from '../src/agent/traffic.ts'
import { CarriedStream, CarryCall } from '../src/carry.ts'
import { agentLost, faultOf } from '../src/failure.ts'
import { testAuthority } from '../src/testing/index.ts'
import { errorOf, everything } from './world.ts'

type Call = ServerDuplexStream<Chunk, MessageInitShape<typeof ChunkSchema>>

/** What an agent carries, at a server of grpc-js that knows of gRPC and our contract alone. */
async function carriedTo(carry: (call: Call) => void): Promise<{ stream: CarriedStream } & AsyncDisposable> {
  const authority = await testAuthority()
  const { certificate, privateKey } = await authority.server()
  const server = new Server()
  addService(server, Tunnel, { attach: (call) => call.end(), carry })
  const pair = { private_key: Buffer.from(privateKey.reveal()), cert_chain: Buffer.from(certificate) }
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createSsl(null, [pair]), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
  const own = { certificate, privateKey: new Secret(privateKey.reveal()), authority: authority.certificate }
  const traffic = new Traffic(`127.0.0.1:${port}`, own)
  const call = new CarryCall((await traffic.reserve()).carry())
  const cut = (): void => call.stream.close()
  const stream = new CarriedStream({ call, cut, lost: agentLost, reset: faultOf })
  return {
    stream,
    [Symbol.asyncDispose]: () => {
      traffic.close()
      server.forceShutdown()
      return Promise.resolve()
    },
  }
}

test('any gRPC server understands what an agent carries, and is understood', async () => {
  let text = ''
  await using carried = await carriedTo((call) => {
    call.on('data', ({ frame }: Chunk) => {
      if (frame.case === 'data') text += Buffer.from(frame.value).toString()
      if (frame.case !== 'fin') return
      call.write({ frame: { case: 'data', value: Buffer.from(`heard ${text.length}`) } })
      call.write({ frame: { case: 'fin', value: {} } })
    })
    call.on('end', () => call.end())
  })
  carried.stream.write('small, ')
  carried.stream.write('x'.repeat(200_000))
  carried.stream.end()
  expect(String(await everything(carried.stream))).toBe('heard 200007')
})

test('a gRPC server that ends the call with an error cuts the connection', async () => {
  await using carried = await carriedTo((call) => {
    call.write({ frame: { case: 'data', value: Buffer.from('half a res') } })
    call.emit('error', { code: status.UNAVAILABLE, details: 'no more' })
  })
  carried.stream.resume()
  expect(await errorOf(carried.stream)).toMatchObject({ code: 'gateway/agent-lost' })
})
