/** Runs before the tests: makes sure that the servers they need are here, and says what it found and what it does. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { clientNames, findClient, findPostgres, howToGetClients } from './postgres-binaries.ts'
import { postgresTemplate } from './postgres-template.ts'
import { howToGetPostgres } from './postgres.ts'
import { serverUser } from './user.ts'

if (!findPostgres('system') || !findClient('psql')) installOnDebian()
const found = await preparePostgres()
sayClients()
if (!found) {
  say('postgresql', `none. ${howToGetPostgres}`)
  process.exitCode = 1
}

async function preparePostgres(): Promise<boolean> {
  const user = serverUser()
  let count = 0
  for (const flavour of ['system', 'embedded'] as const) {
    const binaries = findPostgres(flavour)
    if (!binaries) continue
    await postgresTemplate(binaries, user)
    say('postgresql', `${binaries.version} (${flavour}), run as ${user?.name ?? 'yourself'}`)
    count++
  }
  return count > 0
}

function sayClients(): void {
  const missing = clientNames.filter((name) => findClient(name) === undefined)
  const present = clientNames.filter((name) => !missing.includes(name))
  if (present.length > 0) say('clients', present.join(', '))
  if (missing.length > 0)
    say('clients', `without ${missing.join(', ')}: their tests are skipped. ${howToGetClients}`)
}

/** Where it may: as root, with apt-get, and unless SALLYPORT_TEST_NO_INSTALL is set. A failure leaves us with what npm brought. */
function installOnDebian(): void {
  const forbidden = (process.env['SALLYPORT_TEST_NO_INSTALL'] ?? '') !== ''
  if (forbidden || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return
  const install = ['install', '-y', '--no-install-recommends', 'postgresql', 'postgresql-client']
  say('install', `PostgreSQL is missing: apt-get ${install.join(' ')}`)
  if (aptGet(install).isDone) return
  say('install', 'apt-get update, then once more') // a fresh image has no package lists
  aptGet(['update'])
  const second = aptGet(install)
  if (!second.isDone) say('install', `apt-get failed, going on without it: ${second.lastLine}`)
}

function aptGet(args: readonly string[]): { isDone: boolean; lastLine: string } {
  const { status, stderr, error } = spawnSync('apt-get', ['-q', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 300_000,
  })
  const lines = (stderr ?? '').trim().split('\n')
  return { isDone: status === 0, lastLine: error?.message ?? lines.at(-1) ?? '' }
}

function say(subject: string, words: string): void {
  process.stdout.write(`${subject.padEnd(11)} ${words}\n`)
}
