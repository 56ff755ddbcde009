import { randomBytes, X509Certificate } from 'node:crypto'
import { connect as connectTls } from 'node:tls'
import { status } from '@grpc/grpc-js'
import { Secret, type Clock } from '@sallyport/core'
import { expect, test } from 'vitest'
import { listenForAgents, newKey, renew, type TunnelEvent } from '../src/index.ts'
import { tunnelClient } from '../src/agent/channel.ts'
import { MemoryDirectory, testAuthority } from '../src/testing/index.ts'
import {
  Cable,
  errorOf,
  everything,
  messageOf,
  RawAgent,
  Target,
  TestAgent,
  TestGateway,
  until,
} from './world.ts'

test('without a certificate neither control nor traffic is to be had', async () => {
  await using gateway = await TestGateway.start()
  const { authority } = gateway.authority ? { authority: gateway.authority.certificate } : { authority: '' }
  const stranger = tunnelClient(gateway.address, strangerWith(authority))
  const [attach, carry] = [stranger.attach(), stranger.carry()]
  const ended = [attach, carry].map(
    (call) => new Promise<{ code: status }>((resolve) => call.on('error', () => {}).once('status', resolve)),
  )
  attach.write({ event: { case: 'hello', value: { instance: randomBytes(16), version: 'x' } } })
  carry.write(messageOf({ kind: 'ticket', ticket: randomBytes(16) }))
  expect((await Promise.all(ended)).map(({ code }) => code)).toEqual([
    status.UNAUTHENTICATED,
    status.UNAUTHENTICATED,
  ])
  expect(await gateway.saw('agent-refused')).toMatchObject({ why: 'no-certificate', agent: '' })
  stranger.close()
})

test("another authority's certificate is a stranger's", async () => {
  await using gateway = await TestGateway.start()
  await using foreign = await TestGateway.start()
  const credentials = { ...(await foreign.enrol()), authority: gateway.authority.certificate }
  await using agent = new RawAgent(gateway.address, credentials)
  expect((await agent.ended).code).toBe(status.UNAUTHENTICATED)
  expect(await gateway.saw('agent-refused')).toMatchObject({ why: 'no-certificate' })
})

test("a certificate that only pretends to be of our authority's ends its connection", async () => {
  const authority = await testAuthority(undefined, 'same name')
  await using gateway = await TestGateway.start({}, { directory: new MemoryDirectory(), authority })
  const forged = { directory: new MemoryDirectory(), authority: await testAuthority(undefined, 'same name') }
  await using foreign = await TestGateway.start({}, forged)
  const credentials = { ...(await foreign.enrol()), authority: gateway.authority.certificate }
  await using agent = new RawAgent(gateway.address, credentials)
  expect([status.UNAUTHENTICATED, status.UNAVAILABLE]).toContain((await agent.ended).code)
  expect(gateway.server.attached()).toEqual([])
})

test('a certificate of ours that names no agent is a stranger', async () => {
  await using gateway = await TestGateway.start()
  const { certificate, privateKey } = await gateway.authority.server('spiffe://sallyport/gateway')
  await using agent = new RawAgent(gateway.address, {
    certificate,
    privateKey,
    authority: gateway.authority.certificate,
  })
  expect((await agent.ended).code).toBe(status.UNAUTHENTICATED)
})

test('a stranger that stays is shown out', async () => {
  await using gateway = await TestGateway.start({ strangerMs: 30 })
  const stranger = tunnelClient(gateway.address, strangerWith(gateway.authority.certificate))
  const startedAt = performance.now()
  stranger.getChannel().getConnectivityState(true)
  const deadline = Date.now() + 5_000
  await new Promise<void>((resolve) => stranger.waitForReady(deadline, () => resolve()))
  const ready = stranger.getChannel().getConnectivityState(false)
  await new Promise<void>((resolve) =>
    stranger.getChannel().watchConnectivityState(ready, deadline, () => resolve()),
  )
  expect(performance.now() - startedAt).toBeLessThan(4_000)
  stranger.close()
})

