import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { aptInstall } from '../../world/apt.ts'
import type { Endpoint } from '../../world/endpoint.ts'
import { freePort } from '../../world/ports.ts'
import { startProcess, type RunningProcess } from '../../world/process.ts'
import { through } from '../../world/relay.ts'
import { soon } from '../../world/soon.ts'
import type { Route } from '../route.ts'

/**
 * Two hops of HAProxy, each a process of its own with one thread: the industry's measure for a hop that does nothing.
 * @returns why not, where it is not here and cannot be installed
 */
export async function openHaproxy(
  life: AsyncDisposableStack,
  direct: Endpoint,
  directory: string,
): Promise<Route | string> {
  if (!isThere()) {
    const failed = aptInstall('HAProxy', ['haproxy'])
    if (failed !== undefined || !isThere()) return failed ?? 'HAProxy was installed and does not start'
  }
  const second = await startHop(life, direct.port, join(directory, 'haproxy-2.cfg'))
  const first = await startHop(life, second.port, join(directory, 'haproxy-1.cfg'))
  return {
    name: 'haproxy',
    endpoint: through(first.port, direct),
    processes: [
      { name: 'first hop', pids: first.hop.family },
      { name: 'second hop', pids: second.hop.family },
    ],
  }
}

function isThere(): boolean {
  return spawnSync(program, ['-v']).status === 0
}

async function startHop(
  life: AsyncDisposableStack,
  targetPort: number,
  file: string,
): Promise<{ readonly port: number; readonly hop: RunningProcess }> {
  const port = await freePort()
  await writeFile(file, configuration(port, targetPort))
  const hop = life.use(await startProcess(program, ['-db', '-f', file]))
  await soon(() => accepts(port))
  return { port, hop }
}

function configuration(port: number, targetPort: number): string {
  return `global
  nbthread 1
  maxconn 2000
defaults
  mode tcp
  timeout connect 10s
  timeout client 1h
  timeout server 1h
listen hop
  bind 127.0.0.1:${port}
  server target 127.0.0.1:${targetPort}
`
}

function accepts(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(undefined))
    socket.once('connect', () => socket.destroy())
  })
}

const program = '/usr/sbin/haproxy'
