import { Metadata, Server, ServerCredentials, credentials, status, type ServiceError } from '@grpc/grpc-js'
import { afterEach, expect, test } from 'vitest'
import {
  addService,
  clientOf,
  serviceDefinition,
  Enrolment,
  Tunnel,
  type Codec,
  type Implementation,
} from './index.ts'

const servers: Server[] = []
afterEach(() => servers.splice(0).forEach((server) => server.forceShutdown()))

function listen(server: Server): Promise<string> {
  servers.push(server)
  return new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(`127.0.0.1:${port}`) : reject(error),
    ),
  )
}

const enrolment: Implementation<typeof Enrolment> = {
  enroll: (call, answer) => answer(null, { certificate: call.request.token, authority: call.request.name }),
  renew: (_call, answer) => answer({ code: status.UNAUTHENTICATED, details: 'who are you' }),
}

test('a unary call brings typed messages there and back', async () => {
  const server = new Server()
  addService(server, Enrolment, enrolment)
  const client = clientOf(Enrolment, await listen(server), credentials.createInsecure(), {})
  const answer = await new Promise((resolve) =>
    client.enroll({ token: 't', name: 'n' }, new Metadata(), {}, (_error, response) => resolve(response)),
  )
  expect(answer).toMatchObject({ certificate: 't', authority: 'n' })
  client.close()
})

test('an error of the implementation reaches the client with its code', async () => {
  const server = new Server()
  addService(server, Enrolment, enrolment)
  const client = clientOf(Enrolment, await listen(server), credentials.createInsecure(), {})
  const error = await new Promise<ServiceError | null>((resolve) =>
    client.renew({}, new Metadata(), {}, (failed) => resolve(failed)),
  )
  expect(error?.code).toBe(status.UNAUTHENTICATED)
  client.close()
})

test('a method with its own codec carries what that codec says', async () => {
  const raw: Codec<Buffer> = { encode: (bytes) => bytes, decode: (bytes) => bytes }
  const server = new Server()
  addService(
    server,
    Tunnel,
    {
      attach: (call) => call.end(),
      carry: (call) => void call.on('data', (bytes: Buffer) => call.write(bytes)),
    },
    { carry: raw },
  )
  const client = clientOf(Tunnel, await listen(server), credentials.createInsecure(), {}, { carry: raw })
  const call = client.carry()
  call.write(Buffer.from('as it is'))
  expect(await new Promise<Buffer>((resolve) => call.once('data', resolve))).toEqual(Buffer.from('as it is'))
  call.on('error', () => {})
  call.cancel()
  client.close()
})

test('bytes that are no such message end the call', async () => {
  const server = new Server()
  addService(server, Tunnel, {
    attach: (call) => void call.on('data', () => {}).on('error', () => {}),
    carry: (call) => call.end(),
  })
  const raw: Codec<Buffer> = { encode: (bytes) => bytes, decode: (bytes) => bytes }
  const client = clientOf(Tunnel, await listen(server), credentials.createInsecure(), {}, { attach: raw })
  const call = client.attach()
  call.write(Buffer.from([0xff, 0xff]))
  const error = await new Promise<ServiceError>((resolve) => call.once('error', resolve))
  expect(error.code).toBe(status.INTERNAL)
  client.close()
})

test('paths are those of the protocol buffers', () => {
  expect(serviceDefinition(Tunnel)['carry']?.path).toBe('/sallyport.tunnel.v1.Tunnel/Carry')
  expect(serviceDefinition(Enrolment)['enroll']).toMatchObject({
    requestStream: false,
    responseStream: false,
  })
})

test('what is not in the service does not compile', () => {
  // @ts-expect-error: a method is missing
  const missing: Implementation<typeof Enrolment> = { enroll: enrolment.enroll }
  const wrong: Implementation<typeof Enrolment> = {
    ...enrolment,
    // @ts-expect-error: `certificate` is a string
    enroll: (_call, answer) => answer(null, { certificate: 1 }),
  }
  expect([missing, wrong]).toHaveLength(2)
})
