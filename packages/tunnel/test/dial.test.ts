import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { once } from 'node:events'
import { Failure } from '@sallyport/proto'
import { Secret } from '@sallyport/core'
import { expect, test } from 'vitest'
import { DialFailure } from '../src/index.ts'
import { everything, RawAgent, Target, TestAgent, TestGateway, until } from './world.ts'

const never = new AbortController().signal

async function closedPort(): Promise<number> {
  const target = await Target.echo()
  const { port } = target
  await target[Symbol.asyncDispose]()
  return port
}

test('without an agent of the pool there is no way', async () => {
  await using gateway = await TestGateway.start()
  await using _other = await TestAgent.start(gateway, { pool: 'elsewhere' })
  await expect(gateway.dial(5432)).rejects.toMatchObject({ code: 'gateway/no-agent' })
})

test('a target that refuses is unreachable', async () => {
  await using gateway = await TestGateway.start()
  await using agent = await TestAgent.start(gateway)
  await expect(gateway.dial(await closedPort())).rejects.toMatchObject({ code: 'target/unreachable' })
  expect(await agent.saw('dial-failed')).toMatchObject({ failure: 'UNREACHABLE', resource: 'orders-db' })
})

test('a target that does not answer is too slow', async () => {
  await using gateway = await TestGateway.start({ openMs: 250 })
  await using agent = await TestAgent.start(gateway)
  // A stopped process whose queue of connections is full: the kernel answers no more of them.
  const listening =
    'const s=require("net").createServer();s.listen({port:0,host:"127.0.0.1",backlog:1},()=>console.log(s.address().port))'
  const stopped = spawn(process.execPath, ['-e', listening])
  const port = Number(String((await once(stopped.stdout, 'data'))[0]))
  stopped.kill('SIGSTOP')
  const queue = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  await once(queue[0] ?? stopped, 'connect')
  await expect(gateway.dial(port)).rejects.toMatchObject({ code: 'target/too-slow' })
  expect(await agent.saw('dial-failed')).toMatchObject({ failure: 'TOO_SLOW' })
  for (const socket of queue) socket.destroy()
  stopped.kill('SIGKILL')
})

test('a name that is not resolved in time is too slow', async () => {
  await using gateway = await TestGateway.start({ openMs: 1_000 })
  await using _agent = await TestAgent.start(gateway, { allow: () => new Promise(() => {}) })
  await expect(gateway.dial(5432)).rejects.toMatchObject({ code: 'target/too-slow' })
})

test("the agent's own no is the agent's", async () => {
  await using gateway = await TestGateway.start()
  const allow = (): Promise<never> => Promise.reject(new DialFailure(Failure.NOT_ALLOWED, 'not on the list'))
  await using agent = await TestAgent.start(gateway, { allow })
  await expect(gateway.dial(5432)).rejects.toMatchObject({ code: 'gateway/agent-refused' })
  expect(await agent.saw('dial-failed')).toMatchObject({ failure: 'NOT_ALLOWED' })
})

test('what was allowed is what is dialled, one address after the other', async () => {
  await using gateway = await TestGateway.start()
  await using target = await Target.echo()
  // Nothing listens on 127.0.0.2; the name itself is never resolved again.
  await using _agent = await TestAgent.start(gateway, {
    allow: () => Promise.resolve(['127.0.0.2', '127.0.0.1']),
  })
  const request = {
    pool: 'shop',
    resource: 'r',
    session: 's',
    host: 'no.such.host.invalid',
    port: target.port,
  }
  const stream = await gateway.server.dial(request, never)
  stream.end('found')
  expect(String(await everything(stream))).toBe('found')
})

test('another agent of the pool is asked where one cannot', async () => {
  await using gateway = await TestGateway.start({ openMs: 1_000 })
  await using target = await Target.echo()
  await using silent = await RawAgent.start(gateway)
  const allow = (): Promise<never> => Promise.reject(new DialFailure(Failure.NOT_ALLOWED, 'not on the list'))
  await using refusing = await TestAgent.start(gateway, { allow })
  await using _able = await TestAgent.start(gateway)
  const stream = await gateway.dial(target.port)
  stream.end('at last')
  expect(String(await everything(stream))).toBe('at last')
  expect(await gateway.saw('dial-failed', 2)).toMatchObject({ attempt: 2 })
  await Promise.all([silent.told('dial'), refusing.saw('dial-failed')])
})

