import { existsSync } from 'node:fs'
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { isSshdInstalled, startSshd, type Sshd } from '../world/openssh.ts'
import { run, startProcess, type Finished, type RunningProcess } from '../world/process.ts'
import { check } from './check.ts'
import type { Person } from './person.ts'
import type { Screen } from './screen.ts'

const authorityFile = 'sallyport.pub'

/**
 * An OpenSSH server that lets in whom the gateway's authority certifies, and holds nobody's key.
 * @returns why there is none, where there is none
 */
export async function startHost(directory: string): Promise<Sshd | string> {
  if (!isSshdInstalled()) return 'no OpenSSH server is installed'
  try {
    await appendFile(join(directory, authorityFile), '')
    return await startSshd({ TrustedUserCAKeys: join(directory, authorityFile) })
  } catch (thrown) {
    return `no OpenSSH server starts here: ${thrown instanceof Error ? thrown.message.split('\n')[0] : String(thrown)}`
  }
}

/** What the platform team declares of it; and what it does on the server itself, once. */
export async function declareHost(
  declared: string,
  directory: string,
  host: Sshd,
  root: Person,
): Promise<void> {
  await writeFile(join(directory, authorityFile), await root.must(['keys', 'authority']))
  const resource = {
    kind: 'Resource',
    name: 'web-1',
    protocol: 'ssh',
    host: '127.0.0.1',
    port: host.port,
    agent: 'local',
    labels: { env: 'demo' },
    accounts: [{ name: host.user, credential: { from: 'certificate' } }],
    options: { hostKeys: [await host.hostKey()] },
  }
  await writeFile(join(declared, 'web-1.yaml'), stringify(resource))
}

/** Commands on a server: one that may run, one that hides another, and one that waits. @throws Error where a step did not show what it says */
export async function visitHost(
  { alice, bob, host }: { readonly alice: Person; readonly bob: Person; readonly host: Sshd },
  screen: Screen,
): Promise<void> {
  screen.heading('6. A server by SSH: commands are decided, too')
  const ssh = await sshOf(alice)
  screen.typed('alice', 'sallyport ssh-config >> ~/.ssh/config')
  screen.typed('alice', 'ssh web-1 uptime')
  const looked = await ssh.run(['uptime'])
  screen.output(looked.stdout)
  check(looked.code === 0 && looked.stdout.includes('load average'), 'uptime runs')

  const mark = join(host.directory, 'mark')
  const hidden = `uptime; touch ${mark}`
  screen.typed('alice', `ssh web-1 "${hidden}"`)
  const refused = await ssh.run([hidden])
  screen.output(refused.stderr)
  check(refused.code === 126 && refused.stderr.includes('sallyport:'), 'what comes behind it does not')
  check(!existsSync(mark), 'nothing ran')

  screen.typed('alice', `ssh web-1 "touch ${mark}"`)
  await using waiting = await ssh.start([`touch ${mark}`])
  const [notice] = await waiting.line(/sallyport:.*(rev_\w+)/)
  screen.output(notice)
  check(!existsSync(mark), 'nothing has happened yet')
  const [, id = ''] = /(rev_\w+)/.exec(notice) ?? []
  screen.typed('bob', `sallyport reviews approve ${id} --comment "as agreed"`)
  screen.output(await bob.must(['reviews', 'approve', id, '--comment', 'as agreed']))
  check((await waiting.exited).code === 0 && existsSync(mark), 'the held command ran')
  screen.good(
    'alice came by the certificate of her sign-in, the gateway by one that it made for this session; no key is left on either side',
  )
}

interface Ssh {
  run(command: readonly string[]): Promise<Finished>
  start(command: readonly string[]): Promise<RunningProcess>
}

/** OpenSSH's own client, with the configuration that `sallyport ssh-config` writes. */
async function sshOf(person: Person): Promise<Ssh> {
  const file = join(person.environment['HOME'] ?? '', 'ssh_config')
  await writeFile(file, await person.must(['ssh-config', 'web-1']))
  const words = ['-F', file, '-o', 'BatchMode=yes', 'web-1']
  const { environment } = person
  return {
    run: (command) => run('ssh', [...words, ...command], { environment }),
    start: (command) => startProcess('ssh', [...words, ...command], { environment }),
  }
}
