/** `npm run demo`: a gateway, an agent and a PostgreSQL server on this machine, and a tour with real clients. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findClient } from '../world/postgres-binaries.ts'
import { startPostgres } from '../world/postgres.ts'
import { loadSampleShop } from '../world/sample-shop/load.ts'
import { readyOpenssh, readyPostgres } from '../world/servers.ts'
import { startSallyport } from '../world/sallyport.ts'
import { startIdentityProvider } from '../world/identity-provider.ts'
import { temporaryDirectory } from '../world/temporary.ts'
import { declareHost, startHost } from './host.ts'
import { demoPorts } from './ports.ts'
import { Person } from './person.ts'
import { Screen } from './screen.ts'
import { signedInAt } from './company.ts'
import { account, owner, writeDeclarations } from './shop.ts'
import { tour } from './tour.ts'

const help = `Usage: npm run demo [-- --once]

Starts a sample PostgreSQL with a shop's data, a gateway and an agent on this machine, and shows a short tour:
a sign-in at an OpenID provider, a masked SELECT, a blocked DELETE, a held and approved UPDATE, access that is asked for and ends, a
server by SSH where this machine has one, an AI agent that acts for somebody, and the replay of it all. Then it stays up until Ctrl-C.

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
  screen.step('finding PostgreSQL and OpenSSH…')
  if (!(await readyPostgres())) throw new Error('there is no PostgreSQL to show it with')
  readyOpenssh()
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
  await using provider = await startIdentityProvider(`https://localhost:${ports.api}`)
  screen.step(`an OpenID provider, as a company has one, at ${provider.url}`)
  const providerAuthority = join(trusted.path, 'provider.pem')
  await writeFile(providerAuthority, provider.authority)
  const targets = [server, ...(host === undefined ? [] : [host])]
  await using sallyport = await startSallyport({
    allow: targets.map(({ port }) => `127.0.0.1:${port}`),
    ports,
    ...signedInAt(provider, providerAuthority),
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
  const [alice, bob] = [new Person('alice', directory), new Person('bob', directory)]

  const psql = findClient('psql')
  if (psql === undefined)
    screen.step(
      'psql is not installed: a small client of our own stands in. With it, run the demo again to see the real one.',
    )
  const client =
    psql === undefined
      ? [process.execPath, new URL('query.ts', import.meta.url).pathname]
      : [psql, '-X', '-q', '-c']
  await tour({ alice, bob, root, server, host, client, company: { provider, sallyport } }, screen)
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
  screen.line(`\n  A browser signs in at ${sallyport.baseUrl}/sign-in as alice or bob, with any password.`)
  screen.line('\n  Ctrl-C ends it all and keeps nothing.')
  await stop
  screen.line('\nStopping…')
}

/** Resolves at the first Ctrl-C; a second one ends at once. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', resolve).once('SIGTERM', resolve)
  })
}
