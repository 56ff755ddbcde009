/** Runs before the tests: makes sure that the servers they need are here, and says what it found and what it does. */
import { existsSync } from 'node:fs'
import { Missing, postgresSource } from '../regression/debian-source.ts'
import { chromiumPackages, hasChromium } from './chromium.ts'
import { prepareLaterPsql } from './later-psql.ts'
import { prepareLaterSshd } from './later-sshd.ts'
import { findPostgres } from './postgres-binaries.ts'
import { install, readyOpenssh, readyPostgres, say } from './servers.ts'
import { isSimpleSamlPhpInstalled, simpleSamlPhpPackages } from './simplesamlphp.ts'

const found = await readyPostgres()
if (!existsSync('/usr/bin/strace') || !existsSync('/usr/bin/faketime'))
  install('strace or faketime', ['strace', 'faketime'], 'without it some faults are skipped')
readyOpenssh(['sshpass', 'rsync', 'git', 'ssh-audit', 'ansible-core'])
if (!hasChromium()) install('Chromium', chromiumPackages, 'without it the pages are not tried in a browser')
say('chromium', hasChromium() ? 'here' : 'none: what needs it is skipped')
if (!isSimpleSamlPhpInstalled())
  install('simpleSAMLphp', simpleSamlPhpPackages, 'without it the test of a real SAML provider is skipped')
say('saml', isSimpleSamlPhpInstalled() ? 'simpleSAMLphp' : 'none: what needs it is skipped')
await prepareRegressionSuite()
await preparePsqlWithOAuth()
await prepareSshdOfToday()
if (!found) process.exitCode = 1

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

/** One that signs in by OAuth: this machine's own may be too old for that. */
async function preparePsqlWithOAuth(): Promise<void> {
  const psql = await prepareLaterPsql().catch((thrown: unknown) => {
    if (thrown instanceof Missing) return thrown
    throw thrown
  })
  say('psql', psql instanceof Missing ? `without OAuth: ${psql.message}` : `${psql.version}, with OAuth`)
}

/** One that exchanges keys by ML-KEM: this machine's own may be too old for that. */
async function prepareSshdOfToday(): Promise<void> {
  const sshd = await prepareLaterSshd().catch((thrown: unknown) => {
    if (thrown instanceof Missing) return thrown
    throw thrown
  })
  say('sshd', sshd instanceof Missing ? `without ML-KEM: ${sshd.message}` : `${sshd.version}, with ML-KEM`)
}
