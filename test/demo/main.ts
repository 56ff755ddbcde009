/** `npm run demo`: a gateway, an agent and a PostgreSQL server on this machine, and a tour with real clients. */
import { join } from 'node:path'
import { findClient } from '../world/postgres-binaries.ts'
import { startPostgres } from '../world/postgres.ts'
import { loadSampleShop } from '../world/sample-shop/load.ts'
import { startSallyport } from '../world/sallyport.ts'
import { temporaryDirectory } from '../world/temporary.ts'
import { declareHost, startHost } from './host.ts'
import { demoPorts } from './ports.ts'
import { Person } from './person.ts'
import { Screen } from './screen.ts'
import { account, owner, writeDeclarations } from './shop.ts'
import { tour } from './tour.ts'

const help = `Usage: npm run demo [-- --once]

Starts a sample PostgreSQL with a shop's data, a gateway and an agent on this machine, and shows a short tour:
a masked SELECT, a blocked DELETE, a held and approved UPDATE, access that is asked for and ends, a
server by SSH where this machine has one, and the replay of it all. Then it stays up until Ctrl-C.

  --once   run the tour and end; exits 0 only if each step really showed what it says
  --help   this
`

const args = process.argv.slice(2)
const screen = new Screen()
if (args.includes('--help')) process.stdout.write(help)
else if (args.some((arg) => arg !== '--once')) {
  process.stderr.write(`unknown option: ${args.join(' ')}\n\n${help}`)
  process.exitCode = 2
} else {
  try {
    await demo(args.includes('--once'))
  } catch (thrown) {
    process.stderr.write(`\nThe demo stopped: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
    process.exitCode = 1
  }
}

async function demo(isOnce: boolean): Promise<void> {
  const stop = interrupted()
  screen.heading('Sallyport')
  screen.step('finding PostgreSQL…')
  await import('../world/prepare.ts')
  if (process.exitCode === 1) return
  await using server = await startPostgres({ databases: ['shop'] })
  screen.step(
    `PostgreSQL ${server.version} with a sample shop (400 customers, 900 orders; none of them real)`,
  )
  await loadSampleShop(server.url({ database: 'shop' }), { account })
  await server.query(`create role ${owner} login password '${account.password}' in role ${account.user}`)
  const ports = await demoPorts((line) => screen.step(line))
  await using trusted = await temporaryDirectory()
  const started = await startHost(trusted.path)
  await using host = typeof started === 'string' ? undefined : started
  screen.step(
    typeof started === 'string'
      ? `${started}: the step by SSH is left out`
      : 'an OpenSSH server, in which nobody has a key',
  )
  const targets = [server, ...(host === undefined ? [] : [host])]
  await using sallyport = await startSallyport({
    allow: targets.map(({ port }) => `127.0.0.1:${port}`),
    ports,
  })
  screen.step(`a gateway at ${sallyport.baseUrl}, and an agent that dialled out to it`)

  const { directory } = sallyport
  const root = new Person('root', directory, {
    SHOP_PASSWORD: account.password,
    SALLYPORT_GATEWAY: sallyport.baseUrl,
    SALLYPORT_TOKEN: sallyport.admin.token,
    SALLYPORT_CA: sallyport.authorityFile,
  })
  const declared = join(directory, 'declared')
  await writeDeclarations(declared, server)
  if (host !== undefined) await declareHost(declared, trusted.path, host, root)
  await root.must(['policy', 'test', declared])
  await root.must(['apply', '-f', declared, '--yes'])
  screen.step('the resources, their masks and policies, applied from files')
  const alice = await signIn('alice', 'developers')
  const bob = await signIn('bob', 'dba')
  screen.step('alice, a developer, and bob, a database administrator, signed in')

  const psql = findClient('psql')
  if (psql === undefined)
    screen.step(
      'psql is not installed: a small client of our own stands in. With it, run the demo again to see the real one.',
    )
  const client =
    psql === undefined
      ? [process.execPath, new URL('query.ts', import.meta.url).pathname]
      : [psql, '-X', '-q', '-c']
  await tour({ alice, bob, root, server, host, client }, screen)
  if (isOnce) return

  screen.heading('It stays up. Try it yourself, in another terminal:')
  screen.line('')
  screen.output(await alice.must(['connect', 'orders-db', '--print']))
  if (host !== undefined) screen.output(await alice.must(['connect', 'web-1', '--print']))
  screen.line('')
  screen.line(
    `  Administrators: export SALLYPORT_GATEWAY=${sallyport.baseUrl} SALLYPORT_CA=${sallyport.authorityFile} SALLYPORT_TOKEN=${sallyport.admin.token}`,
  )
  screen.line('                  npm run --silent sallyport -- sessions | reviews | doctor | --help')
  screen.line('\n  Ctrl-C ends it all and keeps nothing.')
  await stop
  screen.line('\nStopping…')

  async function signIn(name: string, group: string): Promise<Person> {
    const person = new Person(name, directory)
    const { setupLink } = await sallyport.admin.client.users.create({ name, groups: [group] })
    await person.must(
      ['login', '--setup', setupLink.url, '--ca', sallyport.authorityFile],
      'correct horse battery staple',
    )
    return person
  }
}

/** Resolves at the first Ctrl-C; a second one ends at once. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', resolve).once('SIGTERM', resolve)
  })
}
