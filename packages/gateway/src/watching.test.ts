import type { Client, DocumentInput, RecordedLine } from '@sallyport/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ToyClient } from './testing/toy-client.ts'
import { failure, password, setUp, startWorld, type World } from './testing/world.ts'

const rules = `
  @id("staff") permit (principal in Group::"staff", action in [Action::"connect", Action::"read"], resource);
  @id("changes") @watched("security") permit (principal in Group::"staff", action == Action::"update", resource);
  @id("watch") permit (principal in Group::"security", action == Action::"replay", resource);`
const documents: DocumentInput[] = [
  {
    kind: 'Resource',
    name: 'shop',
    protocol: 'toy',
    host: 'shop.internal',
    agent: 'dc1',
    accounts: [{ name: 'app', credential: { from: 'none' } }],
  },
  { kind: 'Policy', name: 'shop', text: rules },
]

interface Person {
  readonly token: string
  readonly api: Client
}

/** Somebody's look at a live session. */
class Looking implements AsyncDisposable {
  readonly #api: Client
  readonly #id: string
  readonly #stop = new AbortController()
  readonly #lines: AsyncIterator<RecordedLine>

  constructor(api: Client, id: string) {
    this.#api = api
    this.#id = id
    this.#lines = api.sessions.watch({ id }, { signal: this.#stop.signal })[Symbol.asyncIterator]()
  }

  /** The next line of this kind. */
  async next(kind: string): Promise<RecordedLine> {
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done === true) throw new Error(`it is over, and there was no ${kind}`)
      if (value.kind === kind) return value
      if (value.kind === 'watching-ended') throw new Error(`it is over: ${String(value['reason'])}`)
    }
  }

  stillThere(watch: RecordedLine): Promise<void> {
    return this.#api.sessions.stillWatching({ id: this.#id, watch: String(watch['watch']) })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#lines.next().catch(() => undefined)
  }
}

describe('a live session', () => {
  let world: World
  let root: Client
  let alice: Person
  let sven: Person
  beforeAll(async () => {
    world = await startWorld('drainMs: 200\n')
    root = await setUp(world)
    await root.apply.documents({ documents })
    alice = await person('alice', 'staff', 'security')
    sven = await person('sven', 'security')
  })
  afterAll(() => world[Symbol.asyncDispose]())

  async function person(name: string, ...groups: string[]): Promise<Person> {
    const { setupLink } = await root.users.create({ name, groups })
    const code = new URL(setupLink.url).hash.slice(1)
    const { token } = await world.client().setup.consume({ code, name, password })
    return { token, api: world.client(token) }
  }

  async function begin(): Promise<{ client: ToyClient; id: string }> {
    const client = new ToyClient(world.portOf('toy'))
    expect(await client.logIn(alice.token, 'shop')).toBe('ok')
    return { client, id: (await alice.api.sessions.list({ live: true })).items[0]?.id ?? '' }
  }

  test('is watched as it goes, to its end, and that is audited and recorded', async () => {
    const { client, id } = await begin()
    await using looking = new Looking(sven.api, id)
    const watch = await looking.next('watching')
    await looking.stillThere(watch)
    expect(await client.ask('read the orders')).toBe('ok')
    expect(await looking.next('operation')).toMatchObject({ sequence: 3, text: 'read the orders' })
    expect(await looking.next('result')).toMatchObject({ sequence: 4 })
    client[Symbol.dispose]()
    expect(await looking.next('closed')).toMatchObject({ reason: 'client-left' })
    expect(await looking.next('watching-ended')).toMatchObject({ reason: 'the session has ended' })
    const audited = JSON.stringify(await root.audit.list({}))
    expect(audited).toContain(`session ${id} watched`)
    const audit = async () => JSON.stringify(await root.audit.list({}))
    await expect.poll(audit).toContain(`session ${id} not watched any more`)
    const kinds: string[] = []
    for await (const { kind } of sven.api.sessions.events({ id })) kinds.push(kind)
    expect(kinds).toEqual(['opened', 'watcher', 'operation', 'result', 'closed'])
    expect((await failure(new Looking(sven.api, id).next('watching')))?.code).toBe('conflict')
  })

  test('is watched by nobody who may not replay it', async () => {
    const eve = await person('eve')
    using client = (await begin()).client
    const [live] = (await alice.api.sessions.list({ live: true })).items
    expect((await failure(new Looking(eve.api, live?.id ?? '').next('watching')))?.code).toBe('not-found')
    expect(await client.ask('read on')).toBe('ok')
  })

  test('has an operation wait for somebody else to watch, and each further one once they are gone', async () => {
    const { client, id } = await begin()
    using _client = client
    client.say('update the orders')
    expect(await client.hear()).toBe(
      `waiting for somebody of security to watch: sallyport sessions watch ${id}, within 15 min`,
    )
    await using own = new Looking(alice.api, id)
    await own.next('watching')
    expect(await client.hear()).toContain('waiting for somebody of security')
    {
      await using looking = new Looking(sven.api, id)
      await looking.next('watching')
      expect(await client.hear()).toBe('ok')
      expect(await client.ask('update more')).toBe('ok')
    }
    while ((await own.next('watcher'))['state'] !== 'left');
    client.say('update again')
    expect(await client.hear()).toContain('waiting for somebody of security')
  })

  test('is not watched any more by who was taken the right, or signs out', async () => {
    const { client, id } = await begin()
    using _client = client
    await using looking = new Looking(sven.api, id)
    await looking.next('watching')
    const without = rules.replace('Action::"replay"', 'Action::"review"')
    await root.apply.documents({ documents: [{ kind: 'Policy', name: 'shop', text: without }] })
    expect(await looking.next('watching-ended')).toMatchObject({ reason: 'you may not watch it any more' })
    await root.apply.documents({ documents: [{ kind: 'Policy', name: 'shop', text: rules }] })

    await using again = new Looking(sven.api, id)
    await again.next('watching')
    await root.users.setGroups({ name: 'sven', groups: [] })
    expect(await again.next('watching-ended')).toMatchObject({
      reason: 'your access has changed: watch it again',
    })
  })
})
