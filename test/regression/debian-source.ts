import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { aptApart } from '../world/apt.ts'
import { run } from '../world/process.ts'
import { cacheDirectory, serverUser } from '../world/user.ts'

/** Why something cannot be had, to be shown to whoever runs the tests. */
export class Missing extends Error {}

/** The Debian release that carries PostgreSQL 18; asked where the machine's own server is of another version. */
const laterRelease = 'forky'

/**
 * The unpacked upstream source of PostgreSQL, from the archive that apt is configured for, checked as apt checks: the hash of
 * the file in a list that the archive has signed. Fetched once, and kept beside the test servers.
 * @throws Missing where it cannot be had here
 */
export async function postgresSource(major: number): Promise<string> {
  const cache = join(cacheDirectory(serverUser()), 'sources')
  await mkdir(cache, { recursive: true })
  const wanted = installedVersion(major)
  const place = join(cache, `postgresql-${major}${wanted === undefined ? '' : `-${wanted}`}`)
  if (existsSync(place)) return place
  const workplace = await mkdtemp(join(cache, 'new-'))
  try {
    await download(major, wanted, workplace)
    await unpack(workplace)
    await rename(join(workplace, 'source'), place).catch((error: unknown) => {
      if (!existsSync(place)) throw error // another test process was first
    })
  } finally {
    await rm(workplace, { recursive: true, force: true })
  }
  return place
}

/** Debian's version of the server that is installed, such as `15.18-0+deb12u1`. */
function installedVersion(major: number): string | undefined {
  const query = ['-W', '-f', '${source:Version}', `postgresql-${major}`]
  const { status, stdout } = spawnSync('dpkg-query', query, { encoding: 'utf8' })
  return status === 0 && stdout !== '' ? stdout : undefined
}

async function download(major: number, version: string | undefined, workplace: string): Promise<void> {
  if (!existsSync('/usr/bin/apt-get'))
    throw new Missing('there is no apt-get, and so no Debian source package')
  const apart = await aptApart(workplace, sourceLines(version === undefined))
  apart(['update'])
  const name = `postgresql-${major}`
  const tries = version === undefined ? [name] : [`${name}=${version}`, name]
  let why = ''
  for (const one of tries) {
    const got = apart(['source', '--download-only', one], workplace)
    if (got.isDone) return
    why = got.lastLine
  }
  throw new Missing(`apt-get has no source of PostgreSQL ${major}: ${why}`)
}

/** Lines for the sources of what apt has packages of, where that is Debian; and of the later release for what it lacks. */
function sourceLines(isForLater: boolean): readonly string[] {
  if (isForLater) return [laterLine('deb-src')]
  return [...new Set(archives().map(({ uri, codename }) => lineFor('deb-src', uri, codename)))]
}

/** For packages, or sources, of the release that carries PostgreSQL 18. @throws Missing */
export function laterLine(kind: 'deb' | 'deb-src'): string {
  const found = archives()
  const { uri } = found.find(({ codename }) => !codename.includes('-')) ?? found[0]!
  return lineFor(kind, uri, laterRelease)
}

/** What apt is configured for. @throws Missing where that is not Debian */
function archives(): readonly { readonly uri: string; readonly codename: string }[] {
  const format = '$(REPO_URI) $(CODENAME) $(COMPONENT) $(ORIGIN)'
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', format, 'Identifier: Packages'], {
    encoding: 'utf8',
  })
  const targets = (stdout ?? '').split('\n').map((line) => line.split(' '))
  const found = targets.filter(([, , component, origin]) => component === 'main' && origin === 'Debian')
  if (found.length === 0)
    throw new Missing('apt is not configured for Debian, or has no lists yet: apt-get update')
  return found.map(([uri = '', codename = '']) => ({ uri, codename }))
}

function lineFor(kind: 'deb' | 'deb-src', uri: string, codename: string): string {
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
  const signed = existsSync(keyring) ? `[signed-by=${keyring}] ` : ''
  return `${kind} ${signed}${uri} ${codename} main`
}

/** Upstream's archive alone: what Debian patches is not what is tested. */
async function unpack(workplace: string): Promise<void> {
  const archive = (await readdir(workplace)).find((name) => /\.orig\.tar\.\w+$/.test(name))
  if (archive === undefined) throw new Missing('the source package holds no archive')
  await mkdir(join(workplace, 'source'))
  const words = ['-xf', archive, '-C', 'source', '--strip-components=1', '--no-same-owner']
  const { code, stderr } = await run('tar', words, { directory: workplace, timeoutMs: 300_000 })
  if (code !== 0) throw new Missing(`the source package cannot be unpacked: ${stderr.trim()}`)
}
