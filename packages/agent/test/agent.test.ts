import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import {
  formatJoinToken,
  listenForAgents,
  newJoinSecret,
  type AgentServer,
  type TunnelEvent,
} from '@sallyport/tunnel'
import { MemoryDirectory, testAuthority, type TestAuthority } from '@sallyport/tunnel/testing'
import { expect, test } from 'vitest'
import { agentCommand, type AgentFlags } from '../src/index.ts'

/** A gateway's end, and a folder for an agent's state. */
class World implements AsyncDisposable {
  readonly server: AgentServer
  readonly authority: TestAuthority
  readonly directory: MemoryDirectory
  readonly events: TunnelEvent[]
  readonly state = mkdtempSync(join(tmpdir(), 'sallyport-agent-'))

  private constructor(
    server: AgentServer,
    authority: TestAuthority,
    directory: MemoryDirectory,
    events: TunnelEvent[],
  ) {
    this.server = server
    this.authority = authority
    this.directory = directory
    this.events = events
  }

  static async start(agentLifetimeMs?: number): Promise<World> {
    const authority = await testAuthority(agentLifetimeMs)
    const directory = new MemoryDirectory()
    const events: TunnelEvent[] = []
    const certificate = await authority.server()
    const onEvent = (event: TunnelEvent): void => void events.push(event)
    const server = await listenForAgents({
      listen: { host: '127.0.0.1', port: 0 },
      certificate,
      authority,
      directory,
      onEvent,
    })
    return new World(server, authority, directory, events)
  }

  get flags(): AgentFlags {
    return {
      gateways: [`127.0.0.1:${this.server.port}`],
      stateDirectory: this.state,
      name: 'host-1',
      drainMs: 0,
    }
  }

  token(): string {
    const secret = newJoinSecret()
    this.directory.addJoinToken(secret, 'shop')
    return formatJoinToken({ secret, authorityFingerprint: this.authority.fingerprint }).reveal()
  }

