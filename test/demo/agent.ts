import { check } from './check.ts'
import type { Person } from './person.ts'
import type { Screen } from './screen.ts'

const counted = 'select count(*) from orders'
const changed = "update orders set status = 'lost' where id = 8"

/** An AI agent that acts for somebody: with less than they have. @throws Error where a step did not show what it says */
export async function letAgentAct(
  {
    alice,
    root,
    client,
  }: { readonly alice: Person; readonly root: Person; readonly client: readonly string[] },
  screen: Screen,
): Promise<void> {
  screen.heading('An AI agent: acts for alice, with less than she has')
  const words = ['tokens', 'create', '--for-agent', 'claude', '--resource', 'orders-db', '--read-only']
  screen.typed('alice', `export SALLYPORT_TOKEN=$(sallyport ${words.join(' ')})`)
  const token = (await alice.must(words)).trim()
  check(token.startsWith('sp_'), 'she gets a token for it')
  const claude = alice.with({ SALLYPORT_TOKEN: token })
  const connect = (statement: string) => ['connect', 'orders-db', '--', ...client, statement]

  screen.typed('claude', `sallyport connect orders-db -- psql -c "${counted}"`)
  const looked = await claude.must(connect(counted))
  screen.output(looked)
  check(looked.includes('900'), 'it may look')
  screen.typed('claude', `sallyport connect orders-db -- psql -c "${changed}"`)
  const refused = await claude.sallyport(connect(changed))
  screen.output(refused.text)
  check(refused.code !== 0 && refused.text.includes('sallyport:'), 'it may not change what she may')

  screen.typed('root', 'sallyport sessions')
  const sessions = await root.must(['sessions'])
  const own = sessions.split('\n').filter((line, i) => i === 0 || line.includes('claude'))
  screen.output(own.join('\n'))
  check(own.length > 1 && sessions.includes('claude for alice'), 'it is named, and so is she')
  screen.good('narrower and shorter than her own sign-in, gone with it, and on record as who it is for whom')
}
