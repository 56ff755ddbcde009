import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startProcess } from '../../world/process.ts'
import type { Bed } from '../bed.ts'
import type { Fault } from '../fault.ts'
import { isInstalled } from './installed.ts'

const cannotRecord = { ends: /^58030$/, refusals: /^58030$/ }

/** What may befall the disk that recordings and store are on. */
export const diskFaults: readonly Fault[] = [
  {
    name: 'disk full',
    notice: cannotRecord,
    get bed() {
      return { dataDirectory: join(small(), 'data') }
    },
    skip: () => mountable(),
    async inject({ dataDirectory }) {
      const filler = join(dataDirectory, 'filler')
      fill(filler)
      await sleep(5_000)
      rmSync(filler)
    },
  },
  {
    name: 'disk read-only when the gateway starts',
    // Between the gateway's start and the agent's return nobody can reach the target: 08001.
    notice: { ends: /^57P01$/, refusals: /^(57P01|08001|08006)$/, isWordless: true },
    get bed() {
      return { dataDirectory: join(small(), 'data') }
    },
    skip: () => mountable(),
    async inject({ sallyport, dataDirectory }) {
      await sallyport.gateway.stop()
      remount(dataDirectory, 'ro')
      const refused = await sallyport.launchGateway()
      const { code } = await refused.exited
      const said = refused.output
      remount(dataDirectory, 'rw')
      await sallyport.startGateway()
      return code === 4 ? [] : [`on a read-only disk it ended with ${code}: ${said}`]
    },
  },
  {
    name: 'syncs to disk take 1 s',
    notice: {},
    skip: traceable,
    inject: (bed) => traced(bed, 'delay_enter=1000000', 4_000),
  },
  {
    name: 'syncs to disk take 7 s', // a sync that takes more than 5 s can no longer be promised
    notice: cannotRecord,
    skip: traceable,
    inject: (bed) => traced(bed, 'delay_enter=7000000', 9_000),
  },
  {
    name: 'syncs to disk fail',
    notice: cannotRecord,
    skip: traceable,
    inject: (bed) => traced(bed, 'error=EIO', 3_000),
  },
]

let directory: string | undefined

/** A file system of 48 MiB. The same for all faults of a run, which come one after another. */
function small(): string {
  if (directory === undefined) {
    directory = mkdtempSync(join(tmpdir(), 'sally-disk-'))
    process.once('exit', () => {
      execFileSync('umount', ['-l', directory!])
      rmSync(directory!, { recursive: true })
    })
  } else execFileSync('umount', ['-l', directory])
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', directory])
  return directory
}

/** Only root may mount, and not in every container. */
function mountable(): string | undefined {
  const probe = mkdtempSync(join(tmpdir(), 'sally-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe], { stdio: 'ignore' })
    execFileSync('umount', ['-l', probe])
    return undefined
  } catch {
    return 'this machine does not let us mount a file system'
  } finally {
    rmSync(probe, { recursive: true })
  }
}

function remount(dataDirectory: string, mode: 'ro' | 'rw'): void {
  execFileSync('mount', ['-o', `remount,${mode}`, join(dataDirectory, '..')])
}

function fill(path: string): void {
  const block = Buffer.alloc(1024 * 1024, 'x')
  try {
    for (;;) writeFileSync(path, block, { flag: 'a' })
  } catch {
    // Not even a block of the file system is left: what is written next finds it full.
  }
}

function traceable(): string | undefined {
  return isInstalled('strace')
}

/** Has the journal's syncs delayed or failed by the kernel's own tracer. */
async function traced({ sallyport, dataDirectory }: Bed, what: string, ms: number): Promise<void> {
  const journal = join(dataDirectory, 'recordings', 'journal')
  mkdirSync(journal, { recursive: true })
  const paths = readdirSync(journal).flatMap((name) => ['-P', join(journal, name)])
  const args = ['-f', '-o', '/dev/null', '-p', String(sallyport.gateway.pid), ...paths]
  const tracer = await startProcess('strace', [
    ...args,
    '-e',
    'trace=fdatasync',
    '-e',
    `inject=fdatasync:${what}`,
  ])
  await sleep(ms)
  await tracer.stop('SIGINT')
}