test('a dial whose agent goes is tried on another at once', async () => {
  await using gateway = await TestGateway.start()
  await using target = await Target.echo()
  await using going = await RawAgent.start(gateway)
  const dialling = gateway.dial(target.port)
  await going.told('dial')
  await using _staying = await TestAgent.start(gateway)
  going.control.cancel()
  const stream = await dialling
  stream.end('here')
  expect(String(await everything(stream))).toBe('here')
})

test('connections are spread over the agents of a pool', async () => {
  await using gateway = await TestGateway.start()
  await using target = await Target.echo()
  await using _one = await TestAgent.start(gateway)
  await using _two = await TestAgent.start(gateway)
  const streams = []
  for (let i = 0; i < 6; i++) streams.push(await gateway.dial(target.port))
  expect(gateway.server.attached().map((agent) => agent.streams)).toEqual([3, 3])
  for (const stream of streams) stream.destroy()
})

test('an agent carries no more than it may', async () => {
  await using gateway = await TestGateway.start({ streamsPerAgent: 2 })
  await using target = await Target.echo()
  await using _agent = await TestAgent.start(gateway)
  const streams = [await gateway.dial(target.port), await gateway.dial(target.port)]
  await expect(gateway.dial(target.port)).rejects.toMatchObject({ code: 'gateway/overloaded' })
  for (const stream of streams) stream.destroy()
  await until(() => gateway.server.attached()[0]?.streams === 0, 'room')
  streams.push(await gateway.dial(target.port))
  streams.at(-1)?.destroy()
})

test('a thousand connections at once', async () => {
  await using gateway = await TestGateway.start()
  await using target = await Target.echo()
  await using _agent = await TestAgent.start(gateway)
  const answers = await Promise.all(
    Array.from({ length: 1_000 }, async (_, i) => {
      const stream = await gateway.dial(target.port)
      stream.end(`number ${i}`)
      return String(await everything(stream))
    }),
  )
  expect(answers).toEqual(answers.map((_, i) => `number ${i}`))
  await until(() => gateway.server.attached()[0]?.streams === 0, 'all of them to be over')
})

test('a credential is released by the agent that holds it, for its resource alone', async () => {
  await using gateway = await TestGateway.start()
  const credential = ({ name, resource }: { name: string; resource: string }) =>
    name === 'app' && resource === 'orders-db'
      ? { user: 'app_ro', password: new Secret('hunter2') }
      : undefined
  await using without = await TestAgent.start(gateway)
  await using holder = await TestAgent.start(gateway, { credential })
  const asked = { pool: 'shop', name: 'app', resource: 'orders-db', session: 'ses_1' }
  const released = await gateway.server.releaseCredential(asked, never)
  expect(released.user).toBe('app_ro')
  expect(released.password?.reveal()).toBe('hunter2')
  const other = gateway.server.releaseCredential({ ...asked, resource: 'wages-db' }, never)
  await expect(other).rejects.toMatchObject({ code: 'gateway/no-credential' })
  const elsewhere = gateway.server.releaseCredential({ ...asked, pool: 'elsewhere' }, never)
  await expect(elsewhere).rejects.toMatchObject({ code: 'gateway/no-agent' })
  await holder.saw('credential-released')
  await without.saw('credential-refused', 2)
  expect(JSON.stringify([gateway.events, holder.events])).not.toContain('hunter2')
})

test('an agent that does not answer about a credential does not hold the session up', async () => {
  await using gateway = await TestGateway.start({ credentialMs: 30 })
  await using agent = await RawAgent.start(gateway)
  const asked = { pool: 'shop', name: 'app', resource: 'orders-db', session: 'ses_1' }
  await expect(gateway.server.releaseCredential(asked, never)).rejects.toMatchObject({
    code: 'gateway/agent-lost',
  })
  await agent.told('credential')
})

test('a credential without a user is a fault for who asked, and nothing to the gateway', async () => {
  await using gateway = await TestGateway.start()
  await using agent = await RawAgent.start(gateway)
  const asked = { pool: 'shop', name: 'app', resource: 'orders-db', session: 'ses_1' }
  const released = gateway.server.releaseCredential(asked, never).catch((fault: unknown) => fault)
  const { value } = await agent.told('credential')
  agent.control.write({
    event: {
      case: 'credential',
      value: { id: value.id, answer: { case: 'credential', value: { user: '' } } },
    },
  })
  expect(await released).toMatchObject({ code: 'gateway/no-credential' })
})
