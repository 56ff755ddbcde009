import type { Sshd } from '../world/openssh.ts'
import type { Postgres } from '../world/postgres.ts'
import { soon } from '../world/soon.ts'
import { letAgentAct } from './agent.ts'
import { check } from './check.ts'
import { visitHost } from './host.ts'
import { comeIn, type Company } from './company.ts'
import type { Person } from './person.ts'
import type { Screen } from './screen.ts'
import { owner } from './shop.ts'

export interface Cast {
  readonly alice: Person
  readonly bob: Person
  readonly root: Person
  readonly company: Company
  readonly server: Postgres
  /** Absent where this machine has no OpenSSH server. */
  readonly host: Sshd | undefined
  /** The client's command line before the statement. */
  readonly client: readonly string[]
}

const masked = 'select id, name, email, phone, card_number from customers order by id limit 4'
const derived =
  'select upper(email) as shouted, notes from customers where notes is not null order by id limit 2'
const unfiltered = 'delete from orders'
const long = 'select count(*) from orders a, orders b, orders c'
const held = "update orders set status = 'returned' where id = 7"

/** The tour: each step is done by a real client and checked against the target itself. @throws Error where a step did not show what it says */
export async function tour(cast: Cast, screen: Screen): Promise<void> {
  await comeIn(cast, screen)
  await seeMasked(cast, screen)
  await beRefused(cast, screen)
  await waitForApproval(cast, screen)
  await askForAccess(cast, screen)
  const { alice, bob, host } = cast
  if (host !== undefined) await visitHost({ alice, bob, host }, screen)
  await letAgentAct(cast, screen)
  await lookBack(cast, screen)
}

async function seeMasked({ alice, server, client }: Cast, screen: Screen): Promise<void> {
  screen.heading('2. Reading: personal data is masked in the answer')
  const rows = await server.query('select email from customers order by id limit 4', 'shop')
  const emails = rows.map((row) => String(row['email']))
  for (const statement of [masked, derived]) {
    screen.typed('alice', shown(client, statement))
    const { code, text } = await alice.sallyport(['connect', 'orders-db', '--', ...client, statement])
    screen.output(text)
    check(code === 0, 'the SELECT runs')
    check(text.includes('****'), 'values are masked')
    for (const email of emails)
      check(!text.toLowerCase().includes(email.toLowerCase()), 'no clear address comes out')
  }
  screen.good(
    'the columns tagged as personal came masked, also when computed with; the target holds them in clear',
  )
}

async function beRefused({ alice, server, client }: Cast, screen: Screen): Promise<void> {
  screen.heading('3. A DELETE without WHERE: blocked')
  const before = await countOrders(server)
  screen.typed('alice', shown(client, unfiltered))
  const { code, text } = await alice.sallyport(['connect', 'orders-db', '--', ...client, unfiltered])
  screen.output(text)
  check(code !== 0 && text.includes('sallyport:'), 'the gateway refuses it')
  check(text.includes('WHERE'), 'the reason says what to do')
  check((await countOrders(server)) === before, 'no order is gone')
  screen.good(`refused in psql's own words; all ${before} orders are still there`)
}

async function waitForApproval({ alice, bob, server, client }: Cast, screen: Screen): Promise<void> {
  screen.heading('4. An UPDATE: held until somebody else approves this very statement')
  screen.typed('alice', shown(client, held))
  await using waiting = await alice.start(['connect', 'orders-db', '--', ...client, held])
  const [notice] = await waiting.line(/NOTICE:.*(rev_\w+)/)
  screen.output(notice)
  check((await statusOf(server)) !== 'returned', 'nothing has happened yet')
  check(waiting.exit === undefined, 'the client waits')

  const [, id = ''] = /(rev_\w+)/.exec(notice) ?? []
  const own = await alice.sallyport(['reviews', 'approve', id])
  check(own.code !== 0, 'the requester cannot approve it herself')
  screen.typed('bob', `sallyport reviews show ${id}`)
  screen.output(await bob.must(['reviews', 'show', id]))
  screen.typed('bob', `sallyport reviews approve ${id} --comment "customer sent it back"`)
  screen.output(await bob.must(['reviews', 'approve', id, '--comment', 'customer sent it back']))
  const { code } = await waiting.exited
  screen.typed('alice', '(her psql goes on)')
  screen.output(waiting.output)
  check(code === 0, 'the held statement ran')
  check((await statusOf(server)) === 'returned', 'the order is changed')
  screen.good('held in flight, approved by bob, run once')
}

