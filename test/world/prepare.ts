/** Runs before the tests: makes sure that the servers they need are here, and says what it found and what it does. */
import { Missing, postgresSource } from '../regression/debian-source.ts'
import { existsSync } from 'node:fs'
import { aptInstall } from './apt.ts'
import { chromiumPackages, hasChromium } from './chromium.ts'
import { clientNames, findClient, findPostgres, howToGetClients } from './postgres-binaries.ts'
import { postgresTemplate } from './postgres-template.ts'
import { hasSshd, isInstalled, sshPrograms } from './openssh.ts'
import { howToGetPostgres } from './postgres.ts'
import { serverUser } from './user.ts'

if (!findPostgres('system') || !findClient('psql')) {
  const failed = aptInstall('PostgreSQL', ['postgresql', 'postgresql-client'])
  if (failed !== undefined) say('install', `going on without it: ${failed}`)
}
if (!existsSync('/usr/bin/strace') || !existsSync('/usr/bin/faketime')) {
  const failed = aptInstall('strace or faketime', ['strace', 'faketime'])
  if (failed !== undefined) say('install', `without it some faults are skipped: ${failed}`)
}
if (!hasSshd || sshPrograms.some((name) => !isInstalled(name))) {
  const packages = [
    'openssh-server',
    'openssh-client',
    'sshpass',
    'rsync',
    'git',
    'ssh-audit',
    'ansible-core',
  ]
  const failed = aptInstall('OpenSSH, or what is tested with it', packages)
  if (failed !== undefined) say('install', `without it tests of SSH are skipped: ${failed}`)
}
if (!hasChromium()) {
  const failed = aptInstall('Chromium', chromiumPackages)
  if (failed !== undefined) say('install', `without it the pages are not tried in a browser: ${failed}`)
}
const found = await preparePostgres()
sayClients()
saySsh()
await prepareRegressionSuite()
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

function saySsh(): void {
  const present = sshPrograms.filter(isInstalled)
  if (existsSync('/usr/sbin/sshd')) say('ssh', `sshd, ${present.join(', ')}`)
  else say('ssh', 'no sshd: its tests are skipped')
}

/** PostgreSQL's own tests, of the version that is installed. */
async function prepareRegressionSuite(): Promise<void> {
  const binaries = findPostgres('system')
  if (!binaries) return
  const source = await postgresSource(binaries.major).catch((thrown: unknown) => {
    if (thrown instanceof Missing) return thrown
    throw thrown
  })
  const words = source instanceof Missing ? `skipped: ${source.message}` : `of PostgreSQL ${binaries.version}`
  say('regression', `suite ${words}`)
}

function say(subject: string, words: string): void {
  process.stdout.write(`${subject.padEnd(11)} ${words}\n`)
}
