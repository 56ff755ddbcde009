import { once } from 'node:events'
import { connect } from 'node:net'
import { createClient } from '@sallyport/api'
import { Fault } from '@sallyport/core'
import { fingerprint, parseKeyText } from '@sallyport/openssh'
import { expect, test } from 'vitest'
import { CannotStart } from '../cannot-start.ts'
import { runGateway } from '../main.ts'
import { startGateway } from './start.ts'
import { welcome } from './welcome.ts'
import {
  failure,
  Page,
  password,
  startWorld,
  temporaryDirectory,
  testConfig,
  toyKind,
} from '../testing/world.ts'

test('once ended, listens on no port and leaves nothing running', async () => {
  const world = await startWorld()
  const ports = world.gateway.addresses.map(({ port }) => port)
  expect(ports).toHaveLength(4)
  await world.client().gateway.version()
  await world[Symbol.asyncDispose]()
  for (const port of ports) {
    await expect(once(connect(port, '127.0.0.1'), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  }
})

test('guessing is slowed down', async () => {
  await using world = await startWorld('limits:\n  signInsPerMinute: 3\n')
  const guess = () => failure(world.client().login.withPassword({ name: 'root', password: 'guess' }))
  const answers = [await guess(), await guess(), await guess(), await guess()]
  expect(answers.map((it) => it?.code)).toEqual([
    'unauthenticated',
    'unauthenticated',
    'unauthenticated',
    'throttled',
  ])
})

test('a port that is taken is named, with its key and its holder, and nothing is left running', async () => {
  await using first = await startWorld()
  await using directory = await temporaryDirectory()
  for (const name of ['api', 'agents', 'metrics', 'toy']) {
    const port = first.portOf(name)
    const config = { ...testConfig(directory.path) }
    const taken = { ...config, listen: { ...config.listen, [name]: { host: '127.0.0.1', port } } }
    const error = await startGateway(taken, { environment: {}, output: new Page(), kinds: [toyKind] }).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(CannotStart)
    expect(error).toMatchObject({
      exitCode: 3,
      message: expect.stringContaining(`port ${port}, wanted for listen.${name}, is taken`),
    })
  }
})

test('a second gateway on the same data is refused in words', async () => {
  await using first = await startWorld()
  const error = await startGateway(testConfig(first.directory), {
    environment: {},
    output: new Page(),
    kinds: [toyKind],
  }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ exitCode: 4, message: expect.stringContaining('in use by another process') })
})

test('a wrong master key is refused in words', async () => {
  await using directory = await temporaryDirectory()
  const options = { output: new Page(), kinds: [toyKind] }
  const config = testConfig(directory.path, 'masterKey: env:KEY\n')
  await using _first = await startGateway(config, { ...options, environment: { KEY: 'ab'.repeat(32) } })
  await _first[Symbol.asyncDispose]()
  for (const KEY of ['cd'.repeat(32), 'too short']) {
    const error = await startGateway(config, { ...options, environment: { KEY } }).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ exitCode: 5 })
    expect(String(error)).not.toContain(KEY)
  }
})

test('welcomes with the set-up link until somebody is set up, and keeps its authority', async () => {
  await using directory = await temporaryDirectory()
  const start = () =>
    startGateway(testConfig(directory.path), { environment: {}, output: new Page(), kinds: [toyKind] })
  let known = ''
  {
    await using gateway = await start()
    known = gateway.authority?.fingerprint ?? ''
    expect(welcome(gateway)).toContain(gateway.setupUrl)
    expect(welcome(gateway)).toContain(known)
    const client = createClient({ baseUrl: gateway.baseUrl, fingerprint: known })
    await client.setup.consume({
      code: new URL(gateway.setupUrl ?? '').hash.slice(1),
      name: 'root',
      password,
    })
  }
  await using again = await start()
  expect(again.setupUrl).toBeUndefined()
  expect(again.authority?.fingerprint).toBe(known)
  expect(welcome(again)).not.toContain('setup')
})

test('keeps the SSH authority that targets trust, and shows anybody its public half', async () => {
  await using directory = await temporaryDirectory()
  const lines = []
  for (let start = 0; start < 2; start++) {
    await using gateway = await startGateway(testConfig(directory.path), {
      environment: {},
      output: new Page(),
      kinds: [toyKind],
    })
    const client = createClient({
      baseUrl: gateway.baseUrl,
      fingerprint: gateway.authority?.fingerprint ?? '',
    })
    const { targets } = await client.gateway.sshAuthorities()
    const { key, comment } = parseKeyText(targets.publicKey)
    expect(comment).toBe('sallyport: targets')
    expect(targets.fingerprint).toBe(fingerprint(key.blob))
    lines.push(targets.publicKey)
  }
  expect(lines[1]).toBe(lines[0])
})

test('runs until told to stop, and drains', async () => {
  await using directory = await temporaryDirectory()
  const stop = new AbortController()
  const log = new Page()
  const notices = new Page()
  await runGateway(testConfig(directory.path), stop.signal, {
    environment: {},
    output: log,
    notices,
    kinds: [toyKind],
    onReady: () => stop.abort(new Fault('gateway/draining', 'stop')),
  })
  expect(notices.text).toContain('is ready')
  expect(log.text).toContain('stopping')
  expect(log.text).toContain('"msg":"ended"')
})

test('another master key takes over in one start, and the last one opens nothing from then on', async () => {
  await using directory = await temporaryDirectory()
  const environment = { OLD: 'ab'.repeat(32), NEW: 'cd'.repeat(32) }
  const start = async (keys: string) => {
    const config = testConfig(directory.path, keys)
    return startGateway(config, { environment, output: new Page(), kinds: [toyKind] })
  }
  const authorityOf = async (keys: string): Promise<string | undefined> => {
    await using gateway = await start(keys)
    return gateway.authority?.fingerprint
  }
  const before = await authorityOf('masterKey: env:OLD\n')
  expect(before).toBeDefined()
  const refused = await start('masterKey: env:NEW\n').catch((error: unknown) => error)
  expect(refused).toMatchObject({ exitCode: 5, next: expect.stringContaining('previousMasterKey') as string })
  expect(await authorityOf('masterKey: env:NEW\npreviousMasterKey: env:OLD\n')).toBe(before)
  expect(await authorityOf('masterKey: env:NEW\npreviousMasterKey: env:OLD\n')).toBe(before)
  expect(await authorityOf('masterKey: env:NEW\n')).toBe(before)
  expect(await start('masterKey: env:OLD\n').catch((error: unknown) => error)).toMatchObject({ exitCode: 5 })
  const missing = await start('masterKey: env:NEW\npreviousMasterKey: file:/nowhere/key\n').catch(
    (error: unknown) => error,
  )
  expect(missing).toMatchObject({
    exitCode: 5,
    message: expect.stringContaining('previous master key') as string,
  })
})