test('an agent believes no server but a gateway of its authority', async () => {
  await using gateway = await TestGateway.start()
  const credentials = await gateway.enrol()
  // The same authority, but the server is somebody else's.
  await using impostor = await listenForAgents({
    listen: { host: '127.0.0.1', port: 0 },
    certificate: await gateway.authority.server('spiffe://sallyport/agent/shop/1'),
    authority: gateway.authority,
    directory: gateway.directory,
    onEvent: () => {},
  })
  await using first = new RawAgent(`127.0.0.1:${impostor.port}`, credentials)
  expect(await first.ended).toMatchObject({
    code: status.UNAVAILABLE,
    details: expect.stringContaining("not a gateway's") as string,
  })
  // Another authority altogether.
  await using second = new RawAgent(gateway.address, {
    ...credentials,
    authority: (await testAuthority()).certificate,
  })
  expect((await second.ended).code).toBe(status.UNAVAILABLE)
})

test('an agent must introduce itself, in time and once', async () => {
  await using gateway = await TestGateway.start({ firstMessageMs: 50 })
  const credentials = await gateway.enrol()
  const client = tunnelClient(gateway.address, credentials)
  const silent = client.attach()
  const ended = new Promise((resolve) => silent.on('error', () => {}).once('status', resolve))
  silent.resume()
  expect(await ended).toMatchObject({ code: status.INVALID_ARGUMENT })
  client.close()
  await using twice = await RawAgent.start(gateway)
  twice.control.write({ event: { case: 'hello', value: { instance: randomBytes(16), version: 'x' } } })
  expect((await twice.ended).code).toBe(status.INVALID_ARGUMENT)
  expect(await gateway.saw('agent-detached')).toMatchObject({ why: 'out-of-order' })
})

test('an agent whose message breaks the gateway’s handling of it is shown out, and no other', async () => {
  await using gateway = await TestGateway.start()
  await using bad = await RawAgent.start(gateway)
  await using good = await RawAgent.start(gateway)
  const broken = new Error('a handler that fails')
  gateway.events.push = (event) => {
    if (event.kind === 'agent-rtt') throw broken
    return Array.prototype.push.call(gateway.events, event)
  }
  bad.control.write({ event: { case: 'pong', value: { id: 1n } } })
  expect((await bad.ended).code).toBe(status.INTERNAL)
  expect(await gateway.saw('agent-detached')).toMatchObject({ why: 'failed' })
  expect(await gateway.saw('agent-failed')).toMatchObject({ cause: broken })
  expect(gateway.server.attached()).toHaveLength(1)
  good.control.write({ event: { case: 'drain', value: {} } })
  await until(() => gateway.server.attached()[0]?.isDraining === true, 'the good one to leave')
})

/** Has the gateway's handler of events fail at the first of this kind. */
function failAt(gateway: TestGateway, kind: TunnelEvent['kind']): Error {
  const broken = new Error('a handler that fails')
  let isDue = true
  gateway.events.push = (event) => {
    if (event.kind === kind && isDue) {
      isDue = false
      throw broken
    }
    return Array.prototype.push.call(gateway.events, event)
  }
  return broken
}

test('a handler that fails at the leaving of an agent ends nothing else', async () => {
  await using gateway = await TestGateway.start()
  await using leaving = await RawAgent.start(gateway)
  await using _staying = await RawAgent.start(gateway)
  const broken = failAt(gateway, 'agent-detached')
  leaving.control.cancel()
  expect(await gateway.saw('agent-failed')).toMatchObject({ cause: broken })
  expect(gateway.server.attached()).toHaveLength(1)
})

test('an agent whose ping fails in the gateway is shown out, and no other', async () => {
  const broken = new Error('a clock that fails')
  let isDue = false
  const clock: Clock = {
    now: () => Date.now(),
    elapsed: () => {
      // Neither agent answers: only the pings look at it.
      if (!isDue) return performance.now()
      isDue = false
      throw broken
    },
  }
  await using gateway = await TestGateway.start({ pingIntervalMs: 50 }, undefined, clock)
  await using one = await RawAgent.start(gateway)
  await using other = await RawAgent.start(gateway)
  isDue = true
  expect((await Promise.race([one.ended, other.ended])).code).toBe(status.INTERNAL)
  expect(await gateway.saw('agent-detached')).toMatchObject({ why: 'failed' })
  expect(await gateway.saw('agent-failed')).toMatchObject({ cause: broken })
  expect(gateway.server.attached()).toHaveLength(1)
})

