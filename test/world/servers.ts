import { aptInstall } from './apt.ts'
import { clientNames, findClient, findPostgres, howToGetClients } from './postgres-binaries.ts'
import { postgresTemplate } from './postgres-template.ts'
import { isInstalled, isSshdInstalled, sshPrograms } from './openssh.ts'
import { howToGetPostgres } from './postgres.ts'
import { serverUser } from './user.ts'

/** PostgreSQL and its clients: installed where that may be done, made ready, and told of. @returns whether there is one */
export async function readyPostgres(): Promise<boolean> {
  if (!findPostgres('system') || !findClient('psql'))
    install('PostgreSQL', ['postgresql', 'postgresql-client'], 'going on without it')
  const user = serverUser()
  let count = 0
  for (const flavour of ['system', 'embedded'] as const) {
    const binaries = findPostgres(flavour)
    if (!binaries) continue
    await postgresTemplate(binaries, user)
    say('postgresql', `${binaries.version} (${flavour}), run as ${user?.name ?? 'yourself'}`)
    count++
  }
  const missing = clientNames.filter((name) => findClient(name) === undefined)
  const present = clientNames.filter((name) => !missing.includes(name))
  if (present.length > 0) say('clients', present.join(', '))
  if (missing.length > 0)
    say('clients', `without ${missing.join(', ')}: their tests are skipped. ${howToGetClients}`)
  if (count === 0) say('postgresql', `none. ${howToGetPostgres}`)
  return count > 0
}

/** OpenSSH's server and client, and more that speaks SSH. @param further beside them */
export function readyOpenssh(further: readonly string[] = []): void {
  const packages = ['openssh-server', 'openssh-client', ...further]
  const wanted = sshPrograms.filter((name) => name === 'ssh' || further.length > 0)
  if (!isSshdInstalled() || wanted.some((name) => !isInstalled(name)))
    install('OpenSSH, or what is tried with it', packages, 'without it SSH is left out')
  const present = sshPrograms.filter(isInstalled)
  say('ssh', isSshdInstalled() ? `sshd, ${present.join(', ')}` : 'no sshd: what needs it is left out')
}

/** @param without what is said where that cannot be done */
export function install(what: string, packages: readonly string[], without: string): void {
  const failed = aptInstall(what, packages)
  if (failed !== undefined) say('install', `${without}: ${failed}`)
}

export function say(subject: string, words: string): void {
  process.stdout.write(`${subject.padEnd(11)} ${words}\n`)
}
