import { status } from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { everything, messageOf, RawAgent, Target, TestAgent, TestGateway, until } from './world.ts'

test('a ticket brings one connection, once', async () => {
  await using gateway = await TestGateway.start()
  await using agent = await RawAgent.start(gateway)
  const dialling = gateway.dial(5432)
  const { value: dial } = await agent.told('dial')
  expect(dial).toMatchObject({ host: '127.0.0.1', port: 5432, resource: 'orders-db', session: 'ses_1' })
  expect(dial.ticket).toHaveLength(16)
  agent.carry({ kind: 'ticket', ticket: dial.ticket }, Buffer.from('hello'), { kind: 'fin' })
  expect(String(await everything(await dialling))).toBe('hello')
  const again = await agent.carry({ kind: 'ticket', ticket: dial.ticket }).ended
  expect(again.code).toBe(status.UNAUTHENTICATED)
  expect(await gateway.saw('ticket-misused')).toMatchObject({ why: 'reused' })
})

test("another agent's ticket is refused and reported, and still good for its own", async () => {
  await using gateway = await TestGateway.start()
  await using honest = await RawAgent.start(gateway)
  await using thief = await RawAgent.start(gateway, 'other-pool')
  const dialling = gateway.dial(5432)
  const { value: dial } = await honest.told('dial')
  const stolen = await thief.carry({ kind: 'ticket', ticket: dial.ticket }, Buffer.from('hello')).ended
  expect(stolen.code).toBe(status.UNAUTHENTICATED)
  const thiefId = gateway.server.attached().find(({ pool }) => pool === 'other-pool')?.id
  expect(await gateway.saw('ticket-misused')).toMatchObject({ why: 'foreign', agent: thiefId })
  honest.carry({ kind: 'ticket', ticket: dial.ticket }, Buffer.from('mine'), { kind: 'fin' })
  expect(String(await everything(await dialling))).toBe('mine')
})

test('a ticket is late when its session has ended, and when the dial was given up', async () => {
  await using gateway = await TestGateway.start({ openMs: 50, attempts: 1 })
  await using agent = await RawAgent.start(gateway)
  await expect(gateway.dial(5432)).rejects.toMatchObject({ code: 'gateway/agent-lost' })
  const { value: dial } = await agent.told('dial')
  expect((await agent.carry({ kind: 'ticket', ticket: dial.ticket }).ended).code).toBe(status.UNAUTHENTICATED)
  expect(await gateway.saw('ticket-misused')).toMatchObject({ why: 'late' })

  const session = new AbortController()
  const dialling = gateway.dial(5432, session.signal)
  session.abort()
  await expect(dialling).rejects.toMatchObject({ code: 'client/gone' })
})

test('a ticket is late after its time although the dial still waits', async () => {
  await using gateway = await TestGateway.start({ ticketMs: 10, openMs: 1_000, attempts: 1 })
  await using agent = await RawAgent.start(gateway)
  const dialling = gateway.dial(5432)
  dialling.catch(() => {})
  const { value: dial } = await agent.told('dial')
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect((await agent.carry({ kind: 'ticket', ticket: dial.ticket }).ended).code).toBe(status.UNAUTHENTICATED)
  expect(await gateway.saw('ticket-misused')).toMatchObject({ why: 'late' })
  await expect(dialling).rejects.toMatchObject({ code: 'gateway/agent-lost' })
})

test.for([
  ['data before a ticket', [Buffer.from('select 1')], 'missing'],
  ['a FIN before a ticket', [{ kind: 'fin' }], 'missing'],
  ['a ticket of the wrong size', [{ kind: 'ticket', ticket: Buffer.alloc(15) }], 'missing'],
  ['a ticket that was never issued', [{ kind: 'ticket', ticket: Buffer.alloc(16) }], 'unknown'],
] as const)('%s ends the call and is reported', async ([, frames, why]) => {
  await using gateway = await TestGateway.start()
  await using agent = await RawAgent.start(gateway)
  expect((await agent.carry(...frames).ended).code).toBe(status.UNAUTHENTICATED)
  expect(await gateway.saw('ticket-misused')).toMatchObject({ why })
})

