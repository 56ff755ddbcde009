import { readFile, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { join } from 'node:path'
import { parse as parseYaml, stringify } from 'yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../world/ports.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { startNode, startProcess } from '../world/process.ts'
import { cancelRequest, query } from '../world/raw-messages.ts'
import { fieldsOf, openStream, RawPostgres, type RawFrame } from '../world/raw-postgres.ts'
import { soon } from '../world/soon.ts'
import {
  declarePostgres,
  startSallyport,
  unrestricted,
  type Person,
  type Sallyport,
} from '../world/sallyport.ts'

const cli = new URL('../../packages/cli/src/main.ts', import.meta.url).pathname

const developers = `
@id("read")
permit (principal in Group::"developers", action in [Action::"connect", Action::"read", Action::"session", Action::"transaction"], resource);
@id("write-by-review") @review("dba") @within("15m")
permit (principal in Group::"developers", action in Action::"write", resource);
`

/** A client, with the session and the process that it is in. */
interface Seated extends AsyncDisposable {
  readonly client: RawPostgres
  readonly session: string
  readonly process: number
}

describe('a gateway of two processes', () => {
  let server: Postgres
  let sallyport: Sallyport
  let alice: Person
  let bob: Person
  let carol: Person
  const sessions = new Set<string>()

  beforeAll(async () => {
    server = await startPostgres({ databases: ['shop'] })
    await server.query('create table orders (id int, status text)', 'shop')
    await server.query("insert into orders select i, 'new' from generate_series(1, 100) i", 'shop')
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`], processes: 2 })
    await declarePostgres(sallyport, server)
    await sallyport.apply(unrestricted, { kind: 'Policy', name: 'developers', text: developers })
    alice = await sallyport.person('alice', ['developers'])
    bob = await sallyport.person('bob', ['dba'])
    carol = await sallyport.person('carol', ['unrestricted'])
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  const logged = (message: string): Record<string, unknown>[] =>
    sallyport.gateway.output
      .split('\n')
      .filter((line) => line.startsWith('{') && line.includes(`"msg":"${message}"`))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  const pidOf = (process: number) =>
    Number(logged('a process of the gateway serves').findLast(({ number }) => number === process)!['pid'])

  /** One at a time, so that it is known whose session the log speaks of. */
  async function connect(person = alice): Promise<Seated> {
    const before = logged('session-opened').length
    const client = await RawPostgres.connect(sallyport.endpoint(person, 'orders-db', 'shop'))
    const opened = await soon(() => logged('session-opened')[before])
    const session = String(opened['session'])
    sessions.add(session)
    return {
      client,
      session,
      process: Number(opened['process']),
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    }
  }

  async function connectIn(process: number, person = alice): Promise<Seated> {
    return await soon(async () => {
      const seated = await connect(person).catch(() => undefined)
      if (seated === undefined || seated.process === process) return seated
      await seated[Symbol.asyncDispose]()
      return undefined
    })
  }

  async function answered(client: RawPostgres, text: string): Promise<string[]> {
    client.send(query(text))
    return (await client.untilReady()).map(({ tag }) => tag)
  }

  const codeOf = (frames: readonly RawFrame[]) => fieldsOf(frames.findLast(({ tag }) => tag === 'E')!)['C']

  async function isRunning(text: string): Promise<void> {
    const found = `select 1 from pg_stat_activity where query = '${text}' and state = 'active'`
    await soon(async () => ((await server.query(found, 'shop')).length > 0 ? true : undefined))
  }

  async function numberOf(metric: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${sallyport.ports.metrics}/metrics`)).text()
    const lines = text.split('\n').filter((line) => line.startsWith(metric))
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  test('spreads its sessions over both, lists them in one place, and sums their numbers up', async () => {
    // Agents come to one after the other, and clients go where agents are.
    for (const process of [1, 2]) await (await connectIn(process))[Symbol.asyncDispose]()
    await soon(async () => ((await numberOf('sallyport_sessions_live')) === 0 ? true : undefined))
    const opened = await numberOf('sallyport_sessions_opened_total')
    const seated = [await connect(), await connect(), await connect(), await connect()]
    expect(seated.map(({ process }) => process).toSorted((a, b) => a - b)).toEqual([1, 1, 2, 2])
    for (const { client } of seated) expect(await answered(client, 'select 1')).toEqual(['T', 'D', 'C', 'Z'])
    const { client } = sallyport.admin
    const live = (await client.sessions.list({ live: true, limit: 50 })).items.map(({ id }) => id)
    expect(live.toSorted()).toEqual(seated.map(({ session }) => session).toSorted())
    expect(await client.gateway.status({})).toMatchObject({ liveSessions: 4, agentsAttached: 1 })
    expect(await numberOf('sallyport_sessions_live')).toBe(4)
    expect(await numberOf('sallyport_sessions_opened_total')).toBe(opened + 4)
    expect(await numberOf('sallyport_agents_attached')).toBe(1)
    expect(await numberOf('sallyport_build_info')).toBe(3)
    const { checks } = await client.gateway.doctor({})
    for (const name of ['processes', 'target of orders-db'])
      expect(checks).toContainEqual(expect.objectContaining({ name, state: 'good' }))

    const texts: unknown[] = []
    for await (const event of client.sessions.events({ id: seated[0]!.session })) texts.push(event['text'])
    expect(texts).toContain('select 1')
    for (const one of seated) await one[Symbol.asyncDispose]()
  })

  test('cancels a query whichever process the cancel arrives at', async () => {
    for (const process of [1, 2]) {
      await using seated = await connectIn(process, carol)
      const text = `select pg_sleep(30 + ${process})`
      seated.client.send(query(text))
      await isRunning(text)
      const stream = await openStream(sallyport.endpoint(alice, 'orders-db', 'shop'))
      stream.resume().end(cancelRequest(seated.client.cancelKey))
      await once(stream, 'close')
      expect(codeOf(await seated.client.untilReady())).toBe('57014')
    }
  })

  test('kills a session in either, with words to its client', async () => {
    for (const process of [1, 2]) {
      await using seated = await connectIn(process)
      const kill = () => sallyport.admin.client.sessions.kill({ id: seated.session, reason: 'enough' })
      await kill()
      const said = await seated.client.untilOver()
      expect(fieldsOf(said.find(({ tag }) => tag === 'E')!)['M']).toMatch(/ended by root: enough/)
      await expect(kill()).rejects.toMatchObject({ status: 409 })
    }
  })

  test('runs what was held in either, once it is approved', async () => {
    for (const process of [1, 2]) {
      await using seated = await connectIn(process)
      seated.client.send(query(`update orders set status = 'sent' where id = ${process}`))
      const review = await soon(async () => (await bob.client.reviews.list({ state: 'open' })).items[0])
      await bob.client.reviews.approve({ id: review.id })
      const tags = (await seated.client.untilReady()).map(({ tag }) => tag).filter((tag) => tag !== 'N')
      expect(tags).toEqual(['C', 'Z'])
    }
    expect(await server.query("select id from orders where status = 'sent'", 'shop')).toHaveLength(2)
  })

  test('ends the sessions of a revoked token in both before the revocation is answered', async () => {
    const minted = await alice.client.tokens.create({ label: 'short' })
    const person = { ...alice, token: minted.token }
    const seated = [await connectIn(1, person), await connectIn(2, person)]
    await alice.client.tokens.revoke({ id: minted.id })
    for (const { client } of seated) expect(codeOf(await client.untilOver())).toMatch(/^(28000|57P01|42501)$/)
    for (let i = 0; i < 4; i++) await expect(connect(person)).rejects.toThrow(/^28/)
  })

  test('judges sessions in both by another policy as soon as it is applied', async () => {
    const seated = [await connectIn(1), await connectIn(2)]
    const noRead = {
      kind: 'Policy',
      name: 'developers',
      text: developers.replace('Action::"read", ', ''),
    } as const
    await sallyport.apply(noRead)
    for (const { client } of seated) {
      client.send(query('select 1 from orders'))
      expect(codeOf(await client.untilReady())).toBe('42501')
    }
    await sallyport.apply({ kind: 'Policy', name: 'developers', text: '' })
    for (const { client } of seated) expect(codeOf(await client.untilOver())).toBeDefined()
    await sallyport.apply({ kind: 'Policy', name: 'developers', text: developers })
  })

  test('loses one that is killed, and nothing else: its sessions are sealed, and another takes its place', async () => {
    const killed = await connectIn(2)
    await using held = await connectIn(2)
    await using staying = await connectIn(1)
    expect(await answered(killed.client, 'select 4711')).toEqual(['T', 'D', 'C', 'Z'])
    held.client.send(query("update orders set status = 'lost' where id = 3"))
    const review = await soon(async () => (await bob.client.reviews.list({ state: 'open' })).items[0])
    const opened = await numberOf('sallyport_sessions_opened_total')

    let isOver = false
    const working = (async () => {
      let rounds = 0
      for (; !isOver; rounds++)
        expect(await answered(staying.client, 'select id from orders')).toHaveLength(103)
      return rounds
    })()
    process.kill(pidOf(2), 'SIGKILL')
    await killed.client.untilOver()
    await sallyport.gateway.line(/a process of the gateway has died/)
    // From here on nobody is turned away, and soon one is in the new process.
    let newcomer = await connect()
    for (const endMs = performance.now() + 30_000; newcomer.process !== 2 && performance.now() < endMs;) {
      await newcomer[Symbol.asyncDispose]()
      newcomer = await connect()
    }
    await using again = newcomer
    expect(again.process).toBe(2)
    expect(await answered(again.client, 'select 1')).toEqual(['T', 'D', 'C', 'Z'])
    isOver = true
    expect(await working).toBeGreaterThan(1)

    const { client } = sallyport.admin
    expect(await client.sessions.get({ id: killed.session })).toMatchObject({
      live: false,
      reason: 'interrupted',
    })
    expect(await client.sessions.verify({ id: killed.session })).toMatchObject({ state: 'interrupted' })
    const texts: unknown[] = []
    for await (const event of client.sessions.events({ id: killed.session })) texts.push(event['text'])
    expect(texts).toContain('select 4711')
    expect(await client.reviews.get({ id: review.id })).toMatchObject({ state: 'withdrawn' })
    expect(await client.sessions.get({ id: staying.session })).toMatchObject({ live: true })
    expect(await numberOf('sallyport_sessions_opened_total')).toBeGreaterThan(opened)
    expect(await server.query("select id from orders where status = 'lost'", 'shop')).toEqual([])
  })

  test('answers a revocation only when it holds, even where a process hangs: that one is killed for it', async () => {
    const minted = await alice.client.tokens.create({ label: 'short' })
    const hanging = await connectIn(2, { ...alice, token: minted.token })
    const pid = pidOf(2)
    process.kill(pid, 'SIGSTOP')
    await alice.client.tokens.revoke({ id: minted.id })
    expect(isAlive(pid)).toBe(false)
    await hanging.client.untilOver()
    await using again = await connectIn(2)
    expect(await answered(again.client, 'select 1')).toEqual(['T', 'D', 'C', 'Z'])
  })

  test('has an agent that was away back in both', async () => {
    await sallyport.agent.stop()
    await expect(connect()).rejects.toThrow(/no agent/)
    await sallyport.startAgent()
    for (const process of [1, 2]) await (await connectIn(process))[Symbol.asyncDispose]()
  })

  test('keeps every other gateway off its data, of one process or of several', async () => {
    const start = async (processes: number): Promise<void> => {
      const config = parseYaml(await readFile(join(sallyport.directory, 'gateway.yaml'), 'utf8')) as object
      const file = join(sallyport.directory, `second-${processes}.yaml`)
      const listen = {
        api: await freePort(),
        agents: await freePort(),
        metrics: 'off',
        postgres: await freePort(),
        ssh: await freePort(),
      }
      await writeFile(file, stringify({ ...config, listen, processes }))
      const second = await startNode(cli, ['gateway', '--config', file], { directory: sallyport.directory })
      expect(await second.exited).toMatchObject({ code: 4 })
      expect(second.output).toContain('in use by another process')
    }
    await Promise.all([start(1), start(2)])
  })

  async function restart(processes: number): Promise<void> {
    const exit = await sallyport.gateway.stop()
    expect(exit.code).toBe(0)
    await startWith(processes)
  }

  async function startWith(processes: number): Promise<void> {
    await configured(processes)
    await sallyport.startGateway()
  }

  async function configured(processes: number): Promise<void> {
    const file = join(sallyport.directory, 'gateway.yaml')
    const config = parseYaml(await readFile(file, 'utf8')) as object
    await writeFile(file, stringify({ ...config, processes }))
  }

  test('keeps all recordings readable and sound when it becomes one process, and then three', async () => {
    const { client } = sallyport.admin
    const states = async () => {
      const found = new Map<string, string>()
      for (const id of sessions) found.set(id, (await client.sessions.verify({ id })).state)
      return found
    }
    const before = await soon(async () =>
      (await client.gateway.status({})).liveSessions === 0 ? await states() : undefined,
    )
    expect(new Set(before.values())).toEqual(new Set(['sound', 'interrupted']))
    await restart(1)
    expect(await states()).toEqual(before)
    const alone = await soon(() =>
      RawPostgres.connect(sallyport.endpoint(alice, 'orders-db', 'shop')).catch(() => undefined),
    )
    await alone[Symbol.asyncDispose]()
    await restart(3)
    expect(await states()).toEqual(before)
    for (const process of [1, 2, 3]) await (await connectIn(process))[Symbol.asyncDispose]()
  }, 240_000)

  test('ends whole when its control process is killed, and comes back', async () => {
    await sallyport.gateway.stop()
    await configured(2)
    // Under a shell that lives on, so that nobody but they themselves ends its processes.
    const shell = await startProcess(
      '/bin/sh',
      [
        '-c',
        `"$0" "$@" & echo "control $!"; sleep 120`,
        process.execPath,
        cli,
        'gateway',
        '--config',
        'gateway.yaml',
      ],
      { directory: sallyport.directory },
    )
    try {
      sallyport.gateway = shell
      const [, control] = await shell.line(/^control (\d+)$/)
      await shell.line(/is ready/, 60_000)
      await using seated = await connectIn(1)
      const pids = [pidOf(1), pidOf(2)]
      process.kill(Number(control), 'SIGKILL')
      expect(codeOf(await seated.client.untilOver())).toBe('57P01')
      await soon(() => (pids.every((pid) => !isAlive(pid)) ? true : undefined), 10_000)
      const { session } = seated
      await shell.kill()
      await sallyport.startGateway()
      const { client } = sallyport.admin
      expect(await client.sessions.get({ id: session })).toMatchObject({ live: false })
      expect((await client.sessions.verify({ id: session })).state).toMatch(/^(sound|interrupted)$/)
      await (await connectIn(2))[Symbol.asyncDispose]()
    } finally {
      await shell.kill()
    }
  }, 240_000)

  test('lets nobody guess more often than one process would', async () => {
    const guess = { ...alice, token: `${alice.token.slice(0, -6)}AAAAAA` }
    const answers: string[] = []
    const startedMs = performance.now()
    for (let i = 0; i < 70; i++)
      answers.push(
        await RawPostgres.connect(sallyport.endpoint(guess, 'orders-db', 'shop')).then(
          () => 'let in',
          ({ message }: Error) =>
            /too many failed/.test(message) ? 'throttled' : message.startsWith('28') ? 'refused' : message,
        ),
      )
    const refused = answers.filter((answer) => answer === 'refused').length
    expect(new Set(answers)).toEqual(new Set(['refused', 'throttled']))
    // Thirty, and one more for each two seconds that this took.
    expect(refused).toBeGreaterThanOrEqual(30)
    expect(refused).toBeLessThanOrEqual(31 + (performance.now() - startedMs) / 2000)
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
