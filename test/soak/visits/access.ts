import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { cstring, password, query, startup } from '../../world/raw-messages.ts'
import { RawPostgres } from '../../world/raw-postgres.ts'
import { ask, clientPatienceMs, codeOf, connect } from './raw.ts'
import { expectThat, pick, type Visit } from './visit.ts'

/** From an address of its own, so that nobody else is throttled for it. On this machine, and so without TLS. */
const guessers: Visit = {
  name: 'failed log-ins',
  everyMs: 1500,
  atOnce: 3,
  async run({ ground, random }) {
    const { port, user, database } = ground.endpoint('worker')
    const localAddress = `127.0.0.${2 + Math.floor(random() * 50)}`
    const socket = connectTcp({ host: '127.0.0.1', port, localAddress })
    await once(socket, 'connect')
    const client = new RawPostgres(socket, clientPatienceMs)
    client.send(startup({ user, database }))
    await client.until(({ tag }) => tag === 'R')
    client.send(password(cstring(`sp_guess-${random()}`)))
    const code = codeOf(await client.untilOver())
    expectThat(code === '28P01' || code === '53300', 'a refused log-in', code)
  },
}

/** Ended by an administrator while it works, is idle, or waits. */
const killed: Visit = {
  name: 'kills',
  everyMs: 5000,
  atOnce: 2,
  async run(visitor) {
    const { ground, random } = visitor
    await using client = await connect(visitor, 'worker')
    const mark = `killed-${Math.floor(random() * 1e9)}`
    await ask(client, `select '${mark}'`)
    const id = await sessionOf(client)
    if (random() < 0.5) client.send(query('select pg_sleep(20)'))
    await ground.person('admin').client.sessions.kill({ id, reason: mark })
    const code = codeOf(await client.untilOver())
    expectThat(code === '57P01', 'the end of a killed session', code)
  },
}

/** The gateway says the session's id in the detail of its errors. */
async function sessionOf(client: RawPostgres): Promise<string> {
  client.send(query("copy (select 1) to program 'cat'"))
  const frames = await client.untilReady()
  const error = frames.find(({ tag }) => tag === 'E')
  const id = /ses_[0-9A-Za-z]+/.exec(error?.body.toString() ?? '')?.[0]
  if (id === undefined) throw new Error('an error of the gateway names its session')
  return id
}

const revoked: Visit = {
  name: 'token revocations',
  everyMs: 6000,
  atOnce: 2,
  async run(visitor) {
    const { client: api } = visitor.ground.person('worker')
    const minted = await api.tokens.create({ label: 'soak', ttlSeconds: 600 })
    await using client = await connect(visitor, 'worker', minted.token)
    await ask(client, 'select 1')
    await api.tokens.revoke({ id: minted.id })
    const code = codeOf(await client.untilOver())
    expectThat(code === '57P01', 'the end of a session whose token was revoked', code)
  },
}

/** Holds an operation until somebody answers, nobody does, or the client takes it back. */
const reviewed: Visit = {
  name: 'reviews',
  everyMs: 2500,
  atOnce: 4,
  async run(visitor) {
    await using client = await connect(visitor, 'careful')
    const id = 1 + Math.floor(visitor.random() * 50)
    const [text, code] = pick<readonly [string, string | undefined]>(visitor.random, [
      [`/* approve */ update orders set shipping_note = 'soak' where id = ${id}`, undefined],
      [`/* deny */ update orders set shipping_note = 'soak' where id = ${id}`, '42501'],
      [`/* nobody */ delete from support_tickets where id = ${id}`, '57014'],
    ])
    client.send(query(text))
    const frames = await client.untilReady()
    expectThat(codeOf(frames) === code, `${code ?? 'no error'} for ${text}`, codeOf(frames))
  },
}

/** Leaves while its operation is held: the review is withdrawn, and nothing runs. */
const leavers: Visit = {
  name: 'leaves while held',
  everyMs: 6000,
  atOnce: 2,
  async run(visitor) {
    const client = await connect(visitor, 'careful')
    client.send(query('/* nobody */ update orders set shipping_note = null where id = 1'))
    await client.until(({ tag }) => tag === 'N')
    client.destroy()
  },
}

/** Who approves and denies, as the words of the statement ask for. */
const reviewer: Visit = {
  name: 'answers of reviewers',
  everyMs: 400,
  atOnce: 1,
  staysToTheEnd: true,
  async run({ ground }) {
    const { client } = ground.person('reviewer')
    for (const { id, text } of (await client.reviews.list({ state: 'open' })).items) {
      const answer = text.startsWith('/* approve */')
        ? client.reviews.approve({ id, comment: 'soak' })
        : text.startsWith('/* deny */')
          ? client.reviews.deny({ id, comment: 'soak' })
          : undefined
      // Its client may have been cut off meanwhile, and it be withdrawn.
      await answer?.catch((thrown: unknown) => {
        if (!String(thrown).includes('already')) throw thrown
      })
    }
  },
}

/** A policy that lets somebody in is replaced by one that does not, while they are there. */
const toggled: Visit = {
  name: 'policy changes',
  everyMs: 10_000,
  atOnce: 1,
  async run(visitor) {
    const { ground } = visitor
    await using client = await connect(visitor, 'toggled')
    await ask(client, 'select count(*) from orders')
    await ground.toggle(false)
    try {
      const code = codeOf(await client.untilOver())
      expectThat(code === '57P01', 'the end of a session that policy no longer permits', code)
      const refused = await connect(visitor, 'toggled').then(
        () => 'let in',
        (thrown: Error) => thrown.message.slice(0, 5),
      )
      expectThat(refused === '28000', 'a log-in that policy forbids', refused)
    } finally {
      await ground.toggle(true)
    }
    await sleep(visitor.random() * 500)
  },
}

/** Somebody who looks: sessions, a recording, the audit log. */
const onlookers: Visit = {
  name: 'onlookers of the API',
  everyMs: 3000,
  atOnce: 2,
  async run({ ground, random }) {
    const { client } = ground.person('admin')
    const { items } = await client.sessions.list({ limit: 50 })
    const one = items[Math.floor(random() * items.length)]
    if (one === undefined) return
    const { state, detail } = await client.sessions.verify({ id: one.id })
    expectThat(state === 'sound' || state === 'open', `a sound recording of ${one.id}`, { state, detail })
  },
}

export const accessVisits: readonly Visit[] = [
  guessers,
  killed,
  revoked,
  reviewed,
  leavers,
  reviewer,
  toggled,
  onlookers,
]
