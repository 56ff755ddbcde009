import { DatabaseSync } from 'node:sqlite'

/**
 * Keeps every other process off a directory, until disposed or until this process dies in whatever way: the lock that
 * SQLite holds on its file is the operating system's. A second gateway would take the first one's live sessions for
 * those of a dead one.
 */
export function lockDirectory(lockFile: string): Disposable {
  const database = new DatabaseSync(lockFile)
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (thrown) {
    database.close()
    throw new Error('another process records into this directory', { cause: thrown })
  }
  return { [Symbol.dispose]: () => database.close() }
}
