import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { declareSshd, hasSshd, SshClient, startSshd, type Sshd } from '../../world/openssh.ts'
import { mustRun } from '../../world/process.ts'
import { startSallyport, unrestricted } from '../../world/sallyport.ts'
import type { TestBed } from '../bed.ts'
import type { OpenRoutes, Route, SshWay } from '../route.ts'
import { processesOf } from '../routes/sallyport.ts'

/** On both sides, so that none wins by a cheaper one: what OpenSSH and we have natively. */
const cipher = 'aes128-gcm@openssh.com'
export const sshFile = 'sent'

/** An OpenSSH server, directly and behind gateway and agent, with a file as large as other bulk transfers. */
export async function openSsh(bed: TestBed, profileDirectory: string | undefined): Promise<OpenRoutes> {
  if (!hasSshd) return { routes: [], missing: { direct: noSshd, sallyport: noSshd }, ...nothing }
  await using rollback = new AsyncDisposableStack()
  const server = rollback.use(await startSshd())
  await makeFile(join(server.directory, sshFile), bed.megabytes)
  const sallyport = rollback.use(
    await startSallyport({
      allow: [`127.0.0.1:${server.port}`],
      ...(profileDirectory !== undefined && { profileDirectory: join(profileDirectory, 'ssh') }),
    }),
  )
  await declareSshd(sallyport, server)
  await sallyport.apply(unrestricted)
  const client = await SshClient.of(sallyport, await sallyport.person('somebody', ['unrestricted']), [
    'User web',
    `Ciphers ${cipher}`,
  ])
  const behind: SshWay = {
    options: ['-F', client.configFile],
    environment: client.environment,
    directory: server.directory,
  }
  const routes: Route[] = [
    { name: 'direct', endpoint: endpointAt(server.port), ssh: await directWay(server), processes: [] },
    {
      name: 'sallyport',
      endpoint: endpointAt(sallyport.ports.ssh),
      ssh: behind,
      processes: processesOf(sallyport),
    },
  ]
  const life = rollback.move()
  return { routes, missing: {}, [Symbol.asyncDispose]: () => life.disposeAsync() }
}

async function directWay(server: Sshd): Promise<SshWay> {
  const configFile = join(server.directory, 'direct_config')
  const lines = [
    'Host *',
    'HostName 127.0.0.1',
    `Port ${server.port}`,
    `User ${server.user}`,
    `IdentityFile ${join(server.directory, 'login_key')}`,
    `UserKnownHostsFile ${join(server.directory, 'known_hosts')}`,
    'StrictHostKeyChecking accept-new',
    'LogLevel ERROR',
    `Ciphers ${cipher}`,
    '',
  ]
  await appendFile(configFile, lines.join('\n'))
  return {
    options: ['-F', configFile],
    environment: { ...process.env, SSH_AUTH_SOCK: '' },
    directory: server.directory,
  }
}

/** Of what does not compress, and is no hole. */
async function makeFile(path: string, megabytes: number): Promise<void> {
  await mustRun('sh', ['-c', `head -c ${megabytes * 1_000_000} /dev/urandom > '${path}'`])
}

function endpointAt(port: number): Route['endpoint'] {
  return { host: '127.0.0.1', port, user: 'web', password: '', database: '' }
}

const noSshd = 'no OpenSSH server is installed'
const nothing = { [Symbol.asyncDispose]: () => Promise.resolve() }
