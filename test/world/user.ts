import { spawnSync } from 'node:child_process'
import { chownSync, lstatSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A user that servers run as. */
export interface ServerUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/**
 * Whom servers run as: undefined means as ourselves. PostgreSQL refuses root, so root hands it to an unprivileged user.
 * @throws Error where we are root and there is no such user and none can be created.
 */
export function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const found = ['postgres', 'nobody', createdName].map(lookUp).find((user) => user !== undefined)
  if (found) return found
  spawnSync('useradd', ['--system', '--no-create-home', '--shell', '/bin/false', createdName])
  const created = lookUp(createdName)
  if (created) return created
  throw new Error(
    'running as root, and PostgreSQL refuses root: create a user `nobody`, or run the tests as another user',
  )
}

/** Where test servers keep what is worth keeping between runs: in the checkout, or elsewhere where `user` may not go there. */
export function cacheDirectory(user: ServerUser | undefined): string {
  const inCheckout = join(import.meta.dirname, '../../.cache')
  mkdirSync(inCheckout, { recursive: true })
  const root = mayReach(inCheckout, user) ? inCheckout : join(tmpdir(), `sallyport-cache-${user!.uid}`)
  const path = join(root, 'postgres')
  mkdirSync(root, { recursive: true, mode: 0o755 })
  refuseForeign(root, 0)
  mkdirSync(path, { recursive: true })
  if (user) chownSync(path, user.uid, user.gid)
  return path
}

/** Whether `user` may enter, or run, `path`. */
export function mayReach(path: string, user: ServerUser | undefined): boolean {
  if (!user) return true
  return spawnSync('test', ['-x', path], { uid: user.uid, gid: user.gid, cwd: '/' }).status === 0
}

const createdName = 'sallyport-test'

/** A directory with a well-known name under /tmp may have been put there by somebody else. */
function refuseForeign(path: string, uid: number): void {
  const stat = lstatSync(path)
  const owner = process.getuid?.() === 0 ? uid : process.getuid?.()
  if (!stat.isDirectory() || stat.uid !== owner)
    throw new Error(`${path} belongs to somebody else: remove it`)
}

function lookUp(name: string): ServerUser | undefined {
  const id = (flag: string): number => {
    const { status, stdout } = spawnSync('id', [flag, name], { encoding: 'utf8' })
    return status === 0 ? Number(stdout) : NaN
  }
  const [uid, gid] = [id('-u'), id('-g')]
  return Number.isInteger(uid) && Number.isInteger(gid) && uid !== 0 ? { name, uid, gid } : undefined
}