async function askForAccess({ alice, bob, client }: Cast, screen: Screen): Promise<void> {
  screen.heading("5. The owner's account: for whom somebody lets in, and for a while")
  const asOwner = (statement: string) => ['connect', `orders-db+${owner}`, '--', ...client, statement]
  const who = 'select current_user'
  screen.typed('alice', shown(client, who, owner))
  const refused = await alice.sallyport(asOwner(who))
  screen.output(refused.text)
  check(refused.code !== 0 && refused.text.includes('sallyport request'), 'she is told what to run')

  const words = ['request', 'orders-db', '--account', owner, '--for', '30m', '--reason']
  screen.typed('alice', `sallyport ${words.join(' ')} "repair an import"`)
  const asked = await alice.must([...words, 'repair an import'])
  screen.output(asked)
  const [id = ''] = /req_\w+/.exec(asked) ?? []
  check((await alice.sallyport(['requests', 'approve', id])).code !== 0, 'she cannot approve it herself')
  screen.typed('bob', `sallyport requests approve ${id} --comment "agreed on the phone"`)
  const approved = await bob.must(['requests', 'approve', id, '--comment', 'agreed on the phone'])
  screen.output(approved)
  screen.typed('alice', 'sallyport ls')
  screen.output(await alice.must(['ls']))
  screen.typed('alice', shown(client, who, owner))
  const letIn = await alice.must(asOwner(who))
  screen.output(letIn)
  check(letIn.includes(owner), 'she is in, as the owner')

  screen.typed('alice', shown(client, long, owner))
  await using working = await alice.start(asOwner(long))
  const isLive = async (): Promise<true | undefined> =>
    (JSON.parse(await alice.must(['sessions', 'ls', '--live', '--json'])) as unknown[]).length > 0 ||
    undefined
  await soon(isLive)
  const [grant = ''] = /grt_\w+/.exec(approved) ?? []
  screen.typed('bob', `sallyport grants revoke ${grant} --reason "the import is repaired"`)
  screen.output(await bob.must(['grants', 'revoke', grant, '--reason', 'the import is repaired']))
  const { code } = await working.exited
  screen.typed('alice', '(her psql ends)')
  screen.output(working.output)
  check(code !== 0 && working.output.includes('the grant was revoked'), 'her live session ended with it')
  check((await alice.sallyport(asOwner(who))).code !== 0, 'she is out again')
  screen.good('asked for, approved by bob, used, and cut in the middle of a statement when it was revoked')
}

async function lookBack({ root }: Cast, screen: Screen): Promise<void> {
  screen.heading('Looking back: every session is recorded, sealed and signed')
  const sessions = JSON.parse(await root.must(['sessions', 'ls', '--json'])) as {
    id: string
    live: boolean
  }[]
  const recordings: string[] = []
  for (const { id } of sessions.filter(({ live }) => !live).toReversed()) {
    screen.typed('root', `sallyport sessions replay ${id}`)
    const replay = await root.must(['sessions', 'replay', id])
    screen.output(replay)
    recordings.push(replay)
  }
  const all = recordings.join('\n')
  check(all.includes('values masked in'), 'the replay tells what was masked')
  check(all.includes('DENIED') && all.includes(unfiltered), 'the replay shows the blocked statement')
  check(
    all.includes('REVIEWED') && all.includes('customer sent it back'),
    'the replay shows who approved, and why',
  )
  screen.typed('root', 'sallyport sessions verify …')
  for (const { id, live } of sessions) {
    if (live) continue
    const verdict = await root.must(['sessions', 'verify', id])
    screen.output(verdict)
    check(verdict.startsWith('sound'), 'the recording verifies')
  }
  screen.good(`${recordings.length} sessions replayed and verified`)
}

function shown(client: readonly string[], statement: string, account?: string): string {
  const command = client[0]?.endsWith('psql') === true ? 'psql -c' : 'query'
  const resource = account === undefined ? 'orders-db' : `orders-db+${account}`
  return `sallyport connect ${resource} -- ${command} "${statement}"`
}

async function countOrders(server: Postgres): Promise<number> {
  return Number((await server.query('select count(*) from orders', 'shop'))[0]?.['count'])
}

async function statusOf(server: Postgres): Promise<string> {
  return String((await server.query('select status from orders where id = 7', 'shop'))[0]?.['status'])
}
