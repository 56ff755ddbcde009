import {
  closeSync,
  constants,
  fdatasync,
  fsync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { promisify } from 'node:util'
import { refillSpares, withSpare } from './spare-descriptors.ts'

/** All that the recorder does to a file system when it writes. Tests pass one that fills up or fails to sync. */
export interface Disk {
  /** Opens a new file for writing. @throws where it exists */
  create(path: string): number
  /** Opens a file to write at its end; a new one where there is none. */
  append(path: string): number
  /** Cuts a file to its first `sizeBytes`. */
  truncate(path: string, sizeBytes: number): void
  /** In the kernel when it returns, all of it. */
  write(file: number, bytes: Uint8Array): void
  /** Resolves when all that was written is on the disk. */
  sync(file: number): Promise<void>
  close(file: number): void
  makeDirectory(path: string): void
  /** Makes creations, renames and removals in a directory durable. */
  syncDirectory(path: string): Promise<void>
  rename(from: string, to: string): void
  remove(path: string): void
}

/** Files that only the gateway's own user may read. */
const fileMode = 0o600
const directoryMode = 0o700

export const nodeDisk: Disk = {
  create(path) {
    refillSpares()
    return withSpare(() => openSync(path, 'ax', fileMode))
  },
  append: (path) => withSpare(() => openSync(path, 'a', fileMode)),
  write(file, bytes) {
    let at = 0
    while (at < bytes.length) at += writeSync(file, bytes, at)
  },
  truncate: (path, sizeBytes) => withSpare(() => truncateSync(path, sizeBytes)),
  sync: promisify(fdatasync),
  close: shut,
  makeDirectory: (path) => void mkdirSync(path, { recursive: true, mode: directoryMode }),
  async syncDirectory(path) {
    const directory = withSpare(() => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY))
    try {
      await promisify(fsync)(directory)
    } finally {
      shut(directory)
    }
  },
  rename: renameSync,
  remove: (path) => rmSync(path, { force: true }),
}

/** What it held becomes a spare one again, where one is missing. */
function shut(file: number): void {
  closeSync(file)
  refillSpares()
}