test('an agent stays, and is still reached, when somebody sets the clock', async () => {
  let setByMs = 0
  const clock: Clock = { now: () => Date.now() + setByMs, elapsed: () => performance.now() }
  await using gateway = await TestGateway.start({ pingIntervalMs: 500 }, undefined, clock)
  await using target = await Target.echo()
  await using _agent = await TestAgent.start(gateway)
  const pings = (): number => gateway.events.filter(({ kind }) => kind === 'agent-rtt').length
  for (const minutes of [20, -20, 0]) {
    setByMs = minutes * 60_000
    const before = pings()
    await until(() => pings() > before, 'a ping that is answered')
    ;(await gateway.dial(target.port)).destroy()
  }
  expect(gateway.events.filter(({ kind }) => kind === 'agent-detached')).toEqual([])
  const tookMs = gateway.events.flatMap((event) => ('tookMs' in event ? event.tookMs : []))
  expect(Math.max(...tookMs)).toBeLessThan(60_000)
})

test('a second process with the same certificate is refused while the first lives', async () => {
  await using gateway = await TestGateway.start()
  const credentials = await gateway.enrol()
  await using first = new RawAgent(gateway.address, credentials)
  await first.told('welcome')
  await using second = new RawAgent(gateway.address, credentials)
  expect((await second.ended).code).toBe(status.ALREADY_EXISTS)
  expect(await gateway.saw('agent-refused')).toMatchObject({ why: 'duplicate' })
  expect(gateway.server.attached()).toHaveLength(1)
})

test('a second process takes over once the first gives no sign of life', async () => {
  await using gateway = await TestGateway.start({ deadAfterMs: 60, pingIntervalMs: 50 })
  await using cable = await Cable.to(gateway.server.port)
  const credentials = await gateway.enrol()
  await using first = new RawAgent(cable.address, credentials)
  await first.told('welcome')
  cable.freeze()
  await gateway.saw('agent-detached')
  await using second = new RawAgent(gateway.address, credentials)
  await second.told('welcome')
  expect(gateway.server.attached()).toHaveLength(1)
})

test('the same process may come back at any time, and its dials go on', async () => {
  await using gateway = await TestGateway.start()
  const credentials = await gateway.enrol()
  const instance = randomBytes(16)
  await using before = new RawAgent(gateway.address, credentials, instance)
  await before.told('welcome')
  const dialling = gateway.dial(5432)
  const { value: dial } = await before.told('dial')
  await using after = new RawAgent(gateway.address, credentials, instance)
  await after.told('welcome')
  expect((await before.ended).code).toBe(status.OK)
  after.carry({ kind: 'ticket', ticket: dial.ticket }, Buffer.from('late but here'), { kind: 'fin' })
  expect(String(await everything(await dialling))).toBe('late but here')
  expect(gateway.events.filter(({ kind }) => kind === 'agent-detached')).toEqual([])
})

test('a revoked agent is refused, and tries again', async () => {
  await using gateway = await TestGateway.start()
  const credentials = await gateway.enrol()
  const [id = ''] = gateway.directory.agents.keys()
  await gateway.directory.revoke(id, 'lost laptop')
  await using agent = new TestAgent(gateway.address, credentials)
  expect(await agent.saw('detached')).toMatchObject({ why: 'refused', details: 'revoked', retryInMs: 500 })
  expect(await gateway.saw('agent-refused')).toMatchObject({ why: 'revoked', agent: id })
})

test('cutting an agent ends everything it has at once', async () => {
  await using gateway = await TestGateway.start()
  await using target = await Target.echo()
  await using agent = await TestAgent.start(gateway)
  const stream = await gateway.dial(target.port)
  const lost = errorOf(stream)
  const [{ id } = { id: '' }] = gateway.server.attached()
  await gateway.directory.revoke(id, 'by hand')
  gateway.server.cut(id)
  expect(gateway.server.attached()).toEqual([])
  expect(await lost).toMatchObject({ code: 'gateway/agent-lost' })
  expect(await gateway.saw('agent-cut')).toMatchObject({ agent: id, streams: 1 })
  await until(() => target.sockets[0]?.destroyed === true, 'the end at the target')
  await agent.saw('detached')
  await expect(gateway.dial(target.port)).rejects.toMatchObject({ code: 'gateway/no-agent' })
})

test('an agent that was revoked where nobody called cut goes at the next look', async () => {
  await using gateway = await TestGateway.start({ recheckMs: 20 })
  await using _agent = await TestAgent.start(gateway)
  const [{ id } = { id: '' }] = gateway.server.attached()
  await gateway.directory.revoke(id, 'elsewhere')
  expect(await gateway.saw('agent-cut')).toMatchObject({ agent: id })
})

