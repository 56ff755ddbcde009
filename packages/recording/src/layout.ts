import { join } from 'node:path'
import type { SessionId } from '@sallyport/core'

/** Where everything lies in the recordings' directory. */
export class Layout {
  readonly root: string
  readonly journal: string
  /** Recordings of sessions that live, or that a dead gateway left. */
  readonly open: string
  readonly sealed: string
  readonly seals: string
  readonly lock: string

  constructor(root: string) {
    this.root = root
    this.journal = join(root, 'journal')
    this.open = join(root, 'open')
    this.sealed = join(root, 'sealed')
    this.seals = join(root, 'seals')
    this.lock = join(root, 'lock')
  }

  openFile(session: SessionId): string {
    return join(this.open, fileName(session))
  }

  /** A sealed recording lies with those of the same nine hours: the first five digits of its time. */
  sealedDirectory(session: SessionId): string {
    return join(this.sealed, session.slice(4, 9))
  }

  sealedFile(session: SessionId): string {
    return join(this.sealedDirectory(session), fileName(session))
  }
}

/** The name to which a recording's key is bound. */
export function fileName(session: SessionId): string {
  return `${session}.recording`
}

/** Session ids become file names: nothing else may. */
export function isSessionId(id: string): id is SessionId {
  return /^ses_[0-9A-Za-z]{1,64}$/.test(id)
}

export function sessionOfFile(name: string): SessionId | undefined {
  const id = /^(.+)\.recording$/.exec(name)?.[1]
  return id !== undefined && isSessionId(id) ? id : undefined
}
