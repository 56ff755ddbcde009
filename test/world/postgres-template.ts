import { existsSync } from 'node:fs'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PostgresBinaries } from './postgres-binaries.ts'
import { mustRun } from './process.ts'
import { cacheDirectory, type ServerUser } from './user.ts'

/** The superuser of every test server. */
export const superuser = { user: 'postgres', password: 'superuser-of-a-test' } as const

/** A freshly initialised data directory, made once for each version and copied for each server: never start it itself. */
export async function postgresTemplate(
  binaries: PostgresBinaries,
  user: ServerUser | undefined,
): Promise<string> {
  const cache = cacheDirectory(user)
  const template = join(cache, `${binaries.flavour}-${binaries.version}`)
  if (existsSync(template)) return template
  // Another test process may be doing the same: both build aside, and the first rename wins.
  const workplace = await mkdtemp(join(cache, 'new-'))
  try {
    await initialise(binaries, user, workplace)
    await rename(join(workplace, 'data'), template).catch((error: unknown) => {
      if (!existsSync(template)) throw error
    })
  } finally {
    await rm(workplace, { recursive: true, force: true })
  }
  return template
}

async function initialise(
  binaries: PostgresBinaries,
  user: ServerUser | undefined,
  workplace: string,
): Promise<void> {
  if (user) await mustRun('chown', [`${user.uid}:${user.gid}`, workplace])
  const passwordFile = join(workplace, 'password')
  await writeFile(passwordFile, superuser.password)
  await mustRun(
    join(binaries.directory, 'initdb'),
    [
      `--pgdata=${join(workplace, 'data')}`,
      `--username=${superuser.user}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
      '--no-instructions',
    ],
    { as: user, directory: '/' },
  )
}