  async saw(kind: TunnelEvent['kind'], count = 1): Promise<void> {
    for (
      const endsAtMs = performance.now() + 8_000;
      this.events.filter((it) => it.kind === kind).length < count;
    ) {
      if (performance.now() > endsAtMs)
        throw new Error(`waited in vain for ${kind}, saw ${JSON.stringify(this.events)}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
    rmSync(this.state, { recursive: true, force: true })
  }
}

/** The command within this process. */
class Running implements AsyncDisposable {
  readonly exitCode: Promise<number>
  readonly errors = new PassThrough()
  readonly log: Promise<string>
  readonly #output = new PassThrough()
  readonly #signals = new EventEmitter()

  constructor(flags: AgentFlags, environment: Record<string, string> = {}) {
    const { errors } = this
    this.log = text(this.#output)
    this.exitCode = agentCommand({
      flags,
      environment,
      output: this.#output,
      errors,
      signals: this.#signals,
    }).finally(() => {
      errors.end()
      this.#output.end()
    })
  }

  stop(): void {
    this.#signals.emit('SIGTERM')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
    await this.exitCode
  }
}

async function refused(flags: AgentFlags): Promise<{ code: number; words: string }> {
  const running = new Running(flags)
  const words = await text(running.errors)
  return { code: await running.exitCode, words }
}

test('a token enrols an agent once; after that its certificate is enough', async () => {
  await using world = await World.start()
  const token = world.token()
  const first = new Running({ ...world.flags, token })
  await world.saw('agent-attached')
  first.stop()
  expect(await first.exitCode).toBe(0)
  expect(await first.log).not.toContain(token)
  await using _same = new Running({ ...world.flags, token })
  await world.saw('agent-attached', 2)
  expect(world.directory.agents.size).toBe(1)
  expect(world.events.filter(({ kind }) => kind === 'enrolment-refused')).toEqual([])
})

test("an agent's key is its own user's alone", async () => {
  await using world = await World.start()
  {
    await using _agent = new Running({ ...world.flags, token: world.token() })
    await world.saw('agent-attached')
  }
  expect(readdirSync(world.state)).toEqual(['identity.pem'])
  const path = join(world.state, 'identity.pem')
  expect([statSync(path).mode & 0o777, statSync(world.state).mode & 0o777]).toEqual([0o600, 0o700])
  chmodSync(path, 0o644)
  expect(await refused(world.flags)).toEqual({
    code: 4,
    words: expect.stringContaining('may be read by others') as string,
  })
  chmodSync(path, 0o600)
  writeFileSync(path, readFileSync(path, 'utf8').slice(0, 400))
  expect(await refused(world.flags)).toEqual({
    code: 4,
    words: expect.stringContaining('is damaged') as string,
  })
})

test('without a certificate and without a token an agent says what it needs', async () => {
  await using world = await World.start()
  const { code, words } = await refused(world.flags)
  expect(code).toBe(6)
  expect(words).toContain(
    'needs a join token: it has no certificate yet. Give one with --token or --token-file',
  )
})

test('a token that is used up, or for another gateway, is said so', async () => {
  await using world = await World.start()
  await using other = await World.start()
  const secret = newJoinSecret()
  const used = formatJoinToken({ secret, authorityFingerprint: world.authority.fingerprint }).reveal()
  const one = await refused({ ...world.flags, token: used })
  expect(one).toEqual({ code: 6, words: expect.stringContaining('unknown, used up or expired') as string })
  const two = await refused({ ...world.flags, token: other.token() })
  expect(two).toEqual({
    code: 6,
    words: expect.stringContaining('does not show the pinned authority') as string,
  })
})

test('a token for a new gateway replaces what was kept of the old one', async () => {
  await using old = await World.start()
  {
    await using _agent = new Running({ ...old.flags, token: old.token() })
    await old.saw('agent-attached')
  }
  await using fresh = await World.start()
  await using _agent = new Running({ ...fresh.flags, stateDirectory: old.state, token: fresh.token() })
  await fresh.saw('agent-attached')
  expect(fresh.directory.agents.size).toBe(1)
})

test('a token may stand in a file, which may go once it was used', async () => {
  await using world = await World.start()
  const tokenFile = join(world.state, 'token')
  expect((await refused({ ...world.flags, tokenFile })).code).toBe(6)
  writeFileSync(tokenFile, `${world.token()}\n`)
  {
    await using _agent = new Running({ ...world.flags, tokenFile })
    await world.saw('agent-attached')
  }
  rmSync(tokenFile)
  await using _again = new Running({ ...world.flags, tokenFile })
  await world.saw('agent-attached', 2)
})

test('a certificate is renewed while the agent is attached, and the new one is used', async () => {
  // Half of its life is over at once.
  await using world = await World.start(20_000)
  const agent = new Running({ ...world.flags, token: world.token() })
  await world.saw('certificate-renewed')
  await world.saw('agent-attached', 2)
  expect([...world.directory.agents.values()]).toMatchObject([{ keys: { generation: 2 }, isRevoked: false }])
  agent.stop()
  expect(await agent.log).toContain('certificate renewed')
  expect(readdirSync(world.state)).toEqual(['identity.pem'])
  await using _again = new Running(world.flags)
  await world.saw('agent-attached', 3)
})

test('several gateways at once', async () => {
  await using world = await World.start()
  const second = await listenForAgents({
    listen: { host: '127.0.0.1', port: 0 },
    certificate: await world.authority.server(),
    authority: world.authority,
    directory: world.directory,
    onEvent: () => {},
  })
  await using _second = second
  const gateways = [`127.0.0.1:${world.server.port}`, `127.0.0.1:${second.port}`]
  await using _agent = new Running({ ...world.flags, gateways, token: world.token() })
  await world.saw('agent-attached')
  for (
    const endsAtMs = performance.now() + 5_000;
    second.attached().length === 0 && performance.now() < endsAtMs;
  )
    await new Promise((resolve) => setTimeout(resolve, 5))
  expect(second.attached()).toMatchObject([{ name: 'host-1' }])
})

test('what may be dialled, and what is released, is as configured', async () => {
  await using world = await World.start()
  const echo = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const { port } = echo.address() as AddressInfo
  const credentials = [
    { name: 'app', resources: ['orders-db'], user: 'app_ro', password: 'env:APP_PASSWORD' },
  ]
  const flags = { ...world.flags, token: world.token(), allow: [`127.0.0.1:${port}`], credentials }
  const agent = new Running(flags, { APP_PASSWORD: 'hunter2' })
  await world.saw('agent-attached')
  const never = new AbortController().signal
  const request = { pool: 'shop', resource: 'orders-db', session: 'ses_1', host: '127.0.0.1', port }
  const stream = await world.server.dial(request, never)
  stream.end('hello')
  expect(await text(stream)).toBe('hello')
  const elsewhere = world.server.dial({ ...request, port: port === 1 ? 2 : 1 }, never)
  await expect(elsewhere).rejects.toMatchObject({ code: 'gateway/agent-refused' })
  const asked = { pool: 'shop', name: 'app', resource: 'orders-db', session: 'ses_1' }
  const released = await world.server.releaseCredential(asked, never)
  expect(released.password?.reveal()).toBe('hunter2')
  agent.stop()
  expect(await agent.log).not.toContain('hunter2')
  echo.close()
})

test('a process of its own: killed, its connections end at once; told to stop, it leaves', async () => {
  await using world = await World.start()
  const echo = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const { port } = echo.address() as AddressInfo
  const flags = { ...world.flags, allow: [`127.0.0.1:${port}`] }
  const first = spawnAgent({ ...flags, token: world.token() })
  await world.saw('agent-attached')
  const request = { pool: 'shop', resource: 'orders-db', session: 'ses_1', host: '127.0.0.1', port }
  const stream = await world.server.dial(request, new AbortController().signal)
  const lost = once(stream, 'error')
  first.kill('SIGKILL')
  expect(await lost).toMatchObject([{ code: 'gateway/agent-lost' }])
  await world.saw('agent-detached')
  const second = spawnAgent(flags)
  await world.saw('agent-attached', 2)
  second.kill('SIGTERM')
  expect(await once(second, 'exit')).toEqual([0, null])
  expect(world.events.at(-1)).toMatchObject({ kind: 'agent-detached', why: 'left' })
  echo.close()
})

test('bad flags end it with all that is wrong', async () => {
  const { code, words } = await refused({
    gateways: ['a b'],
    name: '/',
    token: randomBytes(8).toString('hex'),
  })
  expect(code).toBe(2)
  expect(words.trim().split('\n')).toHaveLength(3)
})

function spawnAgent(flags: AgentFlags): ChildProcess {
  const given = Object.entries(flags).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  return spawn(process.execPath, [fileURLToPath(new URL('main.ts', import.meta.url)), ...given], {
    stdio: 'ignore',
  })
}
