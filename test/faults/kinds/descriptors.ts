import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { mustRun, type RunningProcess } from '../../world/process.ts'
import type { Fault } from '../fault.ts'
import { isInstalled } from './installed.ts'

/** No file, socket or directory can be opened any more, while clients come and go. */
export const descriptorFaults: readonly Fault[] = [
  {
    name: 'gateway out of file descriptors',
    // It accepts nobody, so that who comes hears no word; who is there goes on, and is recorded.
    notice: { refusals: /^(08001|08006|53300)$/, isWordless: true },
    skip: () => isInstalled('prlimit'),
    inject: ({ sallyport }) => exhausted(sallyport.gateway),
  },
  {
    name: 'agent out of file descriptors',
    notice: { refusals: /^(08001|08006)$/ },
    skip: () => isInstalled('prlimit'),
    inject: ({ sallyport }) => exhausted(sallyport.agent),
  },
]

async function exhausted({ pid }: RunningProcess): Promise<void> {
  const [, before = ''] = /Max open files +(\d+)/.exec(readFileSync(`/proc/${pid}/limits`, 'utf8')) ?? []
  const limit = (most: string | number) => mustRun('prlimit', ['--pid', String(pid), `--nofile=${most}:`])
  await limit(readdirSync(`/proc/${pid}/fd`).length)
  await sleep(4_000)
  await limit(before)
}
