import { DatabaseSync } from 'node:sqlite'

/**
 * Keeps every other process off a directory, until disposed or until this process dies in whatever way: the lock that
 * SQLite holds on its file is the operating system's. A second gateway would take the first one's live sessions for
 * those of a dead one.
 * @param waitMs how long to wait for a process that is just ending; nothing else runs meanwhile
 */
export function lockDirectory(lockFile: string, waitMs: number): Disposable {
  const database = new DatabaseSync(lockFile, { timeout: waitMs })
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (thrown) {
    database.close()
    throw new Error('another process records into this directory', { cause: thrown })
  }
  return { [Symbol.dispose]: () => database.close() }
}
