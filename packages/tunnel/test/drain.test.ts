import { expect, test } from 'vitest'
import { errorOf, everything, Target, TestAgent, TestGateway, until } from './world.ts'

test('a gateway that drains tells its agents, takes no dials, and waits for what is carried', async () => {
  await using gateway = await TestGateway.start()
  await using target = await Target.echo()
  await using agent = await TestAgent.start(gateway)
  const stream = await gateway.dial(target.port)
  const draining = gateway.server.drain(5_000)
  await agent.saw('gateway-draining')
  await expect(gateway.dial(target.port)).rejects.toMatchObject({ code: 'gateway/draining' })
  stream.end('last words')
  expect(String(await everything(stream))).toBe('last words')
  await draining
})

test('what is carried beyond the time to drain is reset, with that reason', async () => {
  await using gateway = await TestGateway.start()
  await using target = await Target.echo()
  await using _agent = await TestAgent.start(gateway)
  const stream = await gateway.dial(target.port)
  const ended = errorOf(stream)
  await gateway.server.drain(20)
  expect(await ended).toMatchObject({ code: 'gateway/draining' })
})

test('an agent that leaves takes no dials, and lets its connections end', async () => {
  await using gateway = await TestGateway.start()
  await using target = await Target.echo()
  await using agent = await TestAgent.start(gateway, { drainMs: 5_000 })
  const stream = await gateway.dial(target.port)
  agent.leave()
  await until(() => gateway.server.attached()[0]?.isDraining === true, 'the agent to say that it leaves')
  await expect(gateway.dial(target.port)).rejects.toMatchObject({ code: 'gateway/no-agent' })
  stream.end('goodbye')
  expect(String(await everything(stream))).toBe('goodbye')
  expect(await gateway.saw('agent-detached')).toMatchObject({ why: 'left' })
})
