import { once } from 'node:events'
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Fault, type Connection } from '@sallyport/core'
import { encodePassword } from '../codec/frontend.ts'
import { encodeStartup, sslRequest } from '../codec/startup.ts'
import { arrive, ArrivalFault, type Arrival } from './downstream.ts'
import { testCertificate } from '../testing/certificate.ts'

const hello = encodeStartup({ user: 'orders-db', database: 'shop' })
const never = new AbortController().signal
let tls: SecureContext

beforeAll(() => {
  tls = createSecureContext(testCertificate)
})

/** A client's socket, and what became of its arrival. */
async function meet(loopback: boolean): Promise<{ client: Socket; arrival: Promise<Arrival | string> }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = createConnection((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await once(server, 'connection')) as [Socket]
  server.close()
  const connection: Connection = { stream: socket, address: '10.0.0.9:1', loopback, tls }
  const arrival = arrive(connection, never).catch((thrown: unknown) =>
    thrown instanceof ArrivalFault && thrown.fault instanceof Fault ? thrown.fault.code : String(thrown),
  )
  return { client, arrival }
}

describe('arriving', () => {
  const open: Socket[] = []
  afterAll(() => open.forEach((socket) => socket.destroy()))

  test('no password is asked for outside TLS, unless the client is on this machine', async () => {
    const far = await meet(false)
    open.push(far.client)
    far.client.write(hello)
    expect(await far.arrival).toBe('client/tls-required')
    expect(far.client.read()).toBe(null)

    const near = await meet(true)
    open.push(near.client)
    near.client.write(hello)
    await once(near.client, 'data')
    near.client.write(encodePassword('sp_x'))
    expect(await near.arrival).toMatchObject({ kind: 'login', claim: { resource: 'orders-db' }, minor: 0 })
  })

  test('TLS after an SSLRequest, and a password inside it', async () => {
    const { client, arrival } = await meet(false)
    client.write(sslRequest)
    expect(String(((await once(client, 'data')) as [Buffer])[0])).toBe('S')
    const secure = connectTls({ socket: client, rejectUnauthorized: false })
    open.push(secure)
    await once(secure, 'secureConnect')
    secure.write(hello)
    await once(secure, 'data')
    secure.write(encodePassword('sp_x'))
    expect(await arrival).toMatchObject({ kind: 'login' })
  })

  test('TLS from the first byte, with its ALPN protocol, and not without', async () => {
    for (const [protocols, expected] of [
      [['postgresql'], { kind: 'login' }],
      [[], 'client/malformed'],
    ] as const) {
      const { client, arrival } = await meet(false)
      const secure = connectTls({ socket: client, rejectUnauthorized: false, ALPNProtocols: [...protocols] })
      secure.on('error', () => undefined)
      open.push(secure)
      await once(secure, 'secureConnect')
      secure.write(hello)
      const asked = Promise.race([once(secure, 'data'), arrival])
      await asked
      secure.write(encodePassword('sp_x'))
      const arrived = await arrival
      expect(typeof arrived === 'string' ? arrived : { kind: arrived.kind }).toEqual(expected)
    }
  })

  test('bytes sent in clear behind the TLS request are never taken for the client’s (CVE-2021-23214)', async () => {
    const { client, arrival } = await meet(false)
    open.push(client)
    client.write(Buffer.concat([sslRequest, hello]))
    expect(await arrival).toBe('client/malformed')
  })

  test('GSS encryption is answered no, once', async () => {
    const gss = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30])
    const { client, arrival } = await meet(true)
    open.push(client)
    client.write(gss)
    expect(String(((await once(client, 'data')) as [Buffer])[0])).toBe('N')
    client.write(gss)
    expect(await arrival).toBe('client/out-of-order')
  })
})