test('a call that says nothing is ended', async () => {
  await using gateway = await TestGateway.start({ firstMessageMs: 30 })
  await using agent = await RawAgent.start(gateway)
  expect((await agent.carry().ended).code).toBe(status.UNAUTHENTICATED)
  expect(await gateway.saw('ticket-misused')).toMatchObject({ why: 'missing' })
})

test('an agent that goes on sending after it was refused is not read', async () => {
  await using gateway = await TestGateway.start()
  await using agent = await RawAgent.start(gateway)
  const { call, ended } = agent.carry(Buffer.alloc(32_768))
  let sent = 0
  const timer = setInterval(() => {
    for (let i = 0; i < 16 && !call.destroyed; i++)
      if (call.write(messageOf(Buffer.alloc(32_768)))) sent += 32_768
  }, 1)
  expect((await ended).code).toBe(status.UNAUTHENTICATED)
  clearInterval(timer)
  expect(sent).toBeLessThan(32 * 1024 * 1024)
  await gateway.saw('ticket-misused')
})

test('a second ticket, data after FIN and a second FIN are resets', async () => {
  await using gateway = await TestGateway.start()
  for (const wrong of [
    { kind: 'ticket', ticket: Buffer.alloc(16) },
    Buffer.from('more'),
    { kind: 'fin' },
  ] as const) {
    await using agent = await RawAgent.start(gateway)
    const dialling = gateway.dial(5432)
    const { value: dial } = await agent.told('dial')
    agent.carry({ kind: 'ticket', ticket: dial.ticket }, { kind: 'fin' }, wrong)
    const stream = await dialling
    const errors: Error[] = []
    stream.on('error', (error) => errors.push(error)).resume()
    await until(() => errors.length === 1, 'the reset')
    expect(errors).toMatchObject([{ code: 'gateway/agent-lost' }])
  }
})

test('a call that ends without FIN is a reset, however politely it ends', async () => {
  await using gateway = await TestGateway.start()
  await using agent = await RawAgent.start(gateway)
  const dialling = gateway.dial(5432)
  const { value: dial } = await agent.told('dial')
  agent.carry({ kind: 'ticket', ticket: dial.ticket }, Buffer.from('half a res')).call.end()
  await expect(everything(await dialling)).rejects.toMatchObject({ code: 'gateway/agent-lost' })
})

test('a frame that is larger than the limit ends its call alone', async () => {
  await using gateway = await TestGateway.start()
  await using target = await Target.echo()
  await using agent = await RawAgent.start(gateway, 'raw')
  await using _honest = await TestAgent.start(gateway)
  expect((await agent.carry(Buffer.alloc(200_000), Buffer.alloc(250_000)).ended).code).toBe(
    status.UNAUTHENTICATED,
  )
  const stream = await gateway.dial(target.port)
  stream.end('unharmed')
  expect(String(await everything(stream))).toBe('unharmed')
})

test.for(['stream-opened', 'stream-closed', 'ticket-misused'] as const)(
  'a handler that fails at %s ends that connection alone',
  async (kind) => {
    await using gateway = await TestGateway.start()
    await using agent = await RawAgent.start(gateway)
    const broken = new Error('a handler that fails')
    gateway.events.push = (event) => {
      if (event.kind === kind) throw broken
      return Array.prototype.push.call(gateway.events, event)
    }
    const dialling = gateway.dial(5432).then(everything)
    dialling.catch(() => {})
    const { value: dial } = await agent.told('dial')
    const carried = agent.carry({ kind: 'ticket', ticket: dial.ticket }, { kind: 'fin' })
    await Promise.allSettled([dialling])
    carried.call.cancel()
    agent.carry({ kind: 'ticket', ticket: dial.ticket })
    expect(await gateway.saw('agent-failed')).toMatchObject({ cause: broken })
    expect(gateway.server.attached()).toHaveLength(1)
  },
)
