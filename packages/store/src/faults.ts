import { Fault } from '@sallyport/core'

/** A database's failure as a Fault. Its own text may name files and values, and so stays inside, as the cause. */
export function unavailable(why: Unavailable, cause: unknown): Fault {
  return new Fault('gateway/store-unavailable', words[why], { cause })
}

export type Unavailable = keyof typeof words

const words = {
  'in-use':
    'the store is in use by another process: stop the other gateway, or give this one its own data directory',
  full: 'the store cannot be written: its disk is full',
  'read-only': 'the store cannot be written: its file or directory is read-only',
  'cannot-open': 'the store cannot be opened: its directory must exist, and be readable and writable',
  damaged: 'the store is damaged, or is no store at all: restore it from a backup',
  newer: 'the store was written by a newer gateway: run that version, or restore a backup from before it',
  failed: 'the store is not available',
} as const
