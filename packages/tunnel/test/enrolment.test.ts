import { X509Certificate } from 'node:crypto'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { Metadata, status, type ServiceError } from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { enrolmentClient } from '../src/agent/channel.ts'
import { certificateRequestFor } from '../src/enrolment/request.ts'
import { enrol, listenForAgents, newJoinSecret, newKey, renew, renewalAtMs } from '../src/index.ts'
import { identityOf } from '../src/names.ts'
import { testAuthority } from '../src/testing/index.ts'
import { RawAgent, Target, TestGateway } from './world.ts'

test('a join token brings a certificate for a key that never left', async () => {
  await using gateway = await TestGateway.start()
  const privateKey = newKey()
  const credentials = await enrol({
    gateway: gateway.address,
    token: gateway.joinToken(),
    name: 'host-1',
    privateKey,
  })
  const [agent] = gateway.directory.agents.values()
  expect(agent).toMatchObject({ pool: 'shop', name: 'host-1', keys: { generation: 1 }, isRevoked: false })
  const identity = identityOf(new X509Certificate(credentials.certificate))
  expect(identity).toMatchObject({ id: agent?.id, pool: 'shop', keyFingerprint: agent?.keys.current })
  expect(credentials.privateKey).toBe(privateKey)
  expect(credentials.authority.trim()).toBe(gateway.authority.certificate.trim())
  expect(await gateway.saw('agent-enrolled')).toMatchObject({ agent: agent?.id, pool: 'shop' })
})

test('a join token is good as often as it says', async () => {
  await using gateway = await TestGateway.start()
  const request = { gateway: gateway.address, token: gateway.joinToken('shop', 2), name: 'host-1' }
  await enrol({ ...request, privateKey: newKey() })
  await enrol({ ...request, privateKey: newKey() })
  await expect(enrol({ ...request, privateKey: newKey() })).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('unknown, used up or expired') as string,
  })
  expect(await gateway.saw('enrolment-refused')).toMatchObject({ why: 'bad-token' })
  expect(gateway.directory.agents.size).toBe(2)
})

test('an unknown join token brings nothing, and is not told apart from a used one', async () => {
  await using gateway = await TestGateway.start()
  const token = { ...gateway.joinToken(), secret: newJoinSecret() }
  const enrolling = enrol({ gateway: gateway.address, token, name: 'host-1', privateKey: newKey() })
  await expect(enrolling).rejects.toThrow('unknown, used up or expired')
  expect(JSON.stringify(gateway.events)).not.toContain(token.secret.reveal())
})

test('the token is not shown to a server whose authority is not the pinned one', async () => {
  await using gateway = await TestGateway.start()
  await using impostor = await TestGateway.start()
  const token = gateway.joinToken()
  const enrolling = enrol({ gateway: impostor.address, token, name: 'host-1', privateKey: newKey() })
  await expect(enrolling).rejects.toMatchObject({ kind: 'untrusted' })
  expect(impostor.events).toEqual([])
})

test('showing the pinned authority is not enough: the server must be certified by it', async () => {
  await using gateway = await TestGateway.start()
  const other = await testAuthority()
  const own = await other.server()
  await using impostor = await listenForAgents({
    listen: { host: '127.0.0.1', port: 0 },
    certificate: {
      ...own,
      certificate: own.certificate.replace(other.certificate, gateway.authority.certificate),
    },
    authority: gateway.authority,
    directory: gateway.directory,
    onEvent: (event) => expect(event).toBeUndefined(),
  })
  const token = gateway.joinToken()
  const address = `127.0.0.1:${impostor.port}`
  await expect(enrol({ gateway: address, token, name: 'host-1', privateKey: newKey() })).rejects.toThrow(
    address,
  )
  await enrol({ gateway: gateway.address, token, name: 'host-1', privateKey: newKey() })
})

test('a gateway that is not there, or is no gateway, is unreachable', async () => {
  await using gateway = await TestGateway.start()
  const request = { token: gateway.joinToken(), name: 'host-1', privateKey: newKey() }
  const gone = await Target.echo()
  await gone[Symbol.asyncDispose]()
  await expect(enrol({ ...request, gateway: `127.0.0.1:${gone.port}` })).rejects.toMatchObject({
    kind: 'unreachable',
  })
  const plain = createServer((socket) => socket.end('220 mail.example ESMTP\r\n')).listen(0, '127.0.0.1')
  await once(plain, 'listening')
  const address = plain.address()
  const port = typeof address === 'object' ? address?.port : undefined
  await expect(enrol({ ...request, gateway: `127.0.0.1:${port}` })).rejects.toMatchObject({
    kind: 'unreachable',
  })
  plain.close()
})

