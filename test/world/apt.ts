import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Installs Debian packages, and says so, where that may be done: as root, with apt-get, and unless SALLYPORT_TEST_NO_INSTALL is set.
 * @returns why not, or undefined where they are installed
 */
export function aptInstall(what: string, packages: readonly string[]): string | undefined {
  const isForbidden = (process.env['SALLYPORT_TEST_NO_INSTALL'] ?? '') !== ''
  if (isForbidden) return `${what} is missing, and SALLYPORT_TEST_NO_INSTALL is set`
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get'))
    return `${what} is missing, and only root on Debian may install it (${packages.join(' ')})`
  const install = ['install', '-y', '--no-install-recommends', ...packages]
  say(`${what} is missing: apt-get ${install.join(' ')}`)
  if (aptGet(install).isDone) return undefined
  say('apt-get update, then once more') // a fresh image has no package lists
  aptGet(['update'])
  const second = aptGet(install)
  return second.isDone ? undefined : `${what} is missing, and apt-get failed: ${second.lastLine}`
}

/** @param directory where it runs: there a source package is laid */
export function aptGet(
  args: readonly string[],
  directory?: string,
): { readonly isDone: boolean; readonly lastLine: string } {
  const { status, stderr, error } = spawnSync('apt-get', ['-q', ...args], {
    encoding: 'utf8',
    cwd: directory,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 300_000,
  })
  const lines = (stderr ?? '').trim().split('\n')
  return { isDone: status === 0, lastLine: error?.message ?? lines.at(-1) ?? '' }
}

export type AptGet = typeof aptGet

/**
 * apt-get with sources, lists and packages of its own below `directory`, as on a machine on which nothing is installed: this machine's stay as
 * they are, and root is not needed.
 */
export async function aptApart(directory: string, sources: readonly string[]): Promise<AptGet> {
  const at = (path: string): string => join(directory, path)
  for (const path of ['lists/partial', 'cache/archives/partial']) await mkdir(at(path), { recursive: true })
  await writeFile(at('sources.list'), `${sources.join('\n')}\n`)
  await writeFile(at('status'), '')
  const settings = [
    `Dir::Etc::SourceList=${at('sources.list')}`,
    'Dir::Etc::SourceParts=-',
    `Dir::State=${directory}`,
    `Dir::State::Lists=${at('lists')}`,
    `Dir::State::status=${at('status')}`,
    `Dir::Cache=${at('cache')}`,
    'Acquire::Languages=none',
    'APT::Sandbox::User=root',
    'Debug::NoLocking=true',
  ]
  const apart = settings.flatMap((setting) => ['-o', setting])
  return (args, where) => aptGet([...apart, ...args], where)
}

function say(words: string): void {
  process.stdout.write(`${'install'.padEnd(11)} ${words}\n`)
}
