import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { mustRun } from '../../world/process.ts'
import { CpuWatch } from '../cpu.ts'
import { atLeast, type Compared, type Measurement, type Reading } from '../measurement.ts'
import type { Route, SshWay } from '../route.ts'
import { sshFile } from '../settings/ssh.ts'

/** One file over SSH, by each way that people take, with OpenSSH's own clients. */
export const sshFiles: readonly Measurement[] = [
  transfer('ssh cat', 0.5, ({ options, directory }) => {
    return ['sh', '-c', 'ssh "$@" > "$OUT"', 'sh', ...options, 'gateway', `cat ${join(directory, sshFile)}`]
  }),
  transfer('sftp get', 0.5, ({ options, directory }, out) => [
    'sftp',
    '-q',
    ...options,
    `gateway:${join(directory, sshFile)}`,
    out,
  ]),
  transfer('scp, upload', 0.5, ({ options, directory }, out) => [
    'scp',
    '-q',
    ...options,
    join(directory, sshFile),
    `gateway:${out}`,
  ]),
  transfer('scp -O', 0.5, ({ options, directory }, out) => [
    'scp',
    '-O',
    '-q',
    ...options,
    `gateway:${join(directory, sshFile)}`,
    out,
  ]),
]

function transfer(
  name: string,
  ofDirect: number,
  command: (way: SshWay, out: string) => readonly [string, ...string[]],
): Compared {
  return {
    setting: 'ssh',
    routes: ['direct', 'sallyport'],
    work: 'MB',
    mostRounds: 3,
    rows: [
      {
        name,
        figure: 'megabytesPerSecond',
        unit: 'MB/s',
        better: 'higher',
        targets: [atLeast(ofDirect, 'direct', 'of OpenSSH directly')],
      },
    ],
    measure: (route) => timed(name, route, command),
  }
}

/** @throws Error where not the whole file arrived */
async function timed(
  name: string,
  route: Route,
  command: (way: SshWay, out: string) => readonly [string, ...string[]],
): Promise<Reading> {
  const way = route.ssh!
  const out = join(way.directory, `${route.name}.received`)
  const [program, ...args] = command(way, out)
  using watch = new CpuWatch(route.processes)
  const begin = performance.now()
  await mustRun(program, args, { environment: { ...way.environment, OUT: out }, timeoutMs: 600_000 })
  const seconds = (performance.now() - begin) / 1000
  const { size } = await stat(out)
  const cpu = watch.costOfEach(size / 1_000_000)
  await mustRun('cmp', [join(way.directory, sshFile), out]).catch((thrown: unknown) => {
    throw new Error(`${name}, ${route.name}: another file arrived`, { cause: thrown })
  })
  await rm(out)
  return { figures: { megabytesPerSecond: size / 1_000_000 / seconds }, cpu }
}