test('bad names and bad requests bring nothing', async () => {
  await using gateway = await TestGateway.start()
  const client = enrolmentClient(gateway.address, { authority: gateway.authority.certificate })
  const ask = (name: string, certificateRequest: Uint8Array): Promise<ServiceError | null> =>
    new Promise((resolve) =>
      client.enroll(
        { token: gateway.joinToken().secret.reveal(), certificateRequest, name },
        new Metadata(),
        {},
        (error) => resolve(error),
      ),
    )
  const good = await certificateRequestFor(newKey())
  expect(await ask('host/../1', good)).toMatchObject({ code: status.INVALID_ARGUMENT })
  const forged = Uint8Array.from(good)
  forged[forged.length - 1] = (forged[forged.length - 1] ?? 0) ^ 1
  expect(await ask('host-1', forged)).toMatchObject({ code: status.INVALID_ARGUMENT })
  expect(gateway.directory.agents.size).toBe(0)
  client.close()
})

test('a directory that fails enrols nobody', async () => {
  await using gateway = await TestGateway.start()
  gateway.directory.isDown = true
  await expect(gateway.enrol()).rejects.toMatchObject({ kind: 'unreachable' })
  await gateway.saw('directory-failed')
})

test('renewal brings a certificate for a new key, of the next generation once it is used', async () => {
  await using gateway = await TestGateway.start()
  const first = await gateway.enrol()
  const second = await renew({ gateway: gateway.address, credentials: first, privateKey: newKey() })
  expect(identityOf(new X509Certificate(second.certificate))?.id).toBe(
    [...gateway.directory.agents.keys()][0],
  )
  expect(await gateway.saw('certificate-renewed')).toMatchObject({ generation: 2 })
  const third = await renew({ gateway: gateway.address, credentials: second, privateKey: newKey() })
  await using agent = new RawAgent(gateway.address, third)
  await agent.told('welcome')
  expect([...gateway.directory.agents.values()]).toMatchObject([{ keys: { generation: 3 } }])
})

test('a renewal whose answer was lost is asked again with the same key', async () => {
  await using gateway = await TestGateway.start()
  const credentials = await gateway.enrol()
  const privateKey = newKey()
  await renew({ gateway: gateway.address, credentials, privateKey })
  const again = await renew({ gateway: gateway.address, credentials, privateKey })
  await using agent = new RawAgent(gateway.address, again)
  await agent.told('welcome')
  expect([...gateway.directory.agents.values()]).toMatchObject([
    { keys: { generation: 2 }, isRevoked: false },
  ])
})

test('a renewal with a key that was renewed already tells of a copy: the agent is revoked and cut', async () => {
  await using gateway = await TestGateway.start()
  const stolen = await gateway.enrol()
  const current = await renew({ gateway: gateway.address, credentials: stolen, privateKey: newKey() })
  await using agent = new RawAgent(gateway.address, current)
  await agent.told('welcome')
  const thief = renew({ gateway: gateway.address, credentials: stolen, privateKey: newKey() })
  await expect(thief).rejects.toMatchObject({ kind: 'refused' })
  await gateway.saw('key-cloned')
  await agent.ended
  expect(gateway.server.attached()).toEqual([])
  expect(gateway.directory.revocations).toHaveLength(1)
})

test('two holders of a key who both renew are found before either attaches', async () => {
  await using gateway = await TestGateway.start()
  const credentials = await gateway.enrol()
  await renew({ gateway: gateway.address, credentials, privateKey: newKey() })
  const second = renew({ gateway: gateway.address, credentials, privateKey: newKey() })
  await expect(second).rejects.toMatchObject({ kind: 'refused' })
  await gateway.saw('key-cloned')
})

test('a renewal needs a certificate, a new key, and an agent that is not revoked', async () => {
  await using gateway = await TestGateway.start()
  const credentials = await gateway.enrol()
  const again = renew({ gateway: gateway.address, credentials, privateKey: credentials.privateKey })
  await expect(again).rejects.toThrow('not for a new P-256 key')
  const stranger = enrolmentClient(gateway.address, { authority: gateway.authority.certificate })
  const certificateRequest = await certificateRequestFor(newKey())
  const refused = await new Promise<ServiceError | null>((resolve) =>
    stranger.renew({ certificateRequest }, new Metadata(), {}, (error) => resolve(error)),
  )
  expect(refused).toMatchObject({ code: status.UNAUTHENTICATED })
  stranger.close()
  const [id = ''] = gateway.directory.agents.keys()
  await gateway.directory.revoke(id, 'by hand')
  const revoked = renew({ gateway: gateway.address, credentials, privateKey: newKey() })
  await expect(revoked).rejects.toThrow('revoked')
})

test('certificates are renewed at half their life, give or take', async () => {
  await using gateway = await TestGateway.start()
  const { certificate } = await gateway.enrol()
  const { validFromDate, validToDate } = new X509Certificate(certificate)
  const life = validToDate.getTime() - validFromDate.getTime()
  const share = (random: number): number =>
    (renewalAtMs(certificate, () => random) - validFromDate.getTime()) / life
  expect([share(0), share(0.5), share(1)].map((part) => Math.round(part * 100))).toEqual([40, 50, 60])
})