test('a directory that fails lets nobody in, throws nobody out, and is reported', async () => {
  await using gateway = await TestGateway.start({ recheckMs: 20 })
  const credentials = await gateway.enrol()
  await using _there = await TestAgent.start(gateway)
  gateway.directory.isDown = true
  await using agent = new RawAgent(gateway.address, credentials)
  expect((await agent.ended).code).toBe(status.UNAVAILABLE)
  await gateway.saw('directory-failed', 3)
  expect(gateway.server.attached()).toHaveLength(1)
})

test('a replaced key attaches no more: it was copied', async () => {
  await using gateway = await TestGateway.start()
  const old = await gateway.enrol()
  const fresh = await renew({ gateway: gateway.address, credentials: old, privateKey: newKey() })
  const agent = new RawAgent(gateway.address, fresh)
  await agent.told('welcome')
  await agent[Symbol.asyncDispose]()
  await gateway.saw('agent-detached')
  await using thief = new RawAgent(gateway.address, old)
  expect((await thief.ended).code).toBe(status.PERMISSION_DENIED)
  await gateway.saw('key-cloned')
  expect([...gateway.directory.agents.values()]).toMatchObject([{ isRevoked: true }])
})

test('a handler that fails at the cutting of a copied agent ends nothing else', async () => {
  await using gateway = await TestGateway.start()
  const old = await gateway.enrol()
  const fresh = await renew({ gateway: gateway.address, credentials: old, privateKey: newKey() })
  await using agent = new RawAgent(gateway.address, fresh)
  await agent.told('welcome')
  const broken = failAt(gateway, 'agent-cut')
  const thief = renew({ gateway: gateway.address, credentials: old, privateKey: newKey() })
  await expect(thief).rejects.toMatchObject({ kind: 'refused' })
  expect(await gateway.saw('agent-failed')).toMatchObject({ cause: broken })
  await agent.ended
  expect(gateway.server.attached()).toEqual([])
})

test('a renewed certificate takes over without a gap, and connections go on', async () => {
  await using gateway = await TestGateway.start()
  await using target = await Target.echo()
  await using agent = await TestAgent.start(gateway)
  const stream = await gateway.dial(target.port)
  const { current } = agent.identity
  agent.identity.replace(
    await renew({ gateway: gateway.address, credentials: current, privateKey: newKey() }),
  )
  await gateway.saw('agent-attached', 2)
  const next = await gateway.dial(target.port)
  next.end('new')
  expect(String(await everything(next))).toBe('new')
  stream.end('old')
  expect(String(await everything(stream))).toBe('old')
  expect([...gateway.directory.agents.values()]).toMatchObject([
    { keys: { generation: 2 }, isRevoked: false },
  ])
  expect(gateway.events.filter(({ kind }) => kind === 'agent-detached' || kind === 'agent-refused')).toEqual(
    [],
  )
})

test('an agent comes back after its gateway restarted', async () => {
  const gateway = await TestGateway.start()
  await using agent = await TestAgent.start(gateway)
  const { directory, authority, server } = gateway
  const { port } = server
  await gateway[Symbol.asyncDispose]()
  await agent.saw('detached')
  await using again = await TestGateway.start({}, { directory, authority, port })
  await again.saw('agent-attached')
  await using target = await Target.echo()
  const stream = await again.dial(target.port)
  stream.end('back')
  expect(String(await everything(stream))).toBe('back')
})

test('another certificate is shown to connections made from then on', async () => {
  await using gateway = await TestGateway.start()
  const shown = async (): Promise<string> => {
    const { port } = gateway.server
    const socket = connectTls({ host: '127.0.0.1', port, ALPNProtocols: ['h2'], rejectUnauthorized: false })
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    const { fingerprint256 } = socket.getPeerCertificate()
    socket.destroy()
    return fingerprint256
  }
  const before = await shown()
  const fresh = await gateway.authority.server()
  gateway.server.useCertificate(fresh)
  expect([before, await shown()]).toEqual([before, new X509Certificate(fresh.certificate).fingerprint256])
  await using _agent = await TestAgent.start(gateway)
  expect(gateway.server.attached()).toHaveLength(1)
})

/** Credentials that no authority issued. */
function strangerWith(authority: string) {
  return {
    authority,
    certificate: undefined as unknown as string,
    privateKey: undefined as unknown as Secret,
  }
}
