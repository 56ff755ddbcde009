import type { Facts } from '@sallyport/core'
import { Draft } from './draft.ts'
import { filePath, home, type FilePath } from './paths.ts'

/** A path of a request. */
export interface AskedPath {
  /** As it came: no text. */
  readonly bytes: Uint8Array
  /**
   * Where it leads, symbolic links resolved, as the target said: absolute. Then this is what is judged; the path as it came
   * stays in the facts. Absent where nobody asked or there is nothing yet.
   */
  readonly real?: Uint8Array | undefined
}

/** What is asked of a file, by whichever protocol. */
export type FileRequest =
  | { readonly kind: 'open'; readonly path: AskedPath; readonly flags: OpenFlags }
  | {
      /** Its directory's content, its attributes, where it leads. */
      readonly kind: 'list'
      readonly path: AskedPath
    }
  | { readonly kind: 'remove' | 'make-directory' | 'set-attributes'; readonly path: AskedPath }
  | { readonly kind: 'rename'; readonly from: AskedPath; readonly to: AskedPath }
  | {
      readonly kind: 'link'
      /** The new one. */
      readonly path: AskedPath
      /** What it leads to: of a symbolic link, as it will stand in it. */
      readonly target: AskedPath
      readonly isSymbolic: boolean
    }
  | {
      /** A request that the gateway does not know. */
      readonly kind: 'unknown'
    }

export interface OpenFlags {
  readonly read: boolean
  readonly write: boolean
  readonly append: boolean
  readonly create: boolean
  readonly truncate: boolean
  readonly exclusive: boolean
}

export interface FileContext {
  readonly transfer: 'sftp' | 'scp'
  /** The account's home, absolute, where the target told it. */
  readonly home?: Uint8Array | undefined
}

/** What a request about files does. */
export function factsOfFile(request: FileRequest, context: FileContext): Facts {
  const draft = new Draft()
  draft.transfer = context.transfer
  const start = context.home === undefined ? home : (filePath(context.home) ?? home)
  const on = (asked: AskedPath, action: string, use: 'reads' | 'writes') => {
    const path = filePath(asked.bytes, start)
    const real = asked.real === undefined ? path : filePath(asked.real)
    draft.file(real, action, use)
    if (path !== undefined) draft.paths.add(path, use)
    return path
  }
  switch (request.kind) {
    case 'open': {
      const { flags } = request
      for (const flag of openFlags) if (flags[flag]) draft.openFlags.add(flag)
      const writes = flags.write || flags.append || flags.create || flags.truncate
      if (flags.read || !writes) on(request.path, 'download', 'reads')
      if (writes) on(request.path, 'upload', 'writes')
      break
    }
    case 'list':
      on(request.path, 'list', 'reads')
      break
    case 'remove':
    case 'make-directory':
    case 'set-attributes':
      on(request.path, request.kind, 'writes')
      break
    case 'rename':
      on(request.from, 'rename', 'writes')
      on(request.to, 'rename', 'writes')
      break
    case 'link': {
      const path = on(request.path, 'link', 'writes')
      // What a symbolic link says begins where the link is.
      if (!request.isSymbolic) on(request.target, 'link', 'reads')
      else if (path !== undefined) draft.file(targetOf(request.target, path), 'link', 'reads')
      break
    }
    case 'unknown':
      draft.unparsed()
      break
  }
  return draft.finish()
}

const openFlags = ['read', 'write', 'append', 'create', 'truncate', 'exclusive'] as const

function targetOf({ bytes, real }: AskedPath, link: FilePath): FilePath | undefined {
  return real === undefined
    ? filePath(bytes, { root: link.root, names: link.names.slice(0, -1) })
    : filePath(real)
}
